from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labelcycle.core import run_strategy, strategies
from labelcycle.core.group_limit import GroupLimit
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.strategies import random, typiclust
from labelcycle.errors import DataError, PoolExhausted, SettingsError


def pool_of(n: int = 40) -> Pool:
    rng = np.random.default_rng(0)
    return Pool(
        rng.standard_normal((n, 4)).astype(np.float32),
        np.full(n, UNLABELED),
        np.ones(n, dtype=bool),
        np.zeros(n, dtype=np.int32),
        np.full((n, 2), 0.5, dtype=np.float32),
    )


def ask(
    name: str = "random", pool: Pool | None = None, budget: Any = 5, options: Any = None
) -> Any:
    return run_strategy.select(name, pool or pool_of(), budget, np.random.default_rng(0), options)


def test_a_budget_above_the_pool_is_refused_with_the_number_left() -> None:
    available = np.arange(40) < 37
    with pytest.raises(
        PoolExhausted,
        match=r"^budget must be in 1\.\.37, the samples left to select \(got 50\); lower it$",
    ):
        ask(pool=replace(pool_of(), available=available), budget=50)


def test_an_empty_pool_says_that_nothing_is_left() -> None:
    empty = replace(pool_of(), available=np.zeros(40, dtype=bool))
    with pytest.raises(
        PoolExhausted, match=r"no sample is left to select \(got budget 5\): wanted .* add"
    ):
        ask(pool=empty)


@pytest.mark.parametrize("budget", [0, -3])
def test_a_budget_below_one_is_refused(budget: int) -> None:
    with pytest.raises(PoolExhausted, match=r"in 1\.\.40, .* \(got -?\d\); raise it$"):
        ask(budget=budget)


@pytest.mark.parametrize("budget", [2.0, True, "5"])
def test_a_budget_that_is_no_whole_number_is_refused(budget: Any) -> None:
    with pytest.raises(SettingsError, match="budget must be a whole number"):
        ask(budget=budget)


def test_an_unknown_strategy_lists_the_near_names() -> None:
    with pytest.raises(SettingsError, match=r"strategy 'typyclust'.*did you mean 'typiclust'"):
        ask("typyclust")
    with pytest.raises(SettingsError, match=f"wanted one of {', '.join(strategies.names())}$"):
        ask("zzz")


def test_an_unknown_option_names_the_nearest_key() -> None:
    with pytest.raises(
        SettingsError,
        match=r"strategy typiclust: neighbors: unknown key; did you mean 'neighbours'\?",
    ):
        ask("typiclust", options={"neighbors": 3})
    with pytest.raises(SettingsError, match=r"strategy random: k: unknown key; known keys: none"):
        ask("random", options={"k": 3})


def test_an_option_out_of_range_says_what_was_wanted_and_what_came() -> None:
    with pytest.raises(
        SettingsError, match=r"neighbours: wanted greater than or equal to 1 \(got 0"
    ):
        ask("typiclust", options={"neighbours": 0})


def test_options_of_another_strategy_are_refused() -> None:
    with pytest.raises(SettingsError, match="options of strategy supclust: wanted its own Options"):
        ask("supclust", options=typiclust.Options())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", strategies.names())
def test_a_row_that_is_not_finite_is_refused_by_its_number(name: str, bad: float) -> None:
    pool = pool_of()
    pool.features[17, 2] = bad
    with pytest.raises(DataError, match=r"must be finite numbers, row 17 holds (NaN|inf)"):
        ask(name, pool)


def test_rows_are_counted_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_strategy, "CHECKED_ROWS", 8)
    pool = pool_of()
    pool.features[33] = np.nan
    with pytest.raises(DataError, match="row 33"):
        ask(pool=pool)


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        (
            "features",
            np.zeros((40, 4)),
            r"features must be \(n, d >= 1\) float32 or float16 \(got \(40",
        ),
        ("features", np.zeros(40, dtype=np.float32), r"features must be \(n, d >= 1\)"),
        ("labels", np.full(39, -1), r"labels must be \(40,\) int64, one row a sample \(got \(39"),
        ("available", np.ones(40), r"available must be \(40,\) bool.*float64"),
        ("clusters", np.zeros(40), r"clusters must be \(40,\) int32"),
        ("probabilities", np.full((39, 2), 0.5, np.float32), r"probabilities must be \(40, 2\)"),
        ("probabilities", np.full((40, 2), np.nan, np.float32), r"probabilities must be finite"),
        ("labels", np.full(40, -2), r"labels must be a class index or -1, row 0 has -2"),
        ("labels", np.zeros(40, dtype=np.int64), r"must not be available, row 0"),
    ],
)
def test_a_pool_that_is_not_as_it_should_be_is_refused(field: str, value: Any, text: str) -> None:
    with pytest.raises(DataError, match=text):
        ask(pool=replace(pool_of(), **{field: value}))


@pytest.mark.parametrize(
    ("name", "missing"),
    [("typiclust", "clusters"), ("supclust", "clusters"), ("margin", "probabilities")],
)
def test_a_strategy_says_what_it_misses(name: str, missing: str) -> None:
    with pytest.raises(DataError, match=f"strategy {name} needs {missing} of the pool, got none"):
        ask(name, replace(pool_of(), **{missing: None}))


def test_random_takes_every_sample_equally_often() -> None:
    counts, pool = np.zeros(40), pool_of()
    for seed in range(400):
        picks = random.select(pool, 10, np.random.default_rng(seed), random.Options())
        counts[picks.rows] += 1
    assert abs(counts - 100).max() < 45  # five standard deviations


def test_groups_of_another_pool_are_refused() -> None:
    limit = GroupLimit(np.zeros(39, dtype=np.int64), 2)
    with pytest.raises(
        DataError, match=r"groups must be \(40,\) int64, one row a sample \(got \(39"
    ):
        run_strategy.select("random", pool_of(), 5, np.random.default_rng(0), limit=limit)


def test_the_limit_of_a_group_by_hand() -> None:
    """The model doubts rows 0, 1, 2, ... in this order; 0 to 3 are one group, 4 and 5 another."""
    sure = np.linspace(0.5, 0.9, 40, dtype=np.float32)
    pool = replace(pool_of(), probabilities=np.stack([sure, 1 - sure], axis=1))
    groups = np.concatenate([[0] * 4, [1] * 2, np.arange(2, 36)])
    limit = GroupLimit(groups, 2)
    picks = run_strategy.select("margin", pool, 5, np.random.default_rng(0), limit=limit)
    assert picks.rows.tolist() == [0, 1, 4, 5, 6]
    one = run_strategy.select(
        "margin", pool, 5, np.random.default_rng(0), limit=GroupLimit(groups, 1)
    )
    assert one.rows.tolist() == [0, 4, 6, 7, 8]
