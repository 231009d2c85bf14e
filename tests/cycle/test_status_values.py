"""What `labelcycle status` prints, and how two rounds are compared, as values."""

import copy
from types import SimpleNamespace
from typing import Any, cast

import pytest

from labelcycle.cycle import past_rounds, status_report
from labelcycle.errors import DataError, StateError
from labelcycle.rounds.snapshots import Snapshot

PEOPLE: dict[str, Any] = {
    "alpha": 0.754,
    "seconds_per_label": 2.46,
    "adjudicate": 3,
    "gold": None,
    "method": {"instead": "2 people, wanted 3"},
    "no_class": {"answers": 1, "names": ["zebra"]},
    "skips": {"none of these": 4},
    "answers": 10,
}
CLOSED: dict[str, Any] = {
    "round": 0,
    "state": "closed",
    "strategy": "badge",
    "stood_in": "typiclust",
    "labels": 4,
    "accuracy": 0.5,
    "accuracy_low": 0.25,
    "accuracy_high": 0.75,
    "people": PEOPLE,
    "preannotation": {
        "override_rate": {"value": 0.37},
        "shown": 46,
        "bias": {"value": 0.1, "low": -0.05, "high": 0.25},
        "blind": 9,
    },
    "corrections": None,
}
OPEN: dict[str, Any] = {
    "round": 1,
    "state": "open",
    "strategy": "margin",
    "stood_in": None,
    "labels": 8,
    "accuracy": None,
    "tasks": 10,
    "answered": 3,
    "skipped": 1,
    "url": "http://x",
}
STATUS: dict[str, Any] = {
    "campaign": "birds",
    "pool": 24,
    "holdout": 6,
    "labels": 8,
    "bought": 14,
    "again": 2,
    "missing_class": 0.3,
    "rounds": [CLOSED, OPEN],
    "params_wait": True,
    "waiting": [],
    "mlflow": "http://curves",
    "next": "`labelcycle run`",
}


def text(**changes: Any) -> list[str]:
    return status_report.as_text({**copy.deepcopy(STATUS), **changes}).splitlines()


def test_the_whole_status() -> None:
    assert text() == [
        "birds: 24 samples in the pool, 6 in the hold-out; 8 labels to train on, 14 samples"
        " answered (hold-out and skips included)",
        "people: agreement 0.75 (Krippendorff's alpha), 2.5 s a label in the last round, 3 samples"
        " await adjudication, majority, not yet Dawid-Skene (2 people, wanted 3)",
        "1 answer names no class of this campaign ('zebra') and does not count (last round)",
        "Skips: none of these 4 (last round)",
        "4 of 10 answers say 'none of these': a class may be missing; look at these images"
        " (`labelcycle export - --rejected`), add it with `labelcycle schema add`, then"
        ' `labelcycle ask-again --reason "none of these"` (last round)',
        "asked again from the next open on: 2 skipped samples",
        "pre-annotations: 37% of 46 overridden; people who see one agree with it 10 points more"
        " often than people who do not (-5 to +25, 9 samples without)",
        "",
        "round  state      strategy                   labels  accuracy",
        "    0  closed     badge (typiclust stood in)      4  0.500 (0.250 to 0.750)",
        "    1  open       margin                          8  - (4 of 10 tasks done at http://x)",
        "",
        "curves: http://curves",
        "",
        "params.yaml was changed: the next open commits it and works by it",
        "",
        "next: `labelcycle run`",
    ]


def test_a_new_campaign() -> None:
    new = text(rounds=[], again=0, params_wait=False, pool=0, holdout=0, labels=0, bought=0)
    assert new == [
        "birds: 0 samples in the pool, 0 in the hold-out; 0 labels to train on, 0 samples answered"
        " (hold-out and skips included)",
        "",
        "next: `labelcycle run`",
    ]


def test_a_round_of_which_little_is_known() -> None:
    silent = dict.fromkeys(PEOPLE) | {"answers": 0}
    closed = CLOSED | {"people": silent, "preannotation": None, "stood_in": None}
    away = OPEN | {"tasks": None, "problem": "it is away"}
    found = text(rounds=[closed, away], again=0, params_wait=False, mlflow=None)
    assert found[1:] == [
        "",
        "round  state      strategy     labels  accuracy",
        "    0  closed     badge             4  0.500 (0.250 to 0.750)",
        "    1  open       margin            8  - (it is away)",
        "",
        "next: `labelcycle run`",
    ]
    planned = {k: v for k, v in OPEN.items() if k not in ("tasks", "answered", "skipped", "url")}
    assert text(rounds=[planned])[-7].endswith("  -")


@pytest.mark.parametrize(
    ("shown", "lines"),
    [
        ({"override_rate": None}, []),
        (
            {"override_rate": {"value": 0.5}, "shown": 2, "bias": None},
            ["pre-annotations: 50% of 2 overridden"],
        ),
        (
            {
                "override_rate": {"value": 0.5},
                "shown": 2,
                "bias": {"value": -0.2, "low": -0.3, "high": 0},
                "blind": 1,
            },
            [
                "pre-annotations: 50% of 2 overridden; people who see one agree with it 20 points"
                " less often than people who do not (-30 to +0, 1 samples without)"
            ],
        ),
    ],
)
def test_what_pre_annotations_do(shown: dict[str, Any], lines: list[str]) -> None:
    assert status_report._preannotation([{"preannotation": shown}]) == lines


# --- two rounds compared --------------------------------------------------------------------


def selection(*scores: float) -> dict[str, Any]:
    samples = [{"sample": f"s{n}", "score": score} for n, score in enumerate(scores)]
    return {"samples": samples, "strategy": "margin"}


def test_selections_that_are_the_same() -> None:
    one = selection(1.0, 2.0)
    assert past_rounds.compare_selections(one, copy.deepcopy(one)) == (
        "selection: the same 2 samples in the same order, in every digit"
    )
    assert past_rounds.compare_selections(one, selection(1.0, 2.00001)) == (
        "selection: the same 2 samples in the same order, scores within 1e-05"
    )


@pytest.mark.parametrize(
    ("rebuilt", "said"),
    [
        (selection(1.0), "the selection differs: recorded 2 samples, rebuilt 1"),
        (
            selection(1.0, 2.1),
            "the selection differs at rank 1: score: recorded 2.0, rebuilt 2.1",
        ),
        (
            {"samples": [{"sample": "x", "score": 1.0}, {"sample": "s1", "score": 2.0}]},
            "the selection differs at rank 0: sample: recorded 's0', rebuilt 'x'",
        ),
    ],
)
def test_selections_that_differ(rebuilt: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as told:
        past_rounds.compare_selections(selection(1.0, 2.0), rebuilt)
    assert str(told.value) == said


def test_metrics_that_are_the_same_or_differ() -> None:
    one = {"accuracy": {"value": 0.25, "low": 0.1}, "own": 1, "confusion": [[1, 2], [3, 4]]}
    rebuilt = {"accuracy": {"value": 0.25, "low": 0.1}, "new": 3, "confusion": [[1, 2], [3, 4]]}
    assert past_rounds.compare_metrics(one, rebuilt) == "metrics: the same (accuracy 0.2500)"
    none = {"accuracy": None}
    assert past_rounds.compare_metrics(none, none) == "metrics: the same (no accuracy)"
    for key, value, said in (
        ("confusion", [[1, 2], [3, 5]], "confusion: recorded 4, rebuilt 5"),
        ("confusion", [[1, 2]], "confusion: recorded [[1, 2], [3, 4]], rebuilt [[1, 2]]"),
        ("accuracy", {"value": 0.25, "low": 0.2}, "accuracy: low: recorded 0.1, rebuilt 0.2"),
        (
            "accuracy",
            {"value": 0.25},
            "accuracy: recorded {'value': 0.25, 'low': 0.1}, rebuilt {'value': 0.25}",
        ),
    ):
        with pytest.raises(DataError) as told:
            past_rounds.compare_metrics(one, {key: value})
        assert str(told.value) == f"the metrics differ in {said}"


@pytest.mark.parametrize(("old", "new"), [(1.0, 1.0 + 0.9e-5), (-1.0, -1.0), (2.0, 2), (0.0, 0.0)])
def test_numbers_that_are_the_same(old: float, new: float) -> None:
    assert past_rounds._differs(old, new) is None
    assert past_rounds._differs(old, new + 3e-5) is not None


def test_a_round_by_its_tag() -> None:
    def at(closed: int) -> Snapshot:
        return cast(Snapshot, SimpleNamespace(closed=range(closed)))

    assert past_rounds.number_of(at(3), "round/002") == 2
    assert past_rounds.number_of(at(3), "1") == 1
    for closed, said in (
        (0, "wanted a closed round, got 'x': no round is closed yet"),
        (2, "'x' is no closed round; wanted one of: round/000, round/001"),
    ):
        with pytest.raises(StateError) as told:
            past_rounds.number_of(at(closed), "x")
        assert str(told.value) == said
