"""`rounds/NNN/annotations.jsonl`: every answer that counts, as it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class Answer(Record):
    """One person's annotation of one task, as it came.

    annotation, task : ids in the annotation backend
    key : of the task, `<campaign>/<round>/<sample>`
    annotator : whose answer it is, as the backend says; anybody may claim to be somebody else
    editor : who wrote what it says now; None if nobody knows. What the campaign's own account
        wrote was written for the annotator
    labels : the class names chosen; empty for an empty answer
    skipped : the person skipped the sample; reason : why, one of `core.skip_reasons.REASONS` or
        empty
    lead_time_s : seconds that it took, None if nobody knows
    created, updated : when, ISO 8601
    raw : the backend's own record, kept for the files of the round
    """

    annotation: int
    task: int
    key: str
    annotator: str
    editor: str | None
    labels: tuple[str, ...]
    skipped: bool
    reason: str
    lead_time_s: float | None
    created: str
    updated: str
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, int]:
        """What names the answer, however often it is changed: task key and annotation id."""
        return self.key, self.annotation
