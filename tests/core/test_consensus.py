"""Labels from answers: majority by hand and by counting, ties, doubt, and what is no answer."""

from collections import Counter

import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core import consensus
from labelcycle.core.consensus import Verdict, accept
from labelcycle.core.skip_reasons import Skip

CLASSES = ("bird", "cat", "dog")


def test_a_majority_is_accepted_with_its_share() -> None:
    found = accept([("cat",), ("dog",), ("cat",), Skip()], CLASSES, 0.6)
    assert found == Verdict("cat", None, {"cat": 2, "dog": 1}, pytest.approx(2 / 3))


def test_a_tie_has_no_label_and_awaits_adjudication() -> None:
    found = accept([("dog",), ("cat",)], CLASSES)
    assert found == Verdict(None, "tie between cat, dog", {"cat": 1, "dog": 1}, 0.5, True)


def test_a_doubtful_majority_awaits_adjudication() -> None:
    found = accept([("cat",), ("dog",), ("cat",)], CLASSES, 0.7)
    assert found.label is None
    assert found.adjudicate
    assert found.reason == "cat with confidence 0.67, below 0.7"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Skip(), "skipped"),
        (Skip("none of these"), "skipped: none of these"),
        ((), "empty answer"),
        (("zebra",), "unknown class 'zebra'"),
        (("cat", "dog"), "several classes: cat, dog"),
    ],
)
def test_what_is_no_answer_is_rejected_and_not_adjudicated(answer, reason) -> None:
    assert accept([answer], CLASSES) == Verdict(None, reason)


def test_one_answer_is_accepted_whatever_confidence_is_asked() -> None:
    assert accept([("cat",)], CLASSES, 1.0) == Verdict("cat", None, {"cat": 1}, 1.0)


@pytest.mark.parametrize("others", [[], [Skip()], [("zebra",), ("Cat",)]])
def test_one_valid_answer_is_no_label_where_several_were_wanted(others) -> None:
    found = accept([("cat",), *others], CLASSES, 0.6, {"cat": 0.99, "dog": 0.01}, people_wanted=3)
    assert (found.label, found.reason) == (None, "1 valid answer of 3 wanted")
    assert (found.votes, found.adjudicate) == ({"cat": 1}, True)
    assert accept([("cat",), ("cat",), *others], CLASSES, 0.6, people_wanted=3).label == "cat"
    assert accept([("cat",), *others], CLASSES, 0.6).label == "cat"


def test_beliefs_decide_among_the_classes_that_were_named() -> None:
    beliefs = {"bird": 0.7, "cat": 0.1, "dog": 0.2}
    both = [("cat",), ("dog",), ("cat",)]
    assert accept(both, CLASSES, 0.0, beliefs).label == "dog"
    doubtful = accept(both, CLASSES, 0.6, beliefs)
    assert (doubtful.label, doubtful.confidence, doubtful.adjudicate) == (None, 0.2, True)


@tries(50)
@given(st.lists(st.sampled_from(CLASSES), min_size=1, max_size=7), st.floats(0, 1))
def test_the_majority_is_the_one_class_that_is_named_most(names, least) -> None:
    found = accept([(name,) for name in names], CLASSES, least)
    count = Counter(names)
    most = max(count.values())
    leading = [name for name in count if count[name] == most]
    sure = len(leading) == 1 and most / len(names) >= least
    assert found.label == (leading[0] if sure else None)
    assert found.adjudicate == (not sure)
    assert found.votes == count


def test_the_default_accepts_two_of_three_and_not_half() -> None:
    least = consensus.Options().confidence
    assert accept([("cat",), ("cat",), ("dog",)], CLASSES, least).label == "cat"
    assert accept([("cat",), ("cat",), ("dog",), ("bird",)], CLASSES, least).adjudicate


def test_the_reason_of_most_skips_is_told() -> None:
    none, several = Skip("none of these"), Skip("several of these")
    for answers, reason in (
        ([none, Skip()], "skipped: none of these"),
        ([none, several], "skipped: several of these"),
        ([none, none, several], "skipped: none of these"),
        ([none, ("zebra",), Skip()], "skipped: none of these"),
    ):
        assert accept(answers, CLASSES).reason == reason
