"""CoreSet: the sample farthest from all that are labelled; for spreading many labels evenly.

Sener, Savarese: Active Learning for Convolutional Neural Networks: A Core-Set Approach, ICLR 2018
(arXiv 1708.00489). This is its greedy k-centre. Each pick is the available sample whose nearest
labelled or picked sample is farthest away. It likes outliers. With few labels it often loses to
random.

The paper measures distances in the last hidden layer of a model that it trains end to end. The
classifier here is linear on an encoder's features. Its hidden layer holds these features, moved and
scaled, which gives the same picks. So the features are used, and no model is needed.

The features are brought to unit length, which the paper does not do. `normalise: false` leaves that
out. The paper starts from given labels. Without any, the first pick here is the sample nearest to
the mean of the available ones.

Slow version: tests/core/test_coreset.py, `slow_coreset`.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.lazy_greedy import Positions, Values, lazy_greedy, settled
from labelcycle.core.neighbours import in_ball, points64
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import NORMALISE
from labelcycle.core.threads import cut, in_parallel

NEEDS: frozenset[str] = frozenset()

BLOCK_ROWS = 2048

FARTHEST = 2.0
"""Between two rows of length 1: the score of a pick while nothing is labelled."""


class Options(base.Options):
    """Setting of CoreSet."""

    normalise: bool = Field(True, description=NORMALISE)


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows, the one farthest from what is labelled or picked first.

    why : distance to the nearest labelled or earlier picked sample (also the score), where lengths
        count in units of the largest from the mean; 2, the largest there can be, if there is none
    """
    del rng  # nothing here is drawn
    unit = options.normalise
    features = pool.features if unit else in_ball(pool.features)
    rows = np.flatnonzero(pool.available)
    centres = np.flatnonzero(pool.labeled)
    first = rows[:0]
    if not len(centres):
        first = centres = rows[[_most_central(features, rows, unit)]]
        rows = rows[rows != first[0]]
    found, squares = _farthest(features, rows, centres, budget - len(first), unit)
    picks = np.concatenate([first, found])
    distance = np.concatenate([np.full(len(first), FARTHEST), np.sqrt(squares)])
    return Selection(picks, distance, {"distance": distance})


def _farthest(
    features: NDArray[np.floating],
    rows: Positions,
    centres: Positions,
    budget: int,
    unit: bool,
) -> tuple[Positions, Values]:
    """(b,) of `rows`, one after the other the farthest from the centres and the picks before.

    Returns also (b,) float64, their squared distances to these.
    """
    centre_points = points64(features[centres], unit)
    gap = np.concatenate(
        in_parallel(lambda part: _gaps(features, part, centre_points, unit), cut(rows, BLOCK_ROWS))
        or [np.empty(0)]
    )
    picked: list[NDArray[np.float64]] = []

    def bounds(positions: Positions) -> tuple[Values, Values]:
        if picked:
            near = _gaps(features, rows[positions], np.concatenate(picked), unit)
            gap[positions] = np.minimum(gap[positions], near)
        return gap[positions], gap[positions]

    picks, squares = lazy_greedy(
        len(rows),
        budget,
        bounds,
        lambda positions: gap[positions],
        lambda position: picked.append(points64(features[rows[[position]]], unit)),
    )
    return rows[picks], squares


def _gaps(features: NDArray[np.floating], rows: Positions, centres: Values, unit: bool) -> Values:
    """(m,) float64: squared distance of each row to the nearest of (k, d) centres."""
    points = points64(features[rows], unit)
    squares = points @ centres.T
    squares *= -2
    squares += np.einsum("kd,kd->k", centres, centres)
    nearest: Values = squares.min(axis=1) + np.einsum("md,md->m", points, points)
    return np.maximum(nearest, 0)


def _most_central(features: NDArray[np.floating], rows: Positions, unit: bool) -> int:
    """Position among `rows` of the point nearest the mean of them all, the first of equals."""
    parts = cut(rows, BLOCK_ROWS)
    sums = in_parallel(lambda part: points64(features[part], unit).sum(axis=0), parts)
    mean = np.sum(sums, axis=0)[None] / len(rows)
    gap = np.concatenate(in_parallel(lambda part: _gaps(features, part, mean, unit), parts))
    return int(np.argmin(settled(gap)))
