"""MaxHerding: the samples that together come closest to all others; for the first labels.

Bae, Noh, Sutherland: Generalized Coverage for More Robust Low-Budget Active Learning, ECCV 2024
(arXiv 2407.12212). Each pick raises the coverage most: the mean over the pool of max k(x, chosen).
The kernel is k(x, y) = exp(-|x - y|^2 / sigma^2) on features of unit length. It is a ball with a
soft edge, so its radius matters less than that of `probcover`.

The authors hold the kernel of all pairs, and look at 35,000 random candidates at most. Here all
available samples are candidates. A lazy greedy loop gives the picks of the plain one without that
matrix. If more samples than `targets` are available, the coverage is measured on a random sample of
that size.

Rejected samples need not be covered. They are of no class, so nothing near them need be known.

Slow version: tests/core/test_maxherding.py, `slow_maxherding`.
"""

import numpy as np
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.coverage import Coverage, cover, sampled
from labelcycle.core.pool import Pool, Selection

NEEDS: frozenset[str] = frozenset()


class Options(base.Options):
    """Settings of MaxHerding; sigma is the paper's."""

    sigma: float = Field(
        1.0, ge=0.05, le=10, description="width of the kernel; unit rows are at most 2 apart"
    )
    targets: int | None = Field(
        20_000,
        ge=1,
        description="coverage is measured on at most so many samples, drawn; null: on all",
    )


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows, the one that adds most to the coverage of labelled and picked ones first.

    why : gain (also the score), coverage (in 0..1, after this pick)
    """
    rows = np.flatnonzero(pool.available)
    targets = sampled(rows, options.targets, rng.random(len(pool.available)))
    coverage = Coverage(pool.features, targets, np.ones(len(targets)), options.sigma)
    coverage.add(np.flatnonzero(pool.labeled))
    picks, gains, after = cover(coverage, rows, budget)
    return Selection(picks, gains, {"gain": gains, "coverage": after})
