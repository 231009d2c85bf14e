"""Who picks while the model has nothing to say: what the strategies that ask it share."""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import NORMALISE, random, typiclust

NO_DIFFERENCE = 1e-6
"""Scores that differ by no more are float32's rounding of equal ones."""


class Options(base.Options):
    """Setting of every strategy that asks the model."""

    cold_start: Literal["typiclust", "random"] = Field(
        "typiclust",
        description="who picks while the model says the same of all, as it does without labels",
    )
    normalise: bool = Field(True, description=NORMALISE)


def is_cold(scores: NDArray[np.floating]) -> bool:
    """True if the model says the same of several available samples, as one without labels does.

    scores : (m,), what the strategy makes of the model's word on each available sample
    """
    return len(scores) > 1 and bool(np.ptp(scores) <= NO_DIFFERENCE)


def stand_in(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """The selection of the cold start strategy; `why` begins with cold_start = 1."""
    if options.cold_start == "random":
        found = random.select(pool, budget, rng, random.Options())
    else:
        found = typiclust.select(pool, budget, rng, typiclust.Options(normalise=options.normalise))
    return replace(flagged(found, 1), stood_in=options.cold_start)


def flagged(selection: Selection, cold: int) -> Selection:
    """The selection with the column cold_start (1: another strategy stood in) first in `why`."""
    column = np.full(len(selection.rows), cold, dtype=np.int64)
    return replace(selection, why={"cold_start": column, **selection.why})
