"""Agreement: alpha by hand, from the literature, against the slow way and the library."""

import krippendorff
import numpy as np
import pytest
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.core import agreement
from labelcycle.core.metrics import wilson
from labelcycle.core.valid_answers import Answers, gather

# Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), section C: four observers,
# twelve units, five values, missing data; 0 stands for no answer.
PAPER = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
)


def votes_of(table: np.ndarray, classes: int) -> np.ndarray:
    return np.stack([(table == c).sum(axis=0) for c in range(1, classes + 1)], axis=1)


def slow_alpha(votes: np.ndarray) -> float | None:
    """1 - observed over expected disagreement, pair by pair."""
    units = [[c for c, k in enumerate(row) for _ in range(k)] for row in votes.tolist()]
    units = [unit for unit in units if len(unit) > 1]
    values = [value for unit in units for value in unit]
    n = len(values)
    observed = sum(
        (a != b) / (len(unit) - 1)
        for unit in units
        for i, a in enumerate(unit)
        for j, b in enumerate(unit)
        if i != j
    )
    expected = sum(
        (a != b) / (n - 1) for i, a in enumerate(values) for j, b in enumerate(values) if i != j
    )
    return 1 - observed / expected if expected else None


def test_the_example_of_the_paper() -> None:
    assert agreement.alpha(votes_of(PAPER, 5)) == pytest.approx(0.743, abs=5e-4)


TABLES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(2, 5))


@tries(60)
@given(TABLES, st.integers(1, 5))
def test_alpha_is_that_of_all_pairs_and_of_the_library(case, classes) -> None:
    seed, units, people = case
    table = np.random.default_rng(seed).integers(0, classes + 1, (people, units))
    votes = votes_of(table, classes)
    found, slow = agreement.alpha(votes), slow_alpha(votes)
    if slow is None:
        assert found is None
        return
    assert found == pytest.approx(slow)
    theirs = krippendorff.alpha(value_counts=votes, level_of_measurement="nominal")
    assert found == pytest.approx(theirs)


def test_nothing_is_said_without_two_answers_or_with_one_class() -> None:
    assert agreement.alpha(np.zeros((0, 3), dtype=int)) is None
    assert agreement.alpha(np.eye(3, dtype=int)) is None
    assert agreement.alpha(np.array([[2, 0], [3, 0]])) is None


def test_answers_are_compared_with_those_of_the_others() -> None:
    answers = gather(
        [
            ("s1", "ann", "cat"), ("s1", "bob", "dog"), ("s1", "cy", "cat"),
            ("s2", "ann", "dog"),
            ("s3", "ann", "dog"), ("s3", "bob", "cat"),
        ],
        ("cat", "dog"),
    )  # fmt: skip
    same, compared = agreement.with_others(answers)
    assert answers.annotators == ("ann", "bob", "cy")
    assert same.tolist() == [0.5, 0, 0.5]
    assert compared.tolist() == [2, 2, 1]  # ties too, but nothing that one person alone said


CROWDS = st.dictionaries(
    st.tuples(st.sampled_from("stuvw"), st.sampled_from("abcd")), st.sampled_from("xyz")
)


@tries(40)
@given(CROWDS)
def test_agreement_with_others_is_the_slow_one_and_fleiss_s_in_the_mean(crowd) -> None:
    answers = gather([(s, who, said) for (s, who), said in crowd.items()], "xyz")
    same, compared = agreement.with_others(answers)
    for person, name in enumerate(answers.annotators):
        shares = []
        for (sample, who), said in crowd.items():
            others = [x for (s, w), x in crowd.items() if s == sample and w != name]
            if who == name and others:
                shares.append(others.count(said) / len(others))
        assert compared[person] == len(shares)
        assert same[person] == pytest.approx(sum(shares))
    votes = answers.votes().astype(float)
    n = votes.sum(axis=1)
    fleiss = (votes * (votes - 1)).sum(axis=1)[n > 1] / (n - 1)[n > 1]  # n times his P_i
    assert same.sum() == pytest.approx(fleiss.sum())


@pytest.mark.parametrize(("people", "skill"), [(2, 0.8), (3, 0.9), (5, 0.6)])
def test_the_interval_of_agreement_holds_the_truth(people: int, skill: float) -> None:
    rng = np.random.default_rng(people)
    others, held = 0.8, 0  # how often the others are right, of two classes
    truth = skill * others + (1 - skill) * (1 - others)
    for _ in range(400):
        right = rng.random((40, people)) < ([skill] + [others] * (people - 1))
        sample, who = np.indices(right.shape).reshape(2, -1)
        names = tuple(str(i) for i in range(40)), tuple("abcde"[:people]), ("cat", "dog")
        answers = Answers(*names, sample, who, right.ravel().astype(np.int64))
        same, compared = agreement.with_others(answers)
        found = wilson(float(same[0]), int(compared[0]), 0.95)
        held += found.low <= truth <= found.high
    assert held / 400 > 0.93


def test_shared_answers_are_those_to_samples_with_two() -> None:
    answers = gather(
        [("s1", "ann", "cat"), ("s2", "bob", "dog"), ("s2", "cy", "cat")], ("cat", "dog")
    )
    shared = answers.shared()
    assert shared.samples == ("s2",)
    assert shared.annotators == answers.annotators
    assert shared.votes().tolist() == [[1, 1]]
    assert answers.votes().tolist() == [[1, 0], [1, 1]]
    with pytest.raises(KeyError, match="zebra"):
        gather([("s1", "ann", "zebra")], ("cat", "dog"))
