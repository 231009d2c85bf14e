"""What a round says of itself, as functions of values: no campaign, no file."""

from dataclasses import replace

import pytest
from made_records import answer, counted

from labelcycle import config
from labelcycle.campaign.campaign_paths import OWNED
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.core.consensus import Verdict
from labelcycle.core.skip_reasons import Skip
from labelcycle.cycle import round_closing
from labelcycle.people import people_figures
from labelcycle.rounds import answers
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import AskedRound, History

CONFIG = config.parse({"campaign": {"classes": ["cat", "dog"]}}, parts=False)


def task(key: str, kind: str = "selected", wanted: int = 1) -> PushedTask:
    return PushedTask(key, key.rpartition("/")[2], 0, 1, kind, wanted)


def said(asked: PushedTask, who: str, name: str | Skip, number: int = 0, at: int = 1):
    return CountedAnswer(number, asked, answer(asked.key, at, who, name))


def test_a_task_is_undone_while_fewer_people_than_wanted_answered_or_skipped() -> None:
    one, two, none = task("k/0/a"), task("k/0/b", wanted=2), task("k/0/c")
    given = [said(one, "ann", Skip()), said(two, "ann", "cat"), said(two, "ann", "dog", at=2)]
    assert round_closing.undone([one, two, none], given) == 2
    assert round_closing.undone([one, two], [*given, said(two, "bob", "cat")]) == 0


def test_cost_goes_to_who_picked_the_sample_and_a_label_counts_once() -> None:
    x, again, gold = task("k/000/x"), task("k/001/x", "adjudication"), task("k/001/g", "gold")
    y = task("k/001/y")
    history = History(
        number=1,
        rounds=(AskedRound(0, "typiclust", (x,)), AskedRound(1, "badge", (y, again, gold))),
        answers=(
            said(x, "ann", "cat"),
            said(again, "bob", "cat", 1),
            said(gold, "bob", "dog", 1),
            said(y, "bob", "dog", 1),
        ),
        labels={
            "x": Label("x", "cat", source="round 1"),
            "y": Label("y", "dog", source="round 1, correction of round 0"),
            "g": Label("g", "dog", source=OWNED),
        },
    )
    cost = people_figures.figures(history, CONFIG).cost
    assert {name: (c.answers, c.labels) for name, c in cost.by_strategy.items()} == {
        "typiclust": (1, 1),
        "gold": (1, 0),
        "badge": (1, 1),
    }
    known = replace(history, labelled_before=frozenset({"x"}))
    assert people_figures.figures(known, CONFIG).cost.all.labels == 1


@pytest.mark.parametrize(
    ("labels", "now"),
    [
        (("ox",), ("cow",)),
        (("gnu",), ("gnu",)),  # a removed class is unknown, and stays named
        ((), ()),
        (("calf", "cow"), ("cow",)),
        (("x",), ("x",)),
    ],
)
def test_an_answer_counts_in_the_names_of_now(labels: tuple[str, ...], now: object) -> None:
    table = {"calf": "cow", "ox": "cow", "gnu": None}
    given = replace(answer("k/0/s", 1, "ann", "cat"), labels=labels)
    stray = answer("k/9/z", 2, "ann", "cat")
    (counting,) = answers.counted([(0, given), (0, stray)], {"k/0/s": task("k/0/s")}, table)
    assert (counting.sample, counting.given) == ("s", now)
    (counting,) = answers.counted([(0, given)], {"k/0/s": task("k/0/s")}, {})
    assert counting.given == labels


@pytest.mark.parametrize(("name", "label"), [("cat", "cat"), (Skip(), None), ("cow", None)])
def test_labels_are_of_what_this_round_heard(name: str | Skip, label: str | None) -> None:
    heard, earlier = counted("a", "ann", name, 1), counted("b", "ann", "cat", 0)
    gold = counted("c", "ann", "cat", 1, kind="gold")
    made = answers.labels(
        1, [heard, earlier, gold], {}, {"a", "b", "c"}, CONFIG.classes, CONFIG.accept
    )
    assert [(x.sample, x.label, x.source) for x in made] == [("a", label, "round 1")]


def test_a_label_keeps_six_digits_of_how_sure_the_verdict_is() -> None:
    verdict = Verdict("cat", None, {"cat": 2, "dog": 1}, 0.12345678, adjudicate=True)
    assert answers.label("a", verdict, "round 1") == Label(
        "a", "cat", None, {"cat": 2, "dog": 1}, "round 1", 0.123457, True
    )
    unsure = replace(verdict, confidence=None, adjudicate=False)
    assert answers.label("a", unsure, "round 1").confidence is None
