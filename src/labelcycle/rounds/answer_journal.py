"""The answers of the open round as the looks saw them, in `.labelcycle/answers/NNN.jsonl`.

Until a round is closed its answers are in Label Studio alone. A look writes the tasks in which
something is new to this file, a line each with all answers of the task, and removes nothing. So an
answer that was seen is not lost with the project, and one that somebody else overwrote is known as
its author gave it. A task that showed something else than was pushed has a line, too: what a look
reads of it from there on may have been said of that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelcycle.adapters.ports import AnnotationBackend
from labelcycle.campaign.json_files import append_jsonl
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.journal_record import AlteredTask, SeenTask
from labelcycle.campaign.records.record_files import Record
from labelcycle.rounds import authors
from labelcycle.rounds.snapshots import Snapshot

Name = tuple[str, int]
"""Key of the task and id of the annotation."""


@dataclass(frozen=True)
class Journal:
    """What looks saw.

    altered : by key, the tasks that showed something else than was pushed; of several times the
        last one
    known : the last version of each answer that was its author's own word, whether it is still
        there
    last : each task as the last look saw it, by id
    """

    altered: Mapping[str, AlteredTask]
    known: Mapping[Name, Answer]
    last: Mapping[int, SeenTask]

    @property
    def latest(self) -> dict[Name, Answer]:
        """Every answer as the last look saw it."""
        return {answer.name: answer for task in self.last.values() for answer in task.answers}


def path(snapshot: Snapshot) -> Path:
    """The file of the round at work."""
    return snapshot.campaign.answers / f"{snapshot.number:03d}.jsonl"


def note(
    snapshot: Snapshot, backend: AnnotationBackend, project: int, marks: Mapping[int, str]
) -> None:
    """Write down what is new in the tasks of the round at work.

    marks : as in `AnnotationProgress`, of the tasks that somebody has answered
    """
    last = read(snapshot).last
    moved = [t for t in marks if t not in last or last[t].mark != marks[t]]
    moved += [t for t in last if t not in marks and last[t].answers]
    present: dict[int, list[Answer]] = {task: [] for task in moved}
    for answer in backend.answers_to(project, moved):
        present[answer.task].append(answer)
    lines = []
    for task, answers in sorted(present.items()):
        if not answers and task not in last:  # they were deleted since it was listed
            continue
        key = answers[0].key if answers else last[task].key
        lines.append(SeenTask(task, key, marks.get(task, ""), tuple(answers)))
    _add(snapshot, lines)


def note_altered(snapshot: Snapshot, differences: Mapping[str, Sequence[str]], until: str) -> None:
    """Write down which tasks, by key, show something else than was pushed, and what differs."""
    _add(snapshot, [AlteredTask(key, tuple(names), until) for key, names in differences.items()])


def read(snapshot: Snapshot) -> Journal:
    """What the looks at the round at work saw so far."""
    lines = snapshot.records.journal(path(snapshot))
    return Journal(
        altered={line.key: line for line in lines if isinstance(line, AlteredTask)},
        known=_own_words(lines),
        last={line.task: line for line in lines if isinstance(line, SeenTask)},
    )


def _own_words(lines: Iterable[SeenTask | AlteredTask]) -> dict[Name, Answer]:
    """The last version of each answer that was its author's own word.

    An answer that turns up in another task than the one it was seen in was moved there. One that
    is first seen after its task was altered may be about what that showed.
    """
    versions: dict[Name, Answer] = {}
    first_key: dict[int, str] = {}
    until: dict[str, str] = {}
    for line in lines:
        if isinstance(line, AlteredTask):
            until[line.key] = line.until
            continue
        for answer in line.answers:
            first = first_key.setdefault(answer.annotation, answer.key)
            seen_right = first == answer.key and not authors.misled(answer, until.get(answer.key))
            if seen_right and authors.own(versions.get(answer.name), answer):
                versions[answer.name] = answer
    return versions


def _add(snapshot: Snapshot, lines: Iterable[Record]) -> None:
    """Add lines to the file, which its owner alone may read."""
    append_jsonl(path(snapshot), (line.to_json() for line in lines), mode=0o600)
