"""The door to the strategies: everything is checked here, so that strategies can assume it."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import strategies
from labelcycle.core.array_input import check_finite
from labelcycle.core.group_limit import GroupLimit
from labelcycle.core.pool import UNLABELED, Head, Pool, Selection
from labelcycle.core.registry import parse_options
from labelcycle.core.threads import one_thread
from labelcycle.errors import DataError, PoolExhausted, SettingsError
from labelcycle.options import Options

CHECKED_ROWS = 65_536
"""Rows looked at at a time, so that a memory-mapped array is never read whole."""

SUM_ERROR = 1e-2
"""By which a row of probabilities may miss 1: those of a model in half precision do."""


def select(
    strategy: str,
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    options: Mapping[str, Any] | Options | None = None,
    limit: GroupLimit | None = None,
) -> Selection:
    """`budget` distinct available rows of the pool, best first, by the strategy of that name.

    The same inputs and generator state give the same selection on any number of threads.

    limit : most picks of a group. Where it leaves fewer than `budget`, so many are picked

    Raises SettingsError for an unknown strategy or option, DataError for a pool that is not as
    `Pool` says or groups of another one, PoolExhausted for a budget outside 1..the number of
    available samples.
    """
    module = strategies.get(strategy)
    settings = parse_options(module.Options, options, f"strategy {strategy}")
    check_pool(pool)
    _check_needs(pool, strategy, module.NEEDS)
    check_budget(budget, int(np.count_nonzero(pool.available)))
    if limit is not None:
        _check_rows(limit.groups, "groups", pool.labels.shape, np.int64)
    # Imported by one of several threads it would not be whole for the others, and would take all
    # cores in that one.
    import faiss  # noqa: F401 - half a second, which every command would pay

    with one_thread():
        if limit is None:
            return module.select(pool, budget, rng, settings)
        return _limited(module, pool, budget, rng, settings, limit)


def _limited(
    module: strategies.Strategy,
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    settings: Any,
    limit: GroupLimit,
) -> Selection:
    """The picks of the strategy from the largest set of samples in which it keeps to the limit.

    It picks as if there were none. Of each group with too many picks, only the first ones stay
    available, and it picks again with the same draws. This ends, for such a group has no more.
    """
    budget = min(budget, limit.affordable(pool.available))
    while True:
        selection = module.select(pool, budget, copy.deepcopy(rng), settings)
        extra = limit.beyond(selection.rows)
        if not len(extra):
            return selection
        full = np.isin(limit.groups, limit.groups[extra])
        full[np.setdiff1d(selection.rows, extra)] = False
        pool = replace(pool, available=pool.available & ~full)


def check_pool(pool: Pool) -> None:
    """Raise DataError if shapes or dtypes do not fit, or values are not finite, naming the row."""
    features = pool.features
    if (
        features.ndim != 2
        or not features.shape[1]
        or features.dtype not in (np.float32, np.float16)
    ):
        raise DataError(
            f"features must be (n, d >= 1) float32 or float16 (got {_describe(features)})"
        )
    n = len(features)
    _check_rows(pool.labels, "labels", (n,), np.int64)
    _check_rows(pool.available, "available", (n,), np.bool_)
    check_finite(features, "features")
    if pool.clusters is not None:
        _check_rows(pool.clusters, "clusters", (n,), np.int32)
    if pool.probabilities is not None:
        classes = pool.probabilities.shape[-1]
        _check_rows(pool.probabilities, "probabilities", (n, classes), np.float32)
        check_finite(pool.probabilities, "probabilities")
        _check_probabilities(pool.probabilities)
    if pool.head is not None:
        _check_head(pool.head, n)
    _check_labels(pool)


def _check_head(head: Head, n: int) -> None:
    width, classes = head.weights.shape
    _check_rows(head.hidden, "head.hidden", (n, width), np.float32)
    _check_rows(head.bias, "head.bias", (classes,), np.float32)
    check_finite(head.hidden, "head.hidden")
    check_finite(head.weights, "head.weights")
    check_finite(head.bias[:, None], "head.bias")


def _check_rows(
    array: NDArray[Any], name: str, shape: tuple[int, ...], dtype: type[np.generic]
) -> None:
    if array.shape != shape or array.dtype != dtype:
        raise DataError(
            f"{name} must be {shape} {np.dtype(dtype)}, one row a sample"
            f" (got {_describe(array)}); they belong to another pool"
        )


def _check_probabilities(probabilities: NDArray[np.float32]) -> None:
    if probabilities.shape[1] < 2:
        raise DataError(
            f"probabilities must have a column for each of at least 2 classes"
            f" (got {_describe(probabilities)})"
        )
    for start in range(0, len(probabilities), CHECKED_ROWS):
        block = probabilities[start : start + CHECKED_ROWS]
        sums = block.sum(axis=1, dtype=np.float64)
        wrong = np.flatnonzero((block.min(axis=1) < 0) | (np.abs(sums - 1) > SUM_ERROR))
        if len(wrong):
            raise DataError(
                f"probabilities must be at least 0 and sum to 1 in each row, row {start + wrong[0]}"
                f" has {block[wrong[0]].min():g} and sums to {sums[wrong[0]]:g};"
                " take the softmax of logits first"
            )


def _check_labels(pool: Pool) -> None:
    wrong = np.flatnonzero(pool.labels < UNLABELED)
    if len(wrong):
        raise DataError(
            f"labels must be a class index or {UNLABELED}, row {wrong[0]} has"
            f" {pool.labels[wrong[0]]}"
        )
    both = np.flatnonzero(pool.available & pool.labeled)
    if len(both):
        raise DataError(
            f"a labelled sample must not be available, row {both[0]} has a label and is;"
            " take it out of `available`"
        )


def _check_needs(pool: Pool, strategy: str, needs: frozenset[str]) -> None:
    for name in sorted(needs):
        if getattr(pool, name) is None:
            raise DataError(
                f"strategy {strategy} needs {name} of the pool, got none; make them first"
            )


def check_budget(budget: int, left: int) -> None:
    """Raise SettingsError if it is no whole number, PoolExhausted if it is not in 1..left."""
    if isinstance(budget, bool) or not isinstance(budget, int | np.integer):
        raise SettingsError(f"budget must be a whole number (got {budget!r})")
    if left == 0:
        raise PoolExhausted(
            f"no sample is left to select (got budget {budget}): wanted at least one without a"
            " label that was not rejected; add new samples"
        )
    if not 1 <= budget <= left:
        raise PoolExhausted(
            f"budget must be in 1..{left}, the samples left to select (got {budget});"
            f" {'lower' if budget > left else 'raise'} it"
        )


def _describe(array: NDArray[Any]) -> str:
    return f"{array.shape} {array.dtype}"
