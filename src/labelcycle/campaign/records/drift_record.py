"""`.labelcycle/unusual/NNN.json`: whether a cohort looks like the images before it."""

from dataclasses import dataclass

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class Drift(Record):
    """How a cohort looks beside the images before it, by their features.

    p : how often chance alone makes a cohort look as different as this
    different : whether that is too seldom to be chance
    """

    p: float
    different: bool

    @property
    def summary(self) -> str:
        """It in words.

        >>> Drift(0.001, True).summary
        'looks different from the images before (p = 0.001)'
        """
        how = "different from" if self.different else "like"
        return f"looks {how} the images before (p = {self.p:.2g})"
