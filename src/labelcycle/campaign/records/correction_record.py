"""`rounds/NNN/corrections.jsonl` and `rounds/decisions.jsonl`: changed answers, decisions on them.

A decision names one version of one answer: if that is changed once more, it is asked anew.
"""

from dataclasses import dataclass
from typing import Literal

from labelcycle.campaign.json_files import value_digest
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.record_files import Record

UNKNOWN = "unknown"
"""Stands for somebody of whom the backend does not tell who it was."""

ChangeKind = Literal["edited", "added", "deleted", "task deleted"]
CorrectionState = Literal["counts", "waits", "rejected"]
Decision = Literal["accept", "reject"]


@dataclass(frozen=True)
class Correction(Record):
    """One change of the answers to a task.

    round : the round that asked the task
    annotation : None if the whole task was deleted: its answers then go on counting
    before, after : the answer, None where there is none
    by : who did it; `UNKNOWN` if the backend does not tell
    state : whether it counts; what is not its author's own word waits until it is accepted
    misled : it is, but the task may have shown something else; `by` is then who changed that
    """

    round: int
    key: str
    annotation: int | None
    what: ChangeKind
    before: Answer | None = None
    after: Answer | None = None
    by: str = UNKNOWN
    state: CorrectionState = "counts"
    misled: bool = False

    @property
    def id(self) -> str:
        """What names this change; another one, if the answer is changed once more."""
        after = self.after
        content = after and {
            "labels": after.labels,
            "skipped": after.skipped,
            "annotator": after.annotator,
            "editor": after.editor,
        }
        return value_digest([self.key, self.annotation, content])[:8]

    @property
    def of(self) -> str:
        """Whose answer was changed, or made up."""
        answer = self.before or self.after
        return answer.annotator if answer else UNKNOWN


@dataclass(frozen=True)
class DecidedCorrection(Record):
    """What was decided on a correction, and which one that is.

    correction : its id
    at : when, ISO 8601
    """

    correction: str
    decision: Decision
    at: str
    round: int
    key: str
    annotation: int | None
    what: ChangeKind
    by: str
    of: str
