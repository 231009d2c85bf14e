"""Reliabilities: against Dawid and Skene's own turns, and on people whose skills are known."""

from dataclasses import replace

import numpy as np
import pytest

from labelcycle.core import dawid_skene
from labelcycle.core.valid_answers import Answers, gather

CLASSES = ("bird", "cat", "dog")


def crowd(skills: list[float], samples: int, seed: int = 0, share: float = 1.0):
    """People who are right with their skill, else wrong at random; the truth too."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(CLASSES), samples)
    triples = []
    for person, skill in enumerate(skills):
        for sample in range(samples):
            if rng.random() < share:
                wrong = (truth[sample] + rng.integers(1, len(CLASSES))) % len(CLASSES)
                said = truth[sample] if rng.random() < skill else wrong
                triples.append((f"{sample:04d}", str(person), CLASSES[said]))
    answers = gather(triples, CLASSES)
    return answers, truth[[int(name) for name in answers.samples]]


def slow_turns(answers: Answers, turns: int, per_class: bool = True) -> tuple[np.ndarray, float]:
    """(samples, classes) and the log-likelihood: the paper's equations 2.3 to 2.5, one by one."""
    c, people = len(answers.classes), len(answers.annotators)
    n = len(answers.samples)
    t = answers.votes() / answers.votes().sum(axis=1, keepdims=True)
    given = list(zip(answers.sample, answers.annotator, answers.label, strict=True))
    for _ in range(turns):
        prior = t.mean(axis=0)
        matrix = np.zeros((people, c, c))
        for i, k, said in given:
            matrix[k, :, said] += t[i]
        if per_class:
            matrix /= matrix.sum(axis=2, keepdims=True)
        else:
            for k in range(people):
                skill = matrix[k].trace() / matrix[k].sum()
                matrix[k] = (1 - skill) / (c - 1)
                np.fill_diagonal(matrix[k], skill)
        t = np.tile(prior, (n, 1))
        for i, k, said in given:
            t[i] *= matrix[k, :, said]
        likelihood = float(np.log(t.sum(axis=1)).sum())
        t /= t.sum(axis=1, keepdims=True)
    return t, likelihood


@pytest.mark.parametrize("per_class", [True, False])
def test_each_turn_is_the_papers(per_class: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dawid_skene, "GAIN", -np.inf)
    for seed, turns in enumerate((1, 2, 7)):
        answers, _ = crowd([0.9, 0.7, 0.6, 0.4], 60, seed=seed, share=0.7)
        shared = answers.shared()
        monkeypatch.setattr(dawid_skene, "TURNS", turns)
        slow, _ = slow_turns(shared, turns, per_class)
        np.testing.assert_allclose(dawid_skene.maximise(shared, per_class), slow, atol=1e-7)


@pytest.mark.parametrize("per_class", [True, False])
def test_turns_end_when_the_likelihood_no_longer_grows(per_class: bool) -> None:
    answers, _ = crowd([0.9, 0.7, 0.6, 0.4], 40)
    slow = [slow_turns(answers, turns, per_class) for turns in range(1, 40)]
    gains = np.diff([likelihood for _, likelihood in slow]) / len(answers.label)
    assert gains.min() > -1e-12, "a turn never lowers the likelihood"
    last = int(np.argmax(gains < dawid_skene.GAIN)) + 1
    assert 3 < last < 38
    found = dawid_skene.maximise(answers, per_class)
    np.testing.assert_allclose(found, slow[last][0], atol=1e-7)


FOUR = gather(
    [
        (sample, person, CLASSES[said])
        for sample, row in zip("1234", ((1, 1, 1), (1, 1, 1), (1, 1, 2), (2, 2, 1)), strict=True)
        for person, said in zip("abc", row, strict=True)
    ],
    CLASSES,
)
"""Cats are 1, dogs 2, of birds nobody speaks; c differs from a and b on two samples of four."""


@pytest.mark.parametrize(
    ("per_class", "cat"),
    [
        # Skills 5/6, 5/6 and 2/3. Sample 3: 3/4 25/36 1/3 for a cat, 1/4 1/36 2/3 for a dog.
        (False, (150 / 151, 150 / 151, 75 / 77, 6 / 31)),
        # a and b say cat of 8/9 of cats and 1/3 of dogs, c of 7/9 and 2/3.
        (True, (224 / 233, 224 / 233, 128 / 137, 7 / 79)),
    ],
)
def test_one_turn_by_hand(
    per_class: bool, cat: tuple[float, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dawid_skene, "TURNS", 1)
    found = dawid_skene.maximise(FOUR, per_class)
    np.testing.assert_allclose(found[:, 1], cat)
    np.testing.assert_allclose(found[:, 2], 1 - np.array(cat))
    assert not found[:, 0].any()


def test_people_without_a_shared_answer_and_a_single_class_divide_by_nothing() -> None:
    absent = replace(FOUR, annotators=(*FOUR.annotators, "d"))
    one = gather([(sample, who, "cat") for sample in "123" for who in "abc"], CLASSES)
    for per_class in (True, False):
        np.testing.assert_array_equal(
            dawid_skene.maximise(absent, per_class), dawid_skene.maximise(FOUR, per_class)
        )
        np.testing.assert_allclose(dawid_skene.maximise(one, per_class), [[0, 1, 0]] * 3)


def test_with_many_answers_it_is_what_the_papers_turns_find() -> None:
    answers, truth = crowd([0.9, 0.8, 0.7], 600)
    model = dawid_skene.fit(answers)
    assert model.kind == "per class"
    slow, _ = slow_turns(answers, 15)
    found = dawid_skene.posterior(model, answers)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == slow.argmax(axis=1)).mean() > 0.99
    assert np.abs(found - slow).mean() < 0.02
    assert (found.argmax(axis=1) == truth).mean() > 0.9


def test_skills_are_found_and_the_reliable_one_wins_a_tie() -> None:
    answers, truth = crowd([0.95, 0.9, 0.9, 0.4], 150)
    model = dawid_skene.fit(answers)
    assert model.kind == "one coin"
    right = answers.label == truth[answers.sample]
    real = [right[answers.annotator == person].mean() for person in range(4)]
    np.testing.assert_allclose(model.confusion[:, 0, 0], real, atol=0.04)
    tie = gather([("x", "0", "cat"), ("x", "3", "dog")], CLASSES)
    asked = Answers(
        tie.samples, answers.annotators, CLASSES, tie.sample, np.array([0, 3]), tie.label
    )
    belief = dawid_skene.posterior(model, asked)[0]
    assert belief[1] > 0.8
    assert belief[1] > belief[2] > belief[0]


def test_skills_lean_on_the_average_one() -> None:
    expected = np.zeros((3, 2, 2))
    expected[0] = [[30, 0], [10, 0]]  # right 30 of 40
    expected[1] = [[6, 2], [2, 0]]  # right 6 of 10; the third person said nothing
    average = (36 + 1) / (50 + 2)
    skills = [(30 + 10 * average) / 50, (6 + 10 * average) / 20, average]
    found = dawid_skene._coins(expected)
    np.testing.assert_allclose(found, [[[s, 1 - s], [1 - s, s]] for s in skills])


def test_somebody_new_is_taken_for_an_average_person() -> None:
    answers, _ = crowd([0.9, 0.8, 0.7], 100)
    triples = [
        (answers.samples[s], answers.annotators[a], CLASSES[c])
        for s, a, c in zip(answers.sample, answers.annotator, answers.label, strict=True)
    ]
    more = gather([*triples, ("9999", "new", "cat")], CLASSES)
    model = dawid_skene.fit(more)
    skill = model.confusion[:, 0, 0]
    assert skill[:3].min() < skill[3] < skill[:3].max()
    alone = dawid_skene.posterior(model, more)[more.samples.index("9999")]
    assert alone[1] == pytest.approx(skill[3], abs=0.05)


def test_a_majority_of_the_unreliable_can_lose_against_the_reliable() -> None:
    answers, truth = crowd([0.95, 0.95, 0.5, 0.5, 0.5], 400, share=0.8)
    votes = answers.votes()
    clear = np.sort(votes, axis=1)[:, -1] > np.sort(votes, axis=1)[:, -2]
    found = dawid_skene.posterior(dawid_skene.fit(answers), answers).argmax(axis=1)
    majority = ((votes.argmax(axis=1) == truth) & clear).mean()
    assert (found == truth).mean() > majority + 0.05


def test_too_few_answers_are_named() -> None:
    two, _ = crowd([0.9, 0.8], 100)
    assert (
        dawid_skene.lacking(two) == "answers to samples with several came from 2 people, wanted 3"
    )
    few, _ = crowd([0.9, 0.8, 0.7], 49)
    assert dawid_skene.lacking(few) == "samples with several answers are 49, wanted 50"
    assert dawid_skene.lacking(gather([], CLASSES)) is not None
    enough, _ = crowd([0.9, 0.8, 0.7], 50)
    assert dawid_skene.lacking(enough) is None


def test_classes_nobody_named_and_perfect_people_make_no_zeros() -> None:
    answers = gather(
        [(f"{s:03d}", who, "cat" if s % 2 else "dog") for s in range(60) for who in "abc"], CLASSES
    )
    model = dawid_skene.fit(answers)
    belief = dawid_skene.posterior(model, answers)
    assert np.isfinite(belief).all()
    assert (model.confusion > 0).all()
    assert belief.max(axis=1).min() > 0.99
    assert belief[:, 0].max() < 0.01
