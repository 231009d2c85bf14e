"""Rows of figures from campaigns: mean, standard error, and the gain over one strategy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.plug_in_choice import Choice
from labelcycle.simulate.trial import Measured, Trial

BASE = "random"
CONFIDENCE = 0.95

FEWEST = 3
"""Seeds from which an interval is shown: of two differences it is as wide as they happen to be."""

ROUGH = 5
"""Seeds below which a note says that the intervals are rough."""

Row = dict[str, Any]
Curves = Mapping[str, Sequence[Row]]
"""By strategy, its rows by rising budget."""

Values = NDArray[np.float64]


def rows_of(
    problem: Problem,
    measured: Mapping[Trial, Measured],
    strategies: Sequence[Choice],
    clusterer: Choice,
    learner: Choice,
    base: str,
) -> list[Row]:
    """One row a strategy and number of labels, of the campaigns with this clusterer and learner.

    base : what the strategy is called that the others are compared with, seed by seed
    """
    measure = "balanced" if problem.source.balanced else "accuracy"
    fitting = {
        trial: getattr(each, measure)
        for trial, each in measured.items()
        if trial.learner == learner and trial.clusterer in (None, clusterer)
    }
    values = {
        each.text: np.array([fitting[c] for c in fitting if c.strategy == each])
        for each in strategies
    }
    facts = {"data": problem.source.name, "learner": learner.text, "clusterer": clusterer.text}
    stood_in = {
        each.text: _stood_in([measured[c] for c in fitting if c.strategy == each], problem)
        for each in strategies
    }
    return [
        {**facts, "strategy": name, "budget": budget, "stood_in": stood_in[name][number]}
        | summary(each[:, number], values[base][:, number])
        for name, each in values.items()
        for number, budget in enumerate(problem.measured)
    ]


def _stood_in(trials: Sequence[Measured], problem: Problem) -> list[float]:
    """Share of each round's picks that another strategy made, for the model said nothing.

    At the labels of each round; 0 at those that were there before.
    """
    before = [0.0] if problem.initial else []
    return before + [
        sum(trial.stood_in[number] for trial in trials) / (len(trials) * bought)
        for number, bought in problem.rounds()
    ]


def summary(values: Values, base: Values) -> Row:
    """Mean, standard error, and the mean difference to `base` with its interval (paired t).

    Below `FEWEST` seeds there is neither error nor interval.
    """
    n, difference = len(values), values - base
    mean = float(difference.mean())
    row = {"seeds": n, "accuracy": float(values.mean()), "se": None, "gain": mean}
    if n < FEWEST:
        return row | {"gain_low": None, "gain_high": None}
    from scipy.special import stdtrit  # type: ignore[import-untyped]  # slow to import

    half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2) * standard_error(difference))
    return row | {
        "se": standard_error(values),
        "gain_low": mean - half,
        "gain_high": mean + half,
    }


def standard_error(values: Values) -> float:
    """Of the mean of at least two values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def is_better(row: Row) -> bool:
    """Whether the whole interval of the gain is above 0."""
    return row["gain_low"] is not None and row["gain_low"] > 0


def is_worse(row: Row) -> bool:
    """Whether the whole interval of the gain is below 0."""
    return row["gain_high"] is not None and row["gain_high"] < 0
