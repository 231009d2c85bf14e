"""What answers cost in time, robust against somebody who went for lunch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Effort:
    """The time of some answers.

    answers : how many, skips too; timed : those whose time is known
    capped : those that took longer than the cap and count as the cap
    seconds : sum of the timed ones; median : of them, None without any
    labels : labels accepted from them; per_label : seconds each, None without labels or times
    """

    answers: int
    timed: int
    capped: int
    seconds: float
    median: float | None
    labels: int
    per_label: float | None


def effort(lead_times: Sequence[float | None], labels: int, cap: float) -> Effort:
    """The time of answers with these lead times (s; None: unknown), which made so many labels.

    A time above `cap` counts as `cap`: a page left open says how long the page was open. Answers
    without a time are left out of sum and median, so that the sum is a lower bound.
    """
    known = np.array([t for t in lead_times if t is not None], dtype=np.float64)
    spent = np.clip(known, 0, cap)
    seconds = round(float(spent.sum()), 2)
    return Effort(
        answers=len(lead_times),
        timed=len(known),
        capped=int((known > cap).sum()),
        seconds=seconds,
        median=round(float(np.median(spent)), 2) if len(spent) else None,
        labels=labels,
        per_label=round(seconds / labels, 2) if labels and len(spent) else None,
    )
