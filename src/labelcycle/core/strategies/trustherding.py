"""TrustHerding: what the model wavers on, as far as its answers can be trusted; for all rounds.

No paper: it is labelcycle's own. The objective is that of `uherding`. Each pick raises most the
mean over the available samples of weight * max k(x, chosen). It differs in two things, which
docs/results.md measures.

The weight is how much the model wavers, after its logits are multiplied by a trust. The trust is
the one under which the labels are likeliest, each held out from a model of its own. With one label
a class such models are no better than a guess. Trust is then 0, and all samples weigh alike, which
is coverage alone. With more labels it rises. Then the model's doubts count for as much as it knows.

No number of labels is set at which one gives way to the other. Calibration error, which the paper
minimises, does not tell a model that knows nothing from one that knows.

That is its cold start too. No other strategy stands in. The width of the kernel stays the same, and
is a little narrower than MaxHerding's. So two near copies among the labelled cannot make it vanish.

Slow version: tests/core/test_trustherding.py, `slow_trustherding`.
"""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.calibration import likeliest_trust
from labelcycle.core.coverage import Coverage, cover, sampled
from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies.uherding import uncertainty

NEEDS = frozenset({"head"})


class Options(base.Options):
    """Settings of TrustHerding."""

    sigma: float = Field(
        0.7, ge=0.05, le=10, description="width of the kernel; unit rows are at most 2 apart"
    )
    targets: int | None = Field(
        20_000,
        ge=1,
        description="coverage is measured on at most so many samples, drawn; null: on all",
    )


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows, the one that adds most to the weighted coverage first.

    why : gain (also the score), coverage (weighted, after this pick), uncertainty (of the pick,
        over that of the least certain sample), trust (0: the model has no say; 1: as sure as it
        says)
    """
    if pool.head is None:
        raise ValueError("trustherding needs head")
    lots = rng.random(len(pool.available))
    rows, labeled = np.flatnonzero(pool.available), np.flatnonzero(pool.labeled)
    trust = likeliest_trust(pool.head.hidden[labeled], pool.labels[labeled], lots[labeled])
    weights = np.zeros(len(pool.available))
    weights[rows] = uncertainty(pool.head, rows, 1 / trust if trust else np.inf, "margin")
    most = weights.max()
    weights[rows] = weights[rows] / most if most else 1  # 0: sure of everything, in every digit
    targets = sampled(rows, options.targets, lots)
    coverage = Coverage(pool.features, targets, weights[targets], options.sigma)
    coverage.add(labeled)
    picks, gains, after = cover(coverage, rows, budget)
    why: dict[str, NDArray[np.generic]] = {
        "gain": gains,
        "coverage": after,
        "uncertainty": weights[picks],
        "trust": np.full(budget, trust),
    }
    return Selection(picks, gains, why)
