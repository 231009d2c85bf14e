"""What is measured of the demo is the demo, and what it says follows from the rows."""

import argparse
import json
from pathlib import Path

import demo_gain
import numpy as np
import pytest
from test_defaults import GAINS

from labelcycle.cli import demo, expected_gain
from labelcycle.core import run_strategy
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.seeding import derive
from labelcycle.nn.learners import linear

pytestmark = pytest.mark.slow  # torch and a demo


def test_what_the_demo_says_follows_from_the_rows() -> None:
    rows = json.loads(GAINS.read_text())["rows"]
    for name, said in (("full", expected_gain.FULL), ("quick", expected_gain.QUICK)):
        some = [row for row in rows if row["demo"] == name]
        assert demo_gain.expected(some) == said
        text = demo_gain.table(some)
        assert len(text.splitlines()) == 2 + said.seeds + 2
        assert text.endswith(f"{expected_gain.line(said)}\n")


UNLIKE = {"commit": "", "machine": "", "digest": ""}
"""What another run of the same figures may say otherwise."""


def test_a_seed_plays_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "DRAWS", 2)
    given = argparse.Namespace(encoder="pixels", strategy=None, learner=None)
    config = demo_gain.settings(given, "quick")
    assert config == demo.settings(demo.sample_data(), quick=True).model_copy(
        update={"pretrain": config.pretrain}
    )
    rows = demo_gain.measure(config, "quick", 1)
    assert [row["labels"] for row in rows] == [25, 50, 75]
    for row in rows:
        assert row["gain"] == pytest.approx(row["accuracy"] - row["random"], abs=0.01)
        assert row["strategy"] == config.query.strategy
    assert rows[0]["random"] < rows[2]["random"] < 100


def test_a_run_writes_the_file_of_the_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = json.loads(GAINS.read_text())
    monkeypatch.setattr(
        demo_gain,
        "measure",
        lambda config, name, seeds: [row for row in old["rows"] if row["demo"] == name],
    )
    for path in (tmp_path / "new.json", tmp_path / GAINS.name):
        if path.name == GAINS.name:
            path.write_bytes(GAINS.read_bytes())
        monkeypatch.setattr("sys.argv", ["benchmarks/demo_gain.py", "--into", str(path)])
        demo_gain.main()
        new = json.loads(path.read_text())
        assert new | UNLIKE == old | UNLIKE


def test_random_selection_is_drawn_from_the_pool_alone() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    features = (np.eye(3)[labels] + rng.normal(0, 0.8, (90, 3))).astype(np.float32)
    held = np.arange(0, 90, 3)
    config = demo_gain.settings(
        argparse.Namespace(encoder=None, strategy="random", learner=None), "full"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_gain, "BUDGETS", (5, 10, 20))
        accuracy, mean = demo_gain.played(config, features, labels, held, 0)
    pool = np.setdiff1d(np.arange(90), held)
    every = np.full(60, UNLABELED)
    given = Pool(features[pool], every.copy(), np.ones(60, bool))
    rows = run_strategy.select("random", given, 5, derive(0, 0, "query")).rows
    every[rows] = labels[pool][rows]
    said = linear.fit(features[pool], every, 3, linear.Options(), 0).predict_proba(features[held])
    assert accuracy[0] == pytest.approx(100 * (said.argmax(axis=1) == labels[held]).mean())
    assert len(accuracy) == len(mean) == 3
    assert mean[0] < mean[2]
