"""The lines of `.labelcycle/answers/NNN.jsonl`: what looks saw in the open round."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class SeenTask(Record):
    """All answers of a task as a look saw them.

    mark : as in `AnnotationProgress`; empty for a task without answers
    """

    task: int
    key: str
    mark: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class AlteredTask(Record):
    """A task that showed something else than was pushed.

    altered : what differed, by name
    until : until when somebody may still have seen that, ISO 8601
    """

    key: str
    altered: tuple[str, ...]
    until: str


def read_journal(path: Path) -> Iterator[SeenTask | AlteredTask]:
    """The lines in order; half a line, which a kill has left, is none.

    Raises DataError that names file and line for a line of another version or with an odd field.
    """
    if not path.exists():
        return
    for number, text in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        kind = AlteredTask if isinstance(line, dict) and "altered" in line else SeenTask
        yield kind.from_json(line, f"{path}, line {number}")
