"""What labelcycle takes where nobody chose: the same everywhere, and as the decision says."""

import inspect
import json
from pathlib import Path

import pytest

from labelcycle import config, select
from labelcycle.cli import demo, expected_gain
from labelcycle.cli.expected_gain import ExpectedGain

ROOT = Path(__file__).parents[1]
DECISION = ROOT / "docs" / "decisions" / "0039-defaults-by-the-tables.md"
GAINS = ROOT / "benchmarks" / "results" / "demo-gain.json"


def defaults() -> config.Config:
    return config.parse(None)


def test_the_decision_names_the_defaults() -> None:
    found = defaults()
    said = (
        f"`pretrain.encoder: {found.pretrain.encoder}`, `query.strategy: {found.query.strategy}`,"
        f" `train.learner: {found.train.learner}`,"
        f" `train.calibrate: {str(found.train.calibrate).lower()}`"
    )
    assert said in " ".join(DECISION.read_text(encoding="utf-8").split())


def test_a_notebook_and_the_demo_take_the_same() -> None:
    found, parameters = defaults(), inspect.signature(select).parameters
    assert parameters["strategy"].default == found.query.strategy
    assert parameters["learner"].default == found.train.learner
    for quick in (False, True):
        shown = demo.settings(demo.sample_data(), quick=quick)
        assert shown.query.strategy == found.query.strategy
        assert shown.train == found.train
        assert shown.pretrain.model_fields_set == {"encoder"}  # which reads nothing else of it


@pytest.mark.parametrize(
    ("start", "table", "name"),
    [
        ("`labelcycle demo`", "demo-gain", "full"),
        ("`labelcycle demo --quick`", "demo-gain", "quick"),
        ("`labelcycle demo` with `smallconv`", "demo-gain-smallconv", "full"),
    ],
)
def test_the_decision_says_what_the_rows_of_the_demo_say(start: str, table: str, name: str) -> None:
    rows = json.loads((GAINS.parent / f"{table}.json").read_text(encoding="utf-8"))["rows"]
    by_labels = [
        [row["gain"] for row in rows if (row["demo"], row["labels"]) == (name, labels)]
        for labels in expected_gain.FULL.labels
    ]
    cells = [f"{sum(gains) / len(gains):+.1f}, least {min(gains):+.1f}" for gains in by_labels]
    enough = [sum(gain >= expected_gain.ENOUGH for gain in gains) for gains in by_labels]
    line = [start, *cells, ", ".join(map(str, enough)), str(len(by_labels[0]))]
    assert f"| {' | '.join(line)} |" in DECISION.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("name", "said"), [("full", expected_gain.FULL), ("quick", expected_gain.QUICK)]
)
def test_the_demo_says_what_was_measured_of_it(name: str, said: ExpectedGain) -> None:
    shown = demo.settings(demo.sample_data(), quick=name == "quick")
    parts = (shown.pretrain.encoder, shown.query.strategy, shown.train.learner)
    rows = [row for row in json.loads(GAINS.read_text())["rows"] if row["demo"] == name]
    assert {(row["encoder"], row["strategy"], row["learner"]) for row in rows} == {parts}
    assert said.labels == tuple(demo.BUDGET * (n + 1) for n in range(demo.ROUNDS))
    for labels, gain, enough in zip(said.labels, said.gain, said.enough, strict=True):
        gains = [row["gain"] for row in rows if row["labels"] == labels]
        assert len(gains) == said.seeds
        assert sum(gains) / len(gains) == pytest.approx(gain, abs=0.051)
        assert sum(value >= expected_gain.ENOUGH for value in gains) == enough
