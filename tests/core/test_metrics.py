"""Metrics by hand and against scikit-learn."""

import warnings

import numpy as np
import pytest
from example_counts import tries
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as theirs

from labelcycle.core import metrics


def random_answers(seed: int, n: int, c: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, c, n)
    return truth, np.where(rng.random(n) < 0.6, truth, rng.integers(0, c, n))


CASES = (st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(2, 8))


@tries(20)
@given(*CASES)
def test_every_figure_is_that_of_scikit_learn(seed: int, n: int, c: int) -> None:
    truth, predicted = random_answers(seed, n, c)
    ours = metrics.confusion_matrix(truth, predicted, c)
    classes = list(range(c))
    np.testing.assert_array_equal(ours, theirs.confusion_matrix(truth, predicted, labels=classes))
    assert metrics.accuracy(ours, 0.95).value == pytest.approx(
        theirs.accuracy_score(truth, predicted)
    )
    with warnings.catch_warnings():  # it warns of classes that are predicted and do not occur
        warnings.simplefilter("ignore", UserWarning)
        balanced = theirs.balanced_accuracy_score(truth, predicted)
    assert metrics.balanced_accuracy(ours) == pytest.approx(balanced)
    macro = theirs.f1_score(truth, predicted, average="macro", zero_division=0)
    assert metrics.macro_f1(ours) == pytest.approx(macro)
    table = theirs.precision_recall_fscore_support(
        truth, predicted, labels=classes, zero_division=np.nan
    )
    each = metrics.per_class(ours)
    found = (each.precision, each.recall, each.f1, each.support)
    for mine, expected in zip(found, table, strict=True):
        np.testing.assert_allclose(mine, expected)


def test_three_classes_by_hand() -> None:
    confusion = np.array([[3, 1, 0], [2, 2, 0], [1, 1, 0]])
    each = metrics.per_class(confusion)
    np.testing.assert_allclose(each.precision, [3 / 6, 2 / 4, np.nan])
    np.testing.assert_allclose(each.recall, [3 / 4, 2 / 4, 0])
    np.testing.assert_allclose(each.f1, [6 / 10, 4 / 8, 0])
    assert each.support.tolist() == [4, 4, 2]
    assert metrics.balanced_accuracy(confusion) == pytest.approx((0.75 + 0.5 + 0) / 3)
    assert metrics.macro_f1(confusion) == pytest.approx((0.6 + 0.5 + 0) / 3)
    assert metrics.accuracy(confusion, 0.95).value == 0.5


@given(st.integers(1, 500), st.floats(0, 1), st.sampled_from([0.8, 0.95, 0.99]))
@settings(deadline=None)
def test_wilson_is_that_of_scipy(n: int, share: float, confidence: float) -> None:
    right = round(share * n)
    ours = metrics.wilson(right, n, confidence)
    expected = binomtest(right, n).proportion_ci(confidence, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= ours.low <= ours.value <= ours.high <= 1


def test_wilson_by_hand() -> None:
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662
    estimate = metrics.wilson(81, 263, 0.95)
    assert (estimate.low, estimate.high) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert metrics.wilson(0, 20, 0.95).low == 0.0
    assert metrics.wilson(20, 20, 0.95).high == 1.0


def slow_bootstrap(truth: np.ndarray, predicted: np.ndarray, c: int, draws: int) -> np.ndarray:
    """Samples drawn anew, one draw at a time."""
    rng = np.random.default_rng(1)
    values = []
    for _ in range(draws):
        rows = rng.integers(0, len(truth), len(truth))
        confusion = metrics.confusion_matrix(truth[rows], predicted[rows], c)
        values.append([metrics.balanced_accuracy(confusion), metrics.macro_f1(confusion)])
    return np.quantile(values, [0.025, 0.975], axis=0)


def test_drawing_cells_is_drawing_samples() -> None:
    truth, predicted = random_answers(3, 200, 4)
    confusion = metrics.confusion_matrix(truth, predicted, 4)
    found = metrics.bootstrap(confusion, 0.95, 1500, np.random.default_rng(0))
    expected = slow_bootstrap(truth, predicted, 4, 1500)
    for estimate, (low, high) in zip(found, expected.T, strict=True):
        assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.02)


def test_the_bootstrap_is_seeded_and_blocks_do_not_change_what_comes_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truth, predicted = random_answers(0, 100, 3)
    confusion = metrics.confusion_matrix(truth, predicted, 3)
    first = metrics.bootstrap(confusion, 0.9, 300, np.random.default_rng(0))
    assert first == metrics.bootstrap(confusion, 0.9, 300, np.random.default_rng(0))
    assert first != metrics.bootstrap(confusion, 0.9, 300, np.random.default_rng(1))
    monkeypatch.setattr(metrics, "BLOCK_CELLS", 9 * 7)
    assert first == metrics.bootstrap(confusion, 0.9, 300, np.random.default_rng(0))


def test_a_perfect_classifier_has_no_spread() -> None:
    balanced, macro = metrics.bootstrap(np.diag([4, 1, 7]), 0.95, 200, np.random.default_rng(0))
    assert (balanced.low, balanced.value, balanced.high) == (1, 1, 1)
    assert (macro.low, macro.value, macro.high) == (1, 1, 1)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_differences_of_newcombes_table(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, table II, method 10."""
    found = metrics.difference(metrics.wilson(*first, 0.95), metrics.wilson(*second, 0.95))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    back = metrics.difference(metrics.wilson(*second, 0.95), metrics.wilson(*first, 0.95))
    assert (back.low, back.high) == pytest.approx((-high, -low), abs=5e-5)
