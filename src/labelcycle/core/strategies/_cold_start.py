"""Who picks while the model has nothing to say: what the strategies that ask it share."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import NORMALISE, random, typiclust

NO_DIFFERENCE = 1e-6
"""Scores that differ by no larger share are float32's rounding of equal ones."""


class Options(base.Options):
    """Setting of every strategy that asks the model."""

    cold_start: Literal["typiclust", "random"] = Field(
        "typiclust",
        description="who picks while the model says the same of all, as it does without labels",
    )
    normalise: bool = Field(True, description=NORMALISE)


def is_cold(scores: NDArray[np.floating]) -> bool:
    """True if the model says the same of several available samples, as one without labels does.

    scores : (m,) at least 0, what the strategy makes of the model's word on each available sample;
        they are compared with the largest, for a model that is nearly sure of everything still
        says of which samples it is least sure
    """
    return len(scores) > 1 and bool(np.ptp(scores) <= NO_DIFFERENCE * np.max(scores))


def stand_in(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The selection of the cold start strategy; `why` begins with cold_start = 1."""
    if options.cold_start == "random":
        selection = random.select(pool, budget, rng, random.Options())
    else:
        selection = typiclust.select(
            pool, budget, rng, typiclust.Options(normalise=options.normalise)
        )
    return replace(flagged(selection, 1), stood_in=options.cold_start, stand_ins=budget)


def flagged(selection: Selection, cold: int | NDArray[np.int64]) -> Selection:
    """The selection with the column cold_start (1: another strategy stood in) first in `why`."""
    column = np.full(len(selection.rows), cold, dtype=np.int64)
    return replace(selection, why={"cold_start": column, **selection.why})


def filled(
    picks: Selection,
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    options: Options,
    why: Callable[[NDArray[np.int64]], dict[str, NDArray[np.generic]]],
) -> Selection:
    """The picks, and the cold start strategy's behind them where the model doubts no more samples.

    picks : fewer than `budget` picks, or as many; its `why` has the columns that `why` gives for
        other rows, of which the model is sure: their score is 0, their cold_start 1
    """
    if len(picks.rows) == budget:
        return flagged(picks, 0)
    available = pool.available.copy()
    available[picks.rows] = False
    missing = budget - len(picks.rows)
    rest = stand_in(replace(pool, available=available), missing, rng, options).rows
    columns = why(rest)
    return flagged(
        Selection(
            np.concatenate([picks.rows, rest]),
            np.concatenate([picks.score, np.zeros(missing)]),
            {name: np.concatenate([picks.why[name], columns[name]]) for name in columns},
            stand_ins=missing,
        ),
        np.repeat([0, 1], [len(picks.rows), missing]),
    )
