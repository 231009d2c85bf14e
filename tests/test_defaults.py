"""What labelcycle takes where nobody chose: the same everywhere, and as the decision says."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelcycle import config, select
from labelcycle.cli import demo, expected_gain
from labelcycle.cli.expected_gain import ExpectedGain
from labelcycle.core import dawid_skene
from labelcycle.core.strategies import supclust, typiclust

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


WORDS = {1: "one", 5: "five", 0.1: "tenth"}


def word(value: float) -> str:
    """A number as a page writes it."""
    return WORDS.get(value, f"{value:g}")


def stated() -> Iterator[tuple[str, str]]:
    """A page, and what it says of a default in a sentence, with the value that the code has."""
    found = defaults()
    holdout, close, typical = found.ingest.holdout, found.close, typiclust.Options().neighbours
    yield (
        "concepts/accuracy.md",
        f"`ingest.holdout` sets the number, [...] {holdout} is the default",
    )
    yield "concepts/accuracy.md", f"| {holdout}, the default |"
    yield "results.md", f"The default is {holdout} images."
    yield "results.md", f"{found.accept.confidence:g} is the default."
    yield "results.md", f"`{found.train.learner}` is the default, with the penalty"
    yield "results.md", f"So below {dawid_skene.PER_CLASS} shared answers"
    yield "concepts/selection.md", f"`{found.query.strategy}`, the default,"
    yield "concepts/pretraining.md", f"With `encoder: {found.pretrain.encoder}`, the default,"
    yield "concepts/selection.md", f"to the {typical} nearest neighbours in the cluster."
    yield "concepts/selection.md", f"with fewer than {2 * typical} samples"
    yield "concepts/papers.md", f"`cluster.max_clusters: {found.cluster.max_clusters}`"
    yield "concepts/papers.md", f"the same, `share: {supclust.Options().share:g}`, rounded up"
    yield "concepts/answers-to-labels.md", f"more than {word(close.most_changed)} labels and"
    yield "concepts/answers-to-labels.md", f"{close.share_changed:.0%} of all labels"
    yield (
        "concepts/answers-to-labels.md",
        f"or more than {word(close.most_changed_holdout)} label of the hold-out",
    )
    blind = word(found.push.blind_share)
    yield "concepts/answers-to-labels.md", f"a random {blind} is shown without one"
    yield "guides/serve-weekly.md", f"stuck_after_hours: {found.notify.stuck_after_hours}"


@pytest.mark.parametrize(("page", "text"), list(stated()))
def test_what_a_page_says_of_a_default_is_so(page: str, text: str) -> None:
    said = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
    for part in text.replace("%", " %").split(" [...] "):
        assert part in said


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
