"""What `labelcycle doctor` looks at in a campaign, with the messages of what would fail later."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import SETTINGS, make_images

from labelcycle import checks, config
from labelcycle.adapters import health
from labelcycle.cycle import setup
from labelcycle.store import Campaign, read_samples, write_arrays


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, without_dvc: None) -> None:
    """No service is asked."""
    monkeypatch.setattr(health, "check", lambda: iter(()))


def campaign_with(folder: Path, **settings: object) -> Campaign:
    make_images(folder / "images")
    made = setup.init(folder / "made", config.parse({**SETTINGS, **settings}))
    setup.add_images(made.root, [str(folder / "images")], lambda step: None)
    return made


def line(campaign: Campaign, start: str) -> tuple[bool | None, str]:
    """Whether the check is well, and what it found."""
    found = [each for each in checks.all_checks(campaign.root) if each[0].startswith(start)]
    assert len(found) == 1
    return found[0][1], found[0][2]


def test_the_features_are_checked_as_pretrain_does(tmp_path: Path) -> None:
    made = campaign_with(tmp_path, pretrain={"encoder": "precomputed"})
    well, said = line(made, "pretrain.options.file, data/features.npz")
    assert not well
    assert said.startswith("cannot read data/features.npz: No such file")
    names = [Path(sample.source).name for sample in read_samples(made.samples)]
    rows = np.ones((len(names), 5), np.float32)
    file = made.data / "features.npz"
    write_arrays(file, files=np.array(names[1:]), features=rows[1:])
    well, said = line(made, "pretrain.options.file")
    assert (well, said[:27]) == (False, "no features for 1 of 30 sam")
    write_arrays(file, files=np.array(names), features=rows)
    expected = "30 rows of 5 features, named by the images' paths"
    assert line(made, "pretrain.options.file") == (True, expected)
    rows[3, 1] = np.nan
    write_arrays(file, files=np.array(names), features=rows)
    well, said = line(made, "pretrain.options.file")
    assert not well
    assert "wanted finite numbers, got others in row 3" in said


def test_weights_are_read(tmp_path: Path) -> None:
    chosen = {"encoder": "resnet18", "options": {"file": "w.pth"}}
    made = campaign_with(tmp_path, pretrain=chosen)
    well, said = line(made, "pretrain.options.file, w.pth")
    assert not well
    assert "cannot read w.pth: wanted weights of resnet18, got" in said
    torch.save({"a": torch.zeros(1)}, made.root / "w.pth")
    assert line(made, "pretrain.options.file") == (True, "1 arrays of weights")


def test_the_budget_must_be_left(tmp_path: Path) -> None:
    made = campaign_with(tmp_path)
    assert line(made, "query.budget") == (True, "4 of 24 samples left")
    text = made.params.read_text()
    made.params.write_text(text.replace("budget: 4", "budget: 25"))
    well, said = line(made, "query.budget")
    assert not well
    assert said.startswith("query.budget must be in 1..24, the samples left in the pool (got 25)")
