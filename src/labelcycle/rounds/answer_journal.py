"""The answers of the open round as the looks saw them, in `.labelcycle/answers/NNN.jsonl`.

Until a round is closed its answers are in Label Studio alone. A look writes the tasks in which
something is new to this file, a line each with all answers of the task, and removes nothing. So an
answer that was seen is not lost with the project, and one that somebody else overwrote is known as
its author gave it. A task that showed something else than was pushed has a line, too: what a look
reads of it from there on may have been said of that.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labelcycle.adapters.ports import AnnotationBackend
from labelcycle.errors import DataError
from labelcycle.rounds import authors
from labelcycle.rounds.authors import Record
from labelcycle.rounds.snapshots import Snapshot

Name = tuple[str, int]
"""Key of the task and id of the annotation."""


@dataclass(frozen=True)
class Altered:
    """What differed in what a task showed, and until when somebody may still have seen that."""

    differs: Sequence[str]
    until: str


def path(snapshot: Snapshot) -> Path:
    """The file of the round at work."""
    return snapshot.campaign.private / "answers" / f"{snapshot.number:03d}.jsonl"


def note(
    snapshot: Snapshot, backend: AnnotationBackend, project: int, marks: Mapping[int, str]
) -> None:
    """Write down what is new in the tasks of the round at work.

    marks : as in `AnnotationProgress`, of the tasks that somebody has answered
    """
    last = {line["task"]: line for line in _lines(snapshot) if "task" in line}
    moved = [t for t in marks if t not in last or last[t]["mark"] != marks[t]]
    moved += [t for t in last if t not in marks and last[t]["answers"]]
    now: dict[int, list[Record]] = {task: [] for task in moved}
    for answer in backend.answers_to(project, moved):
        now[answer.task].append(asdict(answer))
    lines = []
    for task, answers in sorted(now.items()):
        if not answers and task not in last:  # they were deleted since it was listed
            continue
        key = answers[0]["key"] if answers else last[task]["key"]
        line = {"task": task, "key": key, "mark": marks.get(task, ""), "answers": answers}
        lines.append(line)
    _add(snapshot, lines)


def note_altered(snapshot: Snapshot, found: Mapping[str, Sequence[str]], until: str) -> None:
    """Write down which tasks, by key, show something else than was pushed, and what differs."""
    _add(snapshot, [{"key": key, "altered": found[key], "until": until} for key in found])


def altered(snapshot: Snapshot) -> dict[str, Altered]:
    """By key, the tasks that looks found so; of several times the last one."""
    lines = (line for line in _lines(snapshot) if "altered" in line)
    return {line["key"]: Altered(line["altered"], line["until"]) for line in lines}


def known(snapshot: Snapshot) -> dict[Name, Record]:
    """The last version of each answer that was its author's own word, whether it is still there.

    An answer that turns up in another task than the one it was seen in was moved there. One that
    is first seen after its task was altered may be about what that showed.
    """
    found: dict[Name, Record] = {}
    place: dict[int, str] = {}
    until: dict[str, str] = {}
    for line in _lines(snapshot):
        if "altered" in line:
            until[line["key"]] = line["until"]
        for record in line.get("answers", ()):
            name = record["key"], record["annotation"]
            first = place.setdefault(record["annotation"], record["key"])
            seen_right = first == record["key"] and not authors.misled(record, until.get(name[0]))
            if seen_right and authors.own(found.get(name), record):
                found[name] = record
    return found


def latest(snapshot: Snapshot) -> dict[Name, Record]:
    """Every answer as the last look saw it."""
    lines = {line["task"]: line for line in _lines(snapshot) if "task" in line}
    records = (record for line in lines.values() for record in line["answers"])
    return {(record["key"], record["annotation"]): record for record in records}


def _lines(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """The lines in order; half a line, which a kill has left, is none."""
    file = path(snapshot)
    if not file.exists():
        return
    for text in file.read_bytes().split(b"\n"):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        yield line


def _add(snapshot: Snapshot, lines: Iterable[Mapping[str, Any]]) -> None:
    """Add lines to the file."""
    texts = [json.dumps(x, sort_keys=True, ensure_ascii=False, allow_nan=False) for x in lines]
    if texts:
        _append(path(snapshot), "".join(f"{text}\n" for text in texts).encode())


def _append(file: Path, data: bytes) -> None:
    """Add to a file; whoever looks at the same time adds before or behind."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "a+b", opener=_private) as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, end - 1))
            broken = stream.read(1) not in (b"", b"\n")
            stream.write(b"\n" * broken + data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise DataError(
            f"cannot write {file}: wanted {len(data)} bytes more, got {error.strerror or error};"
            " free some space or mend the folder, then run the same command again"
        ) from error


def _private(file: str, flags: int) -> int:
    return os.open(file, flags, 0o600)
