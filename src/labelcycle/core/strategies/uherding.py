"""UHerding: samples the model wavers on that stand for many more of them; for all rounds.

Bae, Oliveira, Sutherland: Uncertainty Herding, One Active Learning Method for All Label Budgets,
ICLR 2025 (arXiv 2412.20644). It is `maxherding`, but each target weighs as much as the model wavers
on it. The width of the kernel is the least distance between two labelled samples. So with many
labels, coverage gives way to uncertainty.

The probabilities are tempered first. The temperature is the one with the least calibration error on
held-out labels.

Without labels, or where the model says the same of all samples, all weigh alike. That is
`maxherding`, with the width that the labels give. It is the paper's own cold start, so you cannot
choose another.

Two copies among the labelled do not count for the width. Two near copies would make it vanish, so
it has a floor. Scores are means over all targets. They get smaller as the model gets surer.

Slow version: tests/core/test_uherding.py, `slow_uherding`.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import softmax  # type: ignore[import-untyped]

from labelcycle import options as base
from labelcycle.core import distances
from labelcycle.core.calibration import fitted_temperature
from labelcycle.core.coverage import Coverage, cover, sampled
from labelcycle.core.lazy_greedy import Positions, Values
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.strategies._cold_start import is_cold
from labelcycle.core.strategies._ranked import doubts
from labelcycle.core.threads import cut

NEEDS = frozenset({"head"})

COLD_SIGMA = 1.0
"""MaxHerding's, while no two different samples are labelled."""

BLOCK_ROWS = 1024


class Options(base.Options):
    """Settings of UHerding; the defaults are the paper's, floor and sample of targets are ours."""

    uncertainty: Literal["margin", "entropy", "confidence"] = Field(
        "margin", description="of the tempered probabilities; what the targets weigh"
    )
    temperature: Annotated[float, Field(gt=0)] | Literal["fitted"] = Field(
        "fitted", description="divides the logits, above 0; fitted: by calibration on the labels"
    )
    sigma: float | None = Field(
        None,
        ge=0.05,
        le=10,
        description="width of the kernel; null: least distance between two labelled samples",
    )
    least_sigma: float = Field(
        0.05, ge=0.05, le=2, description="floor of the width that comes from the labelled samples"
    )
    targets: int | None = Field(
        20_000,
        ge=1,
        description="coverage is measured on at most so many samples, drawn; null: on all",
    )


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows, the one that adds most to the weighted coverage first.

    why : cold_start (1 where all weigh alike, else 0), gain (also the score), coverage (weighted,
        after this pick), uncertainty (of the pick, 0..1), sigma, temperature
    """
    if pool.head is None:
        raise ValueError("uherding needs head")
    lots = rng.random(len(pool.available))
    rows, labeled = np.flatnonzero(pool.available), np.flatnonzero(pool.labeled)
    temperature = _temperature(pool.head, pool.labels, labeled, lots, options)
    weights = np.zeros(len(pool.available))
    weights[rows] = uncertainty(pool.head, rows, temperature, options.uncertainty)
    cold = not len(labeled) or is_cold(weights[rows])
    if cold:
        weights[rows] = 1
    targets = sampled(rows, options.targets, lots)
    sigma = options.sigma or max(options.least_sigma, width(pool.features, labeled))
    coverage = Coverage(pool.features, targets, weights[targets], sigma)
    coverage.add(labeled)
    picks, gains, after = cover(coverage, rows, budget)
    why: dict[str, NDArray[np.generic]] = {
        "cold_start": np.full(budget, int(cold)),
        "gain": gains,
        "coverage": after,
        "uncertainty": weights[picks],
        "sigma": np.full(budget, sigma),
        "temperature": np.full(budget, temperature),
    }
    return Selection(picks, gains, why)


def _temperature(
    head: Head, labels: NDArray[np.int64], labeled: Positions, lots: Values, options: Options
) -> float:
    if options.temperature != "fitted":
        return options.temperature
    return fitted_temperature(head.hidden[labeled], labels[labeled], lots[labeled])


def uncertainty(head: Head, rows: Positions, temperature: float, kind: str) -> Values:
    """(m,) float64, 0..1: how much the model wavers on these rows.

    kind : "margin": 1 - (highest - second highest probability); "confidence": 1 - highest;
        "entropy": over its largest value, log of the number of classes
    """
    parts = [_uncertainty(head, part, temperature, kind) for part in cut(rows, BLOCK_ROWS)]
    return np.concatenate(parts)


def _uncertainty(head: Head, rows: Positions, temperature: float, kind: str) -> Values:
    hidden, weights = head.hidden[rows].astype(np.float64), head.weights.astype(np.float64)
    logits = hidden @ weights + head.bias
    chances: Values = softmax(logits / temperature, axis=1)
    if kind == "entropy":
        logs = np.log(chances, out=np.zeros_like(chances), where=chances > 0)
        most = np.log(max(2, chances.shape[1]))
        return np.asarray(-(chances * logs).sum(axis=1) / most)
    wrong, second = doubts(chances)
    return wrong + second if kind == "margin" else wrong


def width(features: NDArray[np.floating], labeled: Positions) -> float:
    """The least distance between two of these rows, made unit rows, that are not copies.

    1, MaxHerding's, where there is no such pair.
    """
    points = unit_rows(features[labeled])
    squares = distances.squared_lengths(points)
    least = np.inf
    for start in range(0, len(points), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        gaps = squares[block, None] + squares - 2 * (points[block] @ points.T)
        least = min(least, gaps[gaps > distances.SAME].min(initial=np.inf))
    return float(np.sqrt(least)) if np.isfinite(least) else COLD_SIGMA
