"""ProbCover: the sample whose ball holds most of what no ball holds yet; for the first labels.

Yehuda, Dekel, Hacohen, Weinshall: Active Learning Through a Covering Lens, NeurIPS 2022 (arXiv
2205.11320). All balls have one radius, on features of unit length. The balls of labelled samples
count from the start. Much depends on the radius. `maxherding` has softer balls.

A ball is pure if it holds samples of one k-means cluster only, with as many clusters as classes.
The radius is the largest with which 95 % of the balls are pure. The authors try radii on a grid.
Here the radius is exact: a quantile of each sample's distance to the nearest sample of another
cluster.

The authors hold the graph of all pairs, and pick row 0 again once all is covered. Here degrees are
counted in blocks when they are needed, and ties are drawn. So the picks after that are drawn, too.
A ball is open, as in their code.

If the pool has more samples than `targets`, radius and coverage are measured on a random sample of
that size. Rejected samples need not be covered.

Slow version: tests/core/test_probcover.py, `slow_probcover`.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.clustering import kmeans
from labelcycle.core.coverage import sampled
from labelcycle.core.covering_balls import Balls, pure_radius
from labelcycle.core.lazy_greedy import Values, lazy_greedy
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import Pool, Selection

NEEDS: frozenset[str] = frozenset()


class Options(base.Options):
    """Settings of ProbCover; purity is the paper's."""

    radius: float | None = Field(
        None, gt=0, le=2, description="of the balls, between unit rows; null: by purity"
    )
    purity: float = Field(
        0.95,
        gt=0,
        le=1,
        description="share of balls that hold one cluster only, where radius is null",
    )
    classes: int | None = Field(
        None,
        ge=2,
        description="clusters for the purity; null: as many as the model's or the labels' classes",
    )
    targets: int | None = Field(
        20_000,
        ge=2,
        description="radius and coverage are measured on at most so many samples, drawn; null: all",
    )


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows, the one whose ball holds most uncovered samples first.

    why : degree (samples newly covered, also the score; 0 where none was left), covered (share
        of the samples, after this pick), radius
    """
    lots = rng.random(len(pool.available))
    radius = options.radius or _radius(pool, lots, rng, options)
    rows = np.flatnonzero(pool.available)
    targets = sampled(rows, options.targets, lots)
    balls = Balls(pool.features, targets, radius)
    balls.add(np.flatnonzero(pool.labeled))
    picks, degrees, left = _cover(balls, rows[np.argsort(lots[rows], kind="stable")], budget)
    why = {
        "degree": degrees.astype(np.int64),
        "covered": 1 - left / len(targets),
        "radius": np.full(budget, radius),
    }
    return Selection(picks, degrees, why)


def _cover(
    balls: Balls, rows: NDArray[np.int64], budget: int
) -> tuple[NDArray[np.int64], Values, Values]:
    """Rows that cover most, of equals the first; their degrees; targets left after each."""
    left: list[float] = []

    def pick(position: int) -> None:
        balls.add(rows[[position]])
        left.append(balls.left)

    def degrees(positions: NDArray[np.int64]) -> Values:
        return balls.degrees(rows[positions])

    def bounds(positions: NDArray[np.int64]) -> tuple[Values, Values]:
        counts = degrees(positions)
        return counts, counts

    picks, counts = lazy_greedy(len(rows), budget, bounds, degrees, pick)
    return rows[picks], counts, np.array(left)


def _radius(pool: Pool, lots: Values, rng: np.random.Generator, options: Options) -> float:
    """By purity. Samples go to k-means in the order of their lots, whatever rows they stand in."""
    rows = sampled(np.flatnonzero(pool.available | pool.labeled), options.targets, lots)
    features = pool.features[rows[np.argsort(lots[rows], kind="stable")]]
    clusters = kmeans(features, _classes(pool, options), rng).assignment
    return pure_radius(unit_rows(features), clusters, options.purity)


def _classes(pool: Pool, options: Options) -> int:
    if options.classes is not None:
        return options.classes
    if pool.probabilities is not None:
        return max(2, pool.probabilities.shape[1])
    return max(2, int(pool.labels.max()) + 1)
