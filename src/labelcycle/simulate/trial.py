"""One simulated campaign: which strategy, clusterer and learner with which seed; what it gave."""

from dataclasses import dataclass, field
from typing import Any

from labelcycle.core import strategies
from labelcycle.simulate.plug_in_choice import Choice


@dataclass(frozen=True)
class Trial:
    """One simulated campaign; clusterer : None where the strategy reads no clusters."""

    strategy: Choice
    clusterer: Choice | None
    learner: Choice
    seed: int

    def record(self) -> dict[str, Any]:
        """All parts with their options, for JSON."""
        return {
            "strategy": self.strategy.record(),
            "clusterer": self.clusterer.record() if self.clusterer else None,
            "learner": self.learner.record(),
            "seed": self.seed,
        }


@dataclass(frozen=True)
class Measured:
    """What a trial gave.

    accuracy, balanced : shares of the test set at each number of labels of `Problem.measured`:
        right answers, and mean recall of the classes
    picks : training rows bought in each round, best first
    stood_in : how many of these another strategy picked, for the model said the same of all
    """

    accuracy: list[float]
    balanced: list[float]
    picks: list[list[int]] = field(default_factory=list)
    stood_in: list[int] = field(default_factory=list)


def needs(strategy: Choice) -> frozenset[str]:
    """What the strategy reads of the pool."""
    return strategies.get(strategy.name).NEEDS


def read_by(trial: Trial) -> Choice | None:
    """The clusterer whose clusters the trial's strategy reads."""
    return trial.clusterer if "clusters" in needs(trial.strategy) else None
