"""`rounds/rollbacks.jsonl`: where the campaign was taken back to; `data/labels/apart.json`."""

from dataclasses import dataclass
from typing import Literal

from labelcycle.campaign.records.record_files import Record

LaterAnswers = Literal["use", "apart"]
"""What becomes of later answers: they count on, or are kept as a record apart."""


@dataclass(frozen=True)
class Rollback(Record):
    """That the campaign goes on from where an earlier round was closed.

    to : number of that round
    next : number of the first round from there on; those between the two are rolled back
    before : commit that the campaign was at, of which what counts on is taken
    at : when, ISO 8601
    """

    to: int
    next: int
    answers: LaterAnswers
    reason: str
    before: str
    at: str


@dataclass(frozen=True)
class RoundsApart(Record):
    """The rounds whose label files do not count; beside these files, as stages read it there."""

    rounds: tuple[int, ...]
