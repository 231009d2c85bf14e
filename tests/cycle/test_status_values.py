"""What `labelcycle status` prints, and how two rounds are compared, as values."""

from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any, cast

import made_records
import pytest

from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.records.drift_record import Drift
from labelcycle.campaign.records.metrics_record import (
    ErrorShares,
    Evaluation,
    ShownGuesses,
    WaitingChanges,
)
from labelcycle.campaign.records.people_record import LabelMethod, UnknownClasses
from labelcycle.campaign.records.selection_record import RoundSelection, SelectedSample
from labelcycle.campaign.sample_groups import Sides
from labelcycle.core.metrics import Estimate
from labelcycle.cycle import status_text, verify_round
from labelcycle.cycle.campaign_status import (
    CampaignStatus,
    CohortStatus,
    Counts,
    OpenRound,
    RoundStatus,
)
from labelcycle.errors import DataError, StateError
from labelcycle.rounds import corrected_labels
from labelcycle.rounds.snapshots import Snapshot

PEOPLE = made_records.people(
    alpha=0.754,
    seconds_per_label=2.46,
    adjudicate=3,
    method=LabelMethod("majority", "2 people, wanted 3"),
    no_class=UnknownClasses(1, ("zebra",)),
    skips={"none of these": 4},
    answers=10,
)
SILENT = made_records.people(
    alpha=None, seconds_per_label=None, method=LabelMethod("majority", None)
)
GUESSES = ShownGuesses(
    shown=46,
    override_rate=Estimate(0.37, 0.2, 0.5),
    blind=10,
    blind_agreement=None,
    bias=Estimate(0.1, -0.05, 0.25),
    errors=ErrorShares(None, None),
)
CLOSED = RoundStatus(
    round=0,
    state="closed",
    strategy="badge",
    stood_in="typiclust",
    labels=4,
    accuracy=Estimate(0.5, 0.25, 0.75),
    people=PEOPLE,
    preannotation=GUESSES,
    corrections=made_records.NO_CHANGES,
)
OPEN = RoundStatus(
    round=1,
    state="open",
    strategy="margin",
    stood_in=None,
    labels=8,
    budget=4,
    open=OpenRound("http://x", AnnotationProgress(10, 3, 1)),
)
STATUS = CampaignStatus(
    campaign="birds",
    counts=Counts(pool=24, holdout=6, labels=8, bought=14, again=2),
    cohorts=(CohortStatus(0, made_records.AT, 24, 6, True, Estimate(0.5, 0.25, 0.75)),),
    missing_class=0.3,
    rounds=(CLOSED, OPEN),
    params_wait=True,
    waiting=(),
    mlflow="http://curves",
    next="`labelcycle run`",
)


def text(**changes: Any) -> list[str]:
    return status_text.as_text(replace(STATUS, **changes)).splitlines()


def test_the_whole_status() -> None:
    assert text() == [
        "birds: 24 samples in the pool, 6 in the hold-out; 8 labels to train on, 14 samples"
        " answered (hold-out and skips included)",
        "people: agreement 0.75 (Krippendorff's alpha), 2.5 s a label in the last round, 3 samples"
        " await adjudication, majority, not yet Dawid-Skene (2 people, wanted 3)",
        "1 answer names no class of this campaign ('zebra') and does not count (last round)",
        "Skips: 4 of 10 answers (4 none of these) (last round)",
        "4 of 10 answers say 'none of these': a class may be missing; look at these images"
        " (`labelcycle export - --rejected`), add it with `labelcycle schema add`, then"
        ' `labelcycle ask-again --reason "none of these"` (last round)',
        "2 skipped samples are asked again when the next round opens",
        "pre-annotations: 37% of 46 overridden; people who see one agree with it 10 points more"
        " often than people who do not (-5 to +25, 10 samples without)",
        "",
        "round  state      strategy                   labels  accuracy",
        "    0  closed     badge (typiclust stood in)      4  0.500 (0.250 to 0.750)",
        "    1  open       margin                          8  - (4 of 10 tasks done at http://x)",
        "",
        "curves: http://curves",
        "",
        "params.yaml was changed: that counts when the next round opens",
        "",
        "next: `labelcycle run`",
    ]


def test_each_cohort_has_a_line_once_there_are_several() -> None:
    cohorts = (
        CohortStatus(0, "2026-11-01T12:00:00+00:00", 24, 6, True, Estimate(0.5, 0.25, 0.75)),
        CohortStatus(
            1,
            "2026-11-08T12:00:00+00:00",
            9,
            1,
            True,
            drift=Drift(0.001, True),
            unusual="u/001.png",
        ),
        CohortStatus(2, "2026-11-15T12:00:00+00:00", 8, 2, False),
        CohortStatus(3, "2026-11-22T12:00:00+00:00", 9, 1, True, drift=Drift(0.281, False)),
    )
    assert text(cohorts=cohorts)[1:5] == [
        "cohort 0, 2026-11-01: 24 in the pool, 6 in the hold-out; accuracy 0.500 (0.250 to 0.750)",
        "cohort 1, 2026-11-08: 9 in the pool, 1 in the hold-out; accuracy not measured yet;"
        " looks different from the images before (p = 0.001); its most unusual images: u/001.png",
        "cohort 2, 2026-11-15: 8 in the pool, 2 in the hold-out; counts from the next round on",
        "cohort 3, 2026-11-22: 9 in the pool, 1 in the hold-out; accuracy not measured yet; looks"
        " like the images before (p = 0.28)",
    ]
    values = replace(STATUS, cohorts=cohorts).as_json()["cohorts"]
    drifts = [None, {"p": 0.001, "different": True}, None, {"p": 0.281, "different": False}]
    assert [each["drift"] for each in values] == drifts


def test_an_accuracy_of_a_part_of_the_hold_out_says_of_how_many() -> None:
    part = replace(CLOSED, measured=5, holdout=6)
    share = "0.500 (0.250 to 0.750)"
    assert text(rounds=(part,))[-7].endswith(f"{share} over 5 of 6 hold-out images")
    assert text(rounds=(replace(part, measured=6),))[-7].endswith(share)
    cohorts = [
        CohortStatus(0, made_records.AT, 24, 6, True, part.accuracy, measured)
        for measured in (5, 6)
    ]
    ends = [line.partition("accuracy ")[2] for line in status_text._cohorts(cohorts)]
    assert ends == [f"{share} over 5 of 6 hold-out images", share]


def test_a_new_campaign() -> None:
    new = text(rounds=(), counts=Counts(), params_wait=False)
    assert new == [
        "birds: 0 samples in the pool, 0 in the hold-out; 0 labels to train on, 0 samples answered"
        " (hold-out and skips included)",
        "",
        "next: `labelcycle run`",
    ]


def test_a_round_of_which_little_is_known() -> None:
    closed = replace(CLOSED, people=SILENT, preannotation=None, stood_in=None)
    away = replace(OPEN, open=OpenRound("http://x", None, problem="it is away"))
    found = text(rounds=(closed, away), counts=Counts(), params_wait=False, mlflow=None)
    assert found[1:] == [
        "",
        "round  state      strategy     labels  accuracy",
        "    0  closed     badge             4  0.500 (0.250 to 0.750)",
        "    1  open       margin            8  - (it is away)",
        "",
        "next: `labelcycle run`",
    ]
    planned = replace(OPEN, open=None, state="planned")
    assert text(rounds=(planned,))[-7] == "    1  planned    margin            8  -"


def test_what_waits_and_what_was_changed_is_told() -> None:
    open_ = OpenRound("u", AnnotationProgress(1, 0, 0), altered="2 tasks were altered")
    lines = text(rounds=(CLOSED, replace(OPEN, open=open_)))
    assert "2 tasks were altered" in lines
    waits = WaitingChanges("bob", "ann", "edited", 2)
    for status in (
        {"waiting": (waits,)},
        {"rounds": (replace(OPEN, open=replace(open_, waiting=(waits,))),)},
    ):
        assert corrected_labels.waiting_line([waits]) in text(**status)
    changed = replace(made_records.NO_CHANGES, edited=3, labels=1, by={"ann": 3})
    told = f"{corrected_labels.summary_line(changed)} (found at the last close)"
    assert told in text(rounds=(replace(CLOSED, corrections=changed),))


@pytest.mark.parametrize(
    ("guesses", "lines"),
    [
        (replace(GUESSES, override_rate=None), []),
        (replace(GUESSES, bias=None), ["pre-annotations: 37% of 46 overridden"]),
        (
            replace(GUESSES, bias=Estimate(-0.2, -0.3, 0.0)),
            [
                "pre-annotations: 37% of 46 overridden; people who see one agree with it 20 points"
                " less often than people who do not (-30 to +0, 10 samples without)"
            ],
        ),
        (
            replace(GUESSES, blind=9),
            [
                "pre-annotations: 37% of 46 overridden (9 samples without a guess: too few to"
                " compare)"
            ],
        ),
        (
            replace(GUESSES, blind=1),
            [
                "pre-annotations: 37% of 46 overridden (1 sample without a guess: too few to"
                " compare)"
            ],
        ),
    ],
)
def test_what_pre_annotations_do(guesses: ShownGuesses, lines: list[str]) -> None:
    assert status_text._preannotation([replace(CLOSED, preannotation=guesses)]) == lines


def test_the_status_as_plain_values() -> None:
    waits = WaitingChanges("bob", "ann", "edited", 2)
    plain = {"by": "bob", "of": "ann", "what": "edited", "answers": 2}
    progress = AnnotationProgress(10, 3, 1, 2, 7, 1, {5: "mark"})
    far = OpenRound("http://x", progress, altered="2 tasks were altered", waiting=(waits,))
    numbers = {
        **{"tasks": 10, "answered": 3, "skipped": 1, "partly": 2, "given": 7, "strangers": 1},
        **{"url": "http://x", "altered": "2 tasks were altered", "waiting": [plain]},
    }
    assert far.as_json() == numbers
    away = OpenRound("http://x", None, "it is away", waiting=(waits,))
    unknown = {"url": "http://x", "tasks": None, "answered": None, "skipped": None}
    assert away.as_json() == {**unknown, "problem": "it is away"}
    found = replace(STATUS, rounds=(CLOSED, replace(OPEN, open=far)), waiting=(waits,)).as_json()
    closed, at_work = found.pop("rounds")
    assert found.pop("cohorts") == [asdict(each) for each in STATUS.cohorts]
    assert found == {
        "campaign": "birds",
        **{"pool": 24, "holdout": 6, "labels": 8, "bought": 14, "again": 2, "withdrawn": 0},
        "missing_class": 0.3,
        "params_wait": True,
        "waiting": [plain],
        "mlflow": "http://curves",
        "next": "`labelcycle run`",
        "rollbacks": [],
    }
    shown = closed.pop("people")
    assert shown == {name: asdict(PEOPLE)[name] for name in shown}
    assert sorted(shown) == [
        *("adjudicate", "alpha", "answers", "gold", "method", "no_class", "seconds_per_label"),
        "skips",
    ]
    assert closed == {
        **{"round": 0, "state": "closed", "strategy": "badge", "stood_in": "typiclust"},
        **{"labels": 4, "accuracy": 0.5, "accuracy_low": 0.25, "accuracy_high": 0.75},
        **{"measured": None, "holdout": None},
        "preannotation": asdict(GUESSES),
        "corrections": asdict(made_records.NO_CHANGES),
    }
    assert at_work == {
        **{"round": 1, "state": "open", "strategy": "margin", "stood_in": None, "labels": 8},
        **{"accuracy": None, "accuracy_low": None, "accuracy_high": None, "budget": 4},
        **{"measured": None, "holdout": None},
        **numbers,
    }


# --- two rounds compared --------------------------------------------------------------------


def selection(*scores: float, first: str = "s0", cluster: int = 3) -> RoundSelection:
    samples = tuple(
        SelectedSample(f"s{rank}" if rank else first, rank, score, {"cluster": cluster})
        for rank, score in enumerate(scores)
    )
    return replace(made_records.selection(()), samples=samples)


def test_selections_that_are_the_same() -> None:
    assert verify_round.compare_selections(selection(1.0, 2.0), selection(1.0, 2.0)) == (
        "selection: the same 2 samples in the same order, in every digit"
    )
    assert verify_round.compare_selections(selection(1.0, 2.0), selection(1.0, 2.00001)) == (
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
            selection(1.0, 2.0, first="x"),
            "the selection differs at rank 0: sample: recorded 's0', rebuilt 'x'",
        ),
        (
            selection(1.0, 2.0, cluster=4),
            "the selection differs at rank 0: why: cluster: recorded 3, rebuilt 4",
        ),
    ],
)
def test_selections_that_differ(rebuilt: RoundSelection, said: str) -> None:
    with pytest.raises(DataError) as told:
        verify_round.compare_selections(selection(1.0, 2.0), rebuilt)
    assert str(told.value) == said


def test_metrics_that_are_the_same_or_differ() -> None:
    share = Estimate(0.25, 0.1, 0.4)
    measured = Evaluation(labels=4, accuracy=share, confusion=((1, 2), (3, 4)))
    recorded = made_records.metrics(labels=4, accuracy=share, confusion=((1, 2), (3, 4)))
    assert verify_round.compare_metrics(recorded, measured) == "metrics: the same (accuracy 0.2500)"
    none = verify_round.compare_metrics(made_records.metrics(labels=4), Evaluation(labels=4))
    assert none == "metrics: the same (no accuracy)"
    for changes, said in (
        ({"labels": 5}, "labels: recorded 4, rebuilt 5"),
        ({"confusion": ((1, 2), (3, 5))}, "confusion: recorded 4, rebuilt 5"),
        (
            {"confusion": ((1, 2),)},
            "confusion: recorded ((1, 2), (3, 4)), rebuilt ((1, 2),)",
        ),
        ({"accuracy": Estimate(0.25, 0.2, 0.4)}, "accuracy: low: recorded 0.1, rebuilt 0.2"),
    ):
        with pytest.raises(DataError) as told:
            verify_round.compare_metrics(recorded, replace(measured, **changes))
        assert str(told.value) == f"the metrics differ in {said}"


@pytest.mark.parametrize(("old", "new"), [(1.0, 1.0 + 0.9e-5), (-1.0, -1.0), (2.0, 2), (0.0, 0.0)])
def test_numbers_that_are_the_same(old: float, new: float) -> None:
    assert verify_round._differs(old, new) is None
    assert verify_round._differs(old, new + 3e-5) is not None


def test_a_round_by_its_tag() -> None:
    def at(closed: int) -> Snapshot:
        return cast(Snapshot, SimpleNamespace(closed=range(closed)))

    none = "no round is closed yet; wanted one to rebuild: `labelcycle status` says how far the"
    assert verify_round.number_of(at(3), None) == 2
    assert verify_round.number_of(at(3), "round/002") == 2
    assert verify_round.number_of(at(3), "1") == 1
    for closed, said in (
        (0, f"{none} open round is"),
        (2, "'x' is no closed round; wanted one of: round/000, round/001"),
    ):
        with pytest.raises(StateError) as told:
            verify_round.number_of(at(closed), "x")
        assert str(told.value) == said


def test_groups_are_told_with_their_sides_and_in_the_interval() -> None:
    rounds = (replace(CLOSED, groups=12), OPEN)
    lines = text(groups=Sides(30), rounds=rounds)
    assert lines[1] == "30 groups, none on both sides"
    assert any(line.endswith("0.500 (0.250 to 0.750, by 12 groups)") for line in lines)
    values = replace(STATUS, groups=Sides(30, ("p1",)), rounds=rounds).as_json()
    assert values["groups"] == {"count": 30, "both": ("p1",)}
    assert values["rounds"][0]["groups"] == 12
    assert "groups" not in STATUS.as_json()
    assert "groups" not in CLOSED.as_json()
