"""Scores of the model's word under dropout: what `bald` and `dbal` share."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import softmax  # type: ignore[import-untyped]

from labelcycle.core import dropout
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _cold_start, _ranked

OfDraws = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Class probabilities (m, t, c) of some samples under t draws -> score of each (m,)."""


class Options(_cold_start.Options):
    """Settings of the strategies that ask the model under dropout."""

    draws: int = Field(25, ge=2, le=1000, description="draws of the model")
    dropout: float = Field(
        0.5, gt=0, lt=1, description="chance of each unit of the hidden layer to be dropped"
    )


def highest(
    pool: Pool,
    budget: int,
    rng: np.random.Generator,
    options: Options,
    name: str,
    judge: OfDraws,
) -> Selection:
    """The `budget` available rows with the highest score, which is also the column `name`."""
    head = pool.head
    if head is None:
        raise ValueError("wanted a pool with a head")

    def judged(rows: _ranked.Rows) -> tuple[_ranked.Values, dict[str, _ranked.Values]]:
        masks = dropout.drawn_masks(rng, options.draws, head.hidden.shape[1], options.dropout)
        score = dropout.under_dropout(
            head, rows, masks, lambda logits: judge(softmax(logits, axis=-1))
        )
        return score, {name: score}

    return _ranked.highest(pool, budget, rng, options, judged)
