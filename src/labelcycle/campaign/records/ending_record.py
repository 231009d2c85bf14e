"""`rounds/NNN/ending.json`: how a round is ended early; there is none for the others."""

from dataclasses import dataclass
from typing import Literal

from labelcycle.campaign.records.record_files import Record

How = Literal["incomplete", "deadline", "cancel"]


@dataclass(frozen=True)
class Ending(Record):
    """How a round is ended early.

    abandon : its tasks are gone from the backend; it is ended without asking there
    at : since when, ISO 8601
    """

    how: How
    reason: str
    abandon: bool
    at: str
