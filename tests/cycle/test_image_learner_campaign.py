"""A campaign whose learner sees images, with real DVC: rounds, its own features, verify."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from squares import SETTINGS, make_images

from labelcycle import config
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.numpy_files import read_array
from labelcycle.cycle import new_campaign

pytestmark = pytest.mark.slow

NETWORK = {"network": "cnn", "epochs": 5, "batch": 8, "threads": 1}


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    make_images(tmp_path / "images")
    changes = {
        "embed": {"features": "model"},
        "train": {"learner": "finetune", "options": NETWORK},
        "query": {"strategy": "badge", "budget": 4},
    }
    made = new_campaign.init(tmp_path / "made", config.parse({**SETTINGS, **changes}))
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    return made


def test_two_rounds_and_the_one_with_a_model_is_verified(
    campaign: Campaign, flows, answer_all: Callable[[], None]
) -> None:
    for number in range(2):
        flows.open_now(str(campaign.root))
        answer_all()
        flows.run(str(campaign.root))
        own = read_array(campaign.own_features)
        assert own.shape == (24, 64)  # of the model that was trained when the round was closed
        assert read_json(campaign.model / "model.json")["labels"] == 4 * (number + 1)
    assert read_json(campaign.root / "rounds" / "001" / "selection.json")["stood_in"] is None
    words = [sys.executable, "-m", "labelcycle", "verify", "round/001"]
    done = subprocess.run(words, cwd=campaign.root, capture_output=True, text=True)
    assert "round 1 is reproduced" in done.stdout, done.stdout + done.stderr
