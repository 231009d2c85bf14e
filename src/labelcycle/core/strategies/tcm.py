"""TCM: TypiClust for the first labels, then margin; for a campaign that begins with none.

Doucet, Estermann, Aczel, Wattenhofer: Bridging Diversity and Uncertainty in Active Learning with
Self-Supervised Pre-Training, PML4LRS at ICLR 2024 (arXiv 2403.03728). A transition that is counted
in rounds would mean something else for every budget. Here it is a number of labels for each class.
The default is three rounds of one label a class.

Tested by hand: tests/core/test_tcm.py.
"""

from dataclasses import replace

import numpy as np
from pydantic import Field

from labelcycle.core.pool import Pool, Selection
from labelcycle.core.strategies import _cold_start, margin, typiclust

NEEDS = frozenset({"clusters", "probabilities"})


class Options(_cold_start.Options, typiclust.Options):
    """Settings of TCM: its transition, and those of its two halves."""

    labels_per_class: int = Field(
        3, ge=1, description="labels for each class, on average, from which on margin picks"
    )


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows by TypiClust until there are `labels_per_class` * c labels, then by margin.

    why : cold_start (1 where margin had nothing to say, else 0), phase (0 TypiClust, 1 margin),
        then what the strategy that picked says; score : that strategy's own
    """
    if pool.probabilities is None:
        raise ValueError("tcm needs probabilities")
    labels = int(np.count_nonzero(pool.labeled))
    late = labels >= options.labels_per_class * pool.probabilities.shape[1]
    if late:
        late_options = margin.Options(cold_start=options.cold_start, normalise=options.normalise)
        selection = margin.select(pool, budget, rng, late_options)
    else:
        selection = _cold_start.flagged(typiclust.select(pool, budget, rng, options), 0)
    phase = np.full(budget, int(late), dtype=np.int64)
    why = {"cold_start": selection.why["cold_start"], "phase": phase, **selection.why}
    return replace(selection, why=why)
