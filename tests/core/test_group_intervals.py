"""Intervals by a bootstrap over groups: by hand, at the ends, and how often they hold the truth."""

import numpy as np
import pytest

from labelcycle.core import group_intervals, metrics
from labelcycle.core.metrics import Estimate


def accuracy(groups: np.ndarray, right: np.ndarray, seed: int = 0, draws: int = 1000) -> Estimate:
    return group_intervals.accuracy(groups, right, 0.95, draws, np.random.default_rng(seed))


def test_groups_that_are_right_or_wrong_as_a_whole_count_as_one_sample_each() -> None:
    """Of 40 groups of 25 images, 30 are all right: about the interval of 40 samples."""
    groups = np.repeat(np.arange(40), 25)
    found = accuracy(groups, groups < 30)
    assert found.value == 0.75
    wilson = metrics.wilson(30, 40, 0.95)
    assert abs(found.low - wilson.low) < 0.05
    assert abs(found.high - wilson.high) < 0.05
    single = metrics.wilson(750, 1000, 0.95)
    assert found.high - found.low > 4 * (single.high - single.low)


def test_groups_of_one_sample_tell_what_samples_tell() -> None:
    right = np.arange(300) < 210
    found, single = accuracy(np.arange(300), right), metrics.wilson(210, 300, 0.95)
    assert abs(found.low - single.low) < 0.01
    assert abs(found.high - single.high) < 0.01
    assert found.low <= single.low
    assert found.high >= single.high


@pytest.mark.parametrize("share", [0, 1])
def test_where_all_or_none_are_right_the_groups_are_counted(share: int) -> None:
    groups = np.repeat(np.arange(12), 20)
    assert accuracy(groups, groups < 12 * share) == metrics.wilson(12 * share, 12, 0.95)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_few_groups_tell_as_much_as_so_many_samples(count: int) -> None:
    groups, right = np.repeat(np.arange(count), 30), np.arange(30 * count) % 3 > 0
    wide = metrics.wilson(count * 2 / 3, count, 0.95)
    found = accuracy(groups, right)
    assert (found.low, found.high) == pytest.approx((wide.low, wide.high))


def test_the_same_seed_gives_the_same_interval_whatever_groups_are_called() -> None:
    rng = np.random.default_rng(2)
    groups, right = rng.integers(0, 9, 200), rng.random(200) < 0.8
    assert accuracy(groups, right) == accuracy(groups, right) == accuracy(groups * 7 + 3, right)
    assert accuracy(groups, right) != accuracy(groups, right, seed=1)


def test_balanced_accuracy_and_macro_f1_are_those_of_each_draw() -> None:
    """Compared with a slow bootstrap that draws the samples of groups one by one."""
    rng = np.random.default_rng(4)
    groups = np.sort(rng.integers(0, 15, 300))
    cells = rng.integers(0, 3, (300, 2))
    cells[rng.random(300) < 0.7, 1] = 0
    whole = metrics.confusion_matrix(cells[:, 0], cells[:, 1], 3)
    single = metrics.bootstrap(whole, 0.95, 4000, np.random.default_rng(0))
    found = group_intervals.classwise(groups, cells, single, 0.95, 4000, np.random.default_rng(0))
    drawn = []
    for _ in range(4000):
        rows = np.concatenate([np.flatnonzero(groups == g) for g in rng.integers(0, 15, 15)])
        drawn.append(metrics.confusion_matrix(cells[rows, 0], cells[rows, 1], 3))
    for estimate, one, figure in zip(
        found, single, (metrics.balanced_accuracy, metrics.macro_f1), strict=True
    ):
        low, high = np.quantile(figure(np.array(drawn)), [0.0157, 0.9843])  # of Student's t, 14
        assert estimate.value == one.value
        assert estimate.low == pytest.approx(min(low, one.low), abs=0.012)
        assert estimate.high == pytest.approx(max(high, one.high), abs=0.012)


@pytest.mark.slow
@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize(
    ("groups", "alike", "least"),
    [(3, 0.2, 0.9), (10, 0.2, 0.88), (30, 0.2, 0.9), (30, 0.01, 0.92), (10, 0.5, 0.84)],
)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(
    groups: int, alike: float, least: float, uneven: bool
) -> None:
    """An accuracy of 0.8 that varies from group to group; about 10 samples a group.

    alike : correlation of two samples of a group
    Wilson's interval of single samples holds it in about 70 % of the cases, where `alike` is 0.2.
    """
    rng = np.random.default_rng(5)
    hits = single = 0
    for trial in range(500):
        shares = rng.beta(0.8 * (1 / alike - 1), 0.2 * (1 / alike - 1), groups)
        sizes = rng.geometric(0.1, groups) if uneven else np.full(groups, 10)
        numbers = np.repeat(np.arange(groups), sizes)
        right = rng.random(len(numbers)) < shares[numbers]
        found = accuracy(numbers, right, trial, 500)
        hits += found.low <= 0.8 <= found.high
        wilson = metrics.wilson(int(right.sum()), len(right), 0.95)
        single += wilson.low <= 0.8 <= wilson.high
    assert hits / 500 >= least
    assert single <= hits
    if alike >= 0.2 and groups >= 10:
        assert single / 500 < 0.85
