"""`rounds/NNN/selection.json`, and `work/selection.json`, from which it is copied."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class SelectedSample:
    """A sample that a strategy picked; rank 0 is the best.

    why : what the strategy says of it, by name
    """

    sample: str
    rank: int
    score: float
    why: Mapping[str, Any]


@dataclass(frozen=True)
class RoundSelection(Record):
    """The samples of a round, best first.

    stood_in : the strategy that picked because the model had nothing to say
    options : the strategy's own, the defaults too
    """

    strategy: str
    stood_in: str | None
    budget: int
    options: Mapping[str, Any]
    samples: tuple[SelectedSample, ...]

    @property
    def picked_by(self) -> str:
        """The strategy that really picked."""
        return self.stood_in or self.strategy
