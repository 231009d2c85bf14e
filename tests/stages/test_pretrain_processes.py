"""The stage pretrain in other processes: two under torchrun, and one that is killed."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from labelcycle.campaign import store
from labelcycle.campaign.encoder_files import load_encoder
from labelcycle.cycle.run_stage import run_stage
from labelcycle.errors import StateError

OPTIONS = {"epochs": 30, "batch": 4, "width": 4, "components": 6}
PARAMS: dict[str, Any] = {
    "campaign": {"classes": ["a", "b"], "seed": 7},
    "pretrain": {"encoder": "smallconv", "threads": 1, "options": OPTIONS},
}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
ENVIRONMENT.pop("MLFLOW_TRACKING_URI", None)

# Saves after every step, so that a kill at any moment may meet a write.
PRETRAIN = """
import sys
from pathlib import Path
from labelcycle.cycle.run_stage import run_stage
from labelcycle.stages import pretrain_training as fitting
fitting.SAVE_EVERY_S = 0.0
run_stage("pretrain", Path(sys.argv[1]), lambda step: print(step.step, flush=True))
"""


@pytest.fixture
def campaign(small_campaign: store.Campaign) -> store.Campaign:
    small_campaign.params.write_text(yaml.safe_dump(PARAMS))
    return small_campaign


def files(campaign: store.Campaign) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in campaign.encoder.iterdir()}


@pytest.mark.slow
def test_killed_at_any_moment_and_started_again_gives_the_same_files(
    campaign: store.Campaign, tmp_path: Path
) -> None:
    unbroken = store.Campaign(tmp_path / "unbroken")
    shutil.copytree(campaign.root, unbroken.root)
    run_stage("pretrain", unbroken.root, lambda step: None)
    rng = random.Random()
    kills, steps = 0, []
    while True:
        words = [sys.executable, "-c", PRETRAIN, str(campaign.root)]
        with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            steps.append(int(process.stdout.readline()))
            if kills < 2:
                time.sleep(rng.uniform(0, 0.3))
                process.kill()
            process.stdout.read()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        kills += 1
    assert steps == sorted(steps)
    if kills:
        assert steps[-1] > 1
    assert files(campaign) == files(unbroken)
    assert not list(campaign.checkpoints.glob("pretrain-*"))


@pytest.mark.slow
def test_two_processes_train_one_encoder(campaign: store.Campaign) -> None:
    pretrain = {**PARAMS["pretrain"], "processes": 2}
    campaign.params.write_text(yaml.safe_dump({**PARAMS, "pretrain": pretrain}))
    words = [sys.executable, "-m", "labelcycle", "--campaign", str(campaign.root), "stage"]
    done = subprocess.run(
        [*words, "pretrain"], env=ENVIRONMENT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert load_encoder(campaign.encoder).width == 6
    assert not list(campaign.checkpoints.glob("*"))
    alone = files(campaign)["weights.safetensors"]
    campaign.params.write_text(yaml.safe_dump(PARAMS))
    run_stage("pretrain", campaign.root, lambda step: None)
    assert files(campaign)["weights.safetensors"] != alone  # batch norm saw half of each batch


def test_other_stages_refuse_torchrun(
    campaign: store.Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(StateError, match=r"stage embed runs in one process: wanted no torchrun"):
        run_stage("embed", campaign.root, lambda step: None)
