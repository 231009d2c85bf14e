"""What is said of people, as values: gold tasks, pre-annotations, costs, simulated people."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import made_records
import numpy as np
import pytest

from labelcycle import config
from labelcycle.adapters.ports import OpenTask
from labelcycle.campaign.records.metrics_record import ErrorShares, ShownGuesses
from labelcycle.campaign.records.people_record import GoldAnswers, GoldFigures, UnknownClasses
from labelcycle.campaign.records.pushed_record import GOLD, HOLDOUT, SELECTED, Kind, PushedTask
from labelcycle.core.dawid_skene import Model
from labelcycle.core.metrics import difference, wilson
from labelcycle.core.skip_reasons import Skip
from labelcycle.core.valid_answers import gather
from labelcycle.errors import DataError
from labelcycle.people import gold, people_figures, preannotation, simulated, unknown_classes
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import AskedRound, History

CLASSES = ("cat", "dog")


def settings(**more: Any) -> config.Config:
    return config.parse({"campaign": {"classes": list(CLASSES)}, **more}, parts=False)


def reply(
    sample: str,
    said: str | Skip | tuple[str, ...],
    who: str = "ann",
    *,
    at: int = 0,
    kind: Kind = GOLD,
    seconds: float | None = 2.0,
) -> CountedAnswer:
    given = "" if isinstance(said, tuple) else said
    made = made_records.answer(f"k/{sample}", at, who, given, lead_time_s=seconds)
    if isinstance(said, tuple):
        made = replace(made, labels=said)
    return CountedAnswer(1, PushedTask(f"k/{sample}", sample, 0, 1, kind), made)


def history(answers: Iterable[CountedAnswer], truth: Mapping[str, str]) -> History:
    return History(1, answers=tuple(answers), truth=truth)


# --- gold -----------------------------------------------------------------------------------


def test_gold_answers_are_judged_by_what_was_known() -> None:
    known = {f"s{n}": "cat" for n in range(8)}
    bad = [reply(f"s{n}", "dog", "bob", seconds=float(n)) for n in range(5)]
    few = [reply(f"s{n}", "dog", "cy") for n in range(4)]
    good = [
        reply("s0", "dog", at=1),
        reply("s0", "cat", at=2),  # the last word
        reply("s1", Skip("unclear")),
        reply("s2", ("cat", "dog")),
        reply("unknown", "dog"),
        reply("s3", "dog", kind="selected"),
    ]
    now = settings()
    found = gold.figures(history([*bad, *good, *few], known), {"ann", "bob", "cy"}, now)
    assert found.below == ("bob",)
    assert list(found.annotators) == ["ann", "bob", "cy"]
    level = now.evaluate.confidence
    assert found.annotators["ann"] == GoldAnswers(2, 1, wilson(1, 2, level), 2.0)
    assert found.annotators["bob"] == GoldAnswers(5, 0, wilson(0, 5, level), 2.0)
    absent = gold.figures(history(bad, known), {"ann"}, now)
    assert absent.below == ()  # was not there in this round
    skips = gold.figures(history([reply("s0", Skip())], known), {"ann"}, now)
    assert skips.annotators["ann"] == GoldAnswers(0, 1, None, 2.0)
    right = wilson(0, 5, level)
    assert gold.summary_lines(found) == [
        f"Annotator bob: 0.00 of 5 answers to gold tasks are right ({right.low:.2f} to"
        f" {right.high:.2f})."
    ]
    assert gold.names(found) == "annotator bob"
    assert gold.names(GoldFigures(("a", "b"), {})) == "annotators a, b"


def test_who_is_named_hangs_on_the_whole_interval() -> None:
    known = {f"s{n}": "cat" for n in range(10)}
    replies = [reply(f"s{n}", "cat" if n < 5 else "dog") for n in range(10)]
    high = wilson(5, 10, 0.95).high
    for alert, named in ((high + 0.001, ("ann",)), (high - 0.001, ())):
        now = settings(push={"gold_alert": alert}, evaluate={"confidence": 0.95})
        assert gold.figures(history(replies, known), {"ann"}, now).below == named


def test_those_who_were_there_in_this_round_are_judged() -> None:
    known = {f"s{n}": "cat" for n in range(8)}
    there = [reply(f"s{n}", "dog", "bob") for n in range(8)]
    before = [replace(reply(f"s{n}", "dog", "cy"), round=0) for n in range(8)]
    tasks = tuple(each.task for each in (*there, *before))
    asked = replace(history([*there, *before], known), rounds=(AskedRound(1, "margin", tasks),))
    found = people_figures.figures(asked, settings())
    assert found.gold.below == ("bob",)
    assert list(found.gold.annotators) == ["bob", "cy"]


# --- pre-annotations ------------------------------------------------------------------------


def test_what_the_shown_class_does() -> None:
    tasks = {
        f"k/{name}": PushedTask(f"k/{name}", name, 0, 0, kind, predicted="cat", shown=shown)
        for name, kind, shown in (
            ("a", SELECTED, True),
            ("b", SELECTED, True),
            ("c", SELECTED, False),
            ("g", GOLD, True),
            ("h", GOLD, False),
            ("i", GOLD, False),
            ("o", HOLDOUT, True),
        )
    }
    replies = [
        reply("a", "cat"),
        reply("a", "dog", "bob"),
        reply("b", "cat"),
        reply("b", Skip(), "bob"),
        reply("c", "dog"),
        reply("g", "dog"),
        reply("h", "cat"),
        reply("h", "dog", "bob"),
        reply("i", "cat"),
        reply("o", "dog"),
    ]
    now = settings()
    found = preannotation._shown(replies, tasks, {"g": "dog", "h": "dog"}, now)
    level = now.evaluate.confidence
    assert (found.shown, found.blind) == (2, 1)
    assert found.override_rate == wilson(0.5, 2, level)
    assert found.blind_agreement == wilson(0, 1, level)
    assert found.bias == difference(wilson(1.5, 2, level), wilson(0, 1, level))
    assert found.bias is not None
    assert found.bias.value == pytest.approx(0.75)
    assert found.errors == ErrorShares(wilson(0, 1, level), wilson(0.5, 1, level))
    none = preannotation._shown([], tasks, {}, now)
    assert none == ShownGuesses(
        shown=0,
        override_rate=None,
        blind=0,
        blind_agreement=None,
        bias=None,
        errors=ErrorShares(None, None),
    )


# --- classes that nobody knows --------------------------------------------------------------


def test_answers_that_name_no_class() -> None:
    some = [
        reply("a", "cat"),
        reply("b", "emu"),
        reply("c", ("cat", "fox")),
        reply("d", ("cat", "dog")),  # two classes: not valid, but known
        reply("e", Skip()),
        reply("f", ()),
        reply("g", "x" * 50),
    ]
    found = unknown_classes.figures(some, CLASSES)
    assert found == UnknownClasses(3, ("emu", "fox", "x" * 40 + "..."))
    assert unknown_classes.summary_line(found) == (
        f"3 answers name no class of this campaign ('emu', 'fox', '{'x' * 40}...') and do not count"
    )
    one = unknown_classes.figures(some[:2], CLASSES)
    assert unknown_classes.summary_line(one) == (
        "1 answer names no class of this campaign ('emu') and does not count"
    )
    none = unknown_classes.figures(some[:1], CLASSES)
    assert none == UnknownClasses(0, ())
    assert unknown_classes.summary_line(none) == ""
    many = unknown_classes.figures([reply("a", f"n{n:02d}") for n in range(60)], CLASSES)
    assert (many.answers, len(many.names), many.names[-1]) == (60, 50, "n49")
    six = unknown_classes.figures([reply("a", name) for name in "uvwxyz"], CLASSES)
    assert "('u', 'v', 'w', 'x', 'y' ...)" in unknown_classes.summary_line(six)
    five = unknown_classes.figures([reply("a", name) for name in "uvwxy"], CLASSES)
    assert "('u', 'v', 'w', 'x', 'y')" in unknown_classes.summary_line(five)


# --- cost -----------------------------------------------------------------------------------


def test_cost_by_person_strategy_and_class() -> None:
    some = [
        reply("a", "cat", "ann", seconds=2.0),
        reply("a", "dog", "bob", seconds=4.0),
        reply("b", "dog", "bob", seconds=500.0),
        reply("c", Skip(), "ann", seconds=None),
    ]
    origins = {"k/a": "margin", "k/b": "holdout", "k/c": "margin"}
    found = people_figures._costs(some, {"a": "cat", "b": "dog"}, {"a"}, origins, 300.0)
    assert found.cap == 300.0
    every = found.all
    assert (every.answers, every.labels, every.seconds, every.capped) == (4, 1, 306, 1)
    people = {name: (c.answers, c.labels) for name, c in found.by_annotator.items()}
    assert people == {"ann": (2, 1), "bob": (2, 0)}  # whose answer the label is
    chosen = {name: (c.answers, c.labels) for name, c in found.by_strategy.items()}
    assert chosen == {"margin": (3, 1), "holdout": (1, 0)}
    classes = {name: (c.answers, c.labels) for name, c in found.by_class.items()}
    assert classes == {"cat": (2, 1), "dog": (1, 0)}
    assert (found.without_label.answers, found.without_label.labels) == (1, 0)


# --- reliability ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["one coin", "per class"])
def test_how_reliable_people_are(kind: Any) -> None:
    said = [
        *(("a", "ann", "cat"), ("a", "bob", "cat"), ("b", "ann", "cat"), ("b", "bob", "dog")),
        *(("c", "ann", "dog"), ("d", "cy", "dog")),
    ]
    answers = gather(said, CLASSES)
    expected = np.array([[[1.5, 0.5], [0.5, 0.5]], [[0.75, 1.0], [0.25, 0.0]], [[0, 0], [0, 1.0]]])
    model = Model(kind, np.array([0.5, 0.5]), np.zeros((3, 2, 2)), expected)
    found = people_figures._reliability(answers, answers, model, 0.9)
    assert [*found] == ["ann", "bob", "cy"]
    counts = {name: (each.answers, each.compared) for name, each in found.items()}
    assert counts == {"ann": (3, 2), "bob": (2, 2), "cy": (1, 0)}
    agree = {name: each.agreement_with_others for name, each in found.items()}
    assert agree == {"ann": wilson(1, 2, 0.9), "bob": wilson(1, 2, 0.9), "cy": None}
    skill = {name: each.skill for name, each in found.items()}
    assert skill == {"ann": wilson(2, 3, 0.9), "bob": wilson(0.75, 2, 0.9), "cy": wilson(1, 1, 0.9)}
    recall = {name: each.recall for name, each in found.items()}
    assert recall == (
        dict.fromkeys(found)
        if kind == "one coin"
        else {
            "ann": {"cat": wilson(1.5, 2, 0.9), "dog": wilson(0.5, 1, 0.9)},
            "bob": {"cat": wilson(0.75, 1.75, 0.9)},  # hardly a dog was met
            "cy": {"dog": wilson(1, 1, 0.9)},
        }
    )
    unknown = people_figures._reliability(answers, answers, None, 0.9)["ann"]
    assert (unknown.answers, unknown.skill, unknown.recall) == (3, None, None)


# --- simulated people -----------------------------------------------------------------------


class Desk:
    """Takes answers; `given` are they."""

    def __init__(self, *tasks: OpenTask) -> None:
        self.tasks = list(tasks)
        self.asked: list[Any] = []
        self.given: list[tuple[int, str, tuple[str, ...], float | None]] = []

    def open_tasks(self, project: int, wanted: Any) -> list[OpenTask]:
        self.asked.append((project, wanted))
        return self.tasks

    def classes(self, project: int) -> tuple[str, ...]:
        return CLASSES

    def people(self, count: int) -> list[str]:
        return [f"p{n}" for n in range(count)]

    def give(
        self, task: OpenTask, person: str, labels: Any, *, lead_time_s: float | None = None
    ) -> None:
        self.given.append((task.id, person, tuple(labels), lead_time_s))


def open_task(number: int, lacking: int = 1, there: frozenset[str] = frozenset()) -> OpenTask:
    return OpenTask(number, f"k/{number}", f"s{number}", 0, lacking, there)


def play(desk: Desk, truth: dict[str, str], **more: Any) -> simulated.Done:
    return simulated.annotate(cast(Any, desk), 7, truth, show=lambda line: None, **more)


TRUTH = {f"s{n}": "cat" for n in range(9)}


def test_what_is_asked_is_answered_by_people_who_were_not_there() -> None:
    desk = Desk(open_task(0), open_task(1, 2, frozenset({"p1"})))
    done = play(desk, TRUTH, annotators=3, wanted={0: 1, 1: 3})
    assert desk.asked == [(7, {0: 1, 1: 3})]
    assert done == simulated.Done(3, 0, 0)
    assert {person for number, person, *_ in desk.given if number == 1} == {"p0", "p2"}
    assert {labels for _, _, labels, _ in desk.given} == {("cat",)}
    assert all(seconds and 0.3 < seconds < 30 for *_, seconds in desk.given)


@pytest.mark.parametrize(
    ("work", "text"),
    [
        (
            lambda: play(Desk(open_task(0), open_task(10), open_task(11)), TRUTH),
            "wanted the true class of each of 3 open tasks, got none for 2, first sample s10; add"
            " them to the file of true classes",
        ),
        (
            lambda: play(Desk(open_task(0), open_task(1)), {"s0": "emu", "s1": "asp"}),
            "wanted true classes among 'cat', 'dog', got 'asp', 'emu'; put them right in the file"
            " of true classes",
        ),
        (
            lambda: play(Desk(open_task(0, 2, frozenset({"p1"}))), TRUTH),
            "wanted 3 different people for a task, got 2; give --annotators 3",
        ),
        (
            lambda: play(Desk(), TRUTH, error_rates=(0.0, 0.1, 0.2)),
            "wanted 1 to 2 error rates for 2 people, got 3; give --error-rate once for all, or once"
            " for each",
        ),
        (
            lambda: play(Desk(), TRUTH, error_rates=()),
            "wanted 1 to 2 error rates for 2 people, got 0; give --error-rate once for all, or once"
            " for each",
        ),
    ],
)
def test_what_simulated_people_cannot_do(work: Callable[[], object], text: str) -> None:
    with pytest.raises(DataError) as told:
        work()
    assert str(told.value) == text


def test_nothing_to_do_is_done() -> None:
    assert play(Desk(), TRUTH) == simulated.Done(0, 0, 0)


def test_the_draws_stay_what_they_are() -> None:
    """Another version would answer the same campaign in another way."""
    replies = [
        simulated._drawn_answer(open_task(n), TRUTH, CLASSES, 3, (0.3,), 0.2, 5, turn)
        for n in range(4)
        for turn in range(2)
    ]
    assert [(reply.person, reply.outcome, reply.lead_time_s) for reply in replies] == [
        *((0, "wrong", 4.53), (1, "wrong", 3.9), (0, "right", 0.97), (1, "skip", 3.28)),
        *((1, "right", 2.08), (2, "wrong", 2.26), (0, "right", 1.02), (1, "wrong", 3.01)),
    ]
    for first, second in zip(replies[::2], replies[1::2], strict=True):
        assert second.person == (first.person + 1) % 3
        assert (first.turn, second.turn) == (0, 1)
    for each in replies:
        said = {"right": "cat", "wrong": "dog", "skip": None}[each.outcome]
        assert each.label == said


def test_people_who_skip_everything() -> None:
    desk = Desk(open_task(0), open_task(1))
    assert play(desk, TRUTH, skip_rate=1.0) == simulated.Done(0, 0, 2)
    assert {(number, labels) for number, _, labels, _ in desk.given} == {(0, ()), (1, ())}
