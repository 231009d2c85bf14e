"""The open round as a table: what waits for people, and answers out of one that was filled in.

For backends without a page. A line is a task; what stands in its column `answer` is one person's.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from labelcycle.adapters import annotation
from labelcycle.adapters.ports import AnnotationProgress, OpenTask, Tabular
from labelcycle.campaign import round_states
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.core import csv_tables, skip_reasons
from labelcycle.core.class_names import composed, meant
from labelcycle.errors import DataError, StateError
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshots import Snapshot

COLUMNS = ("task", "sample", "image", "guess", "answer")
SKIP = "skip"


def text(snapshot: Snapshot) -> str:
    """CSV of the tasks of the open round that want further people, by rank, to be filled in.

    Raises StateError if no round is open, or if people answer on a page.
    """
    shown = _backend(snapshot).shown(_project(snapshot))
    rows = [list(COLUMNS)]
    wanted = {task.task: task.wanted for task in pushed_tasks.tasks(snapshot)}
    for task in _backend(snapshot).open_tasks(_project(snapshot), wanted):
        image, guess = shown[task.id]
        row = (str(task.id), task.sample, _whole(snapshot, image), guess or "", "")
        rows.append([csv_tables.guarded(cell) for cell in row])
    return csv_tables.written(rows)


def progress(snapshot: Snapshot) -> AnnotationProgress:
    """How far people are with the open round."""
    tasks = pushed_tasks.tasks(snapshot)
    wanted = {task.key: task.wanted for task in tasks}
    backend = pushed_tasks.backend(snapshot)
    return backend.progress(_project(snapshot), pushed_tasks.ids(tasks), wanted)


def _project(snapshot: Snapshot) -> int:
    return snapshot.records.pushed(snapshot.number).project


def take(snapshot: Snapshot, file: Path, person: str) -> Counter[str]:
    """How many answers and skips of a person a table held; they are with the backend now.

    An answer is one of the classes, `skip`, or a reason to skip. Lines without one are left out;
    a later table of the same person changes what differs. Raises DataError that names the line
    before anything is taken.
    """
    backend = _backend(snapshot)
    classes = backend.classes(_project(snapshot))
    tasks = {str(task.task): task for task in pushed_tasks.tasks(snapshot)}
    taken: dict[str, tuple[tuple[str, ...], str]] = {}
    for row in csv_tables.read(file, (("task",), ("answer",))):
        number = row.cells["task"].strip()
        word = composed(csv_tables.unguarded(row.cells["answer"].strip()))
        if not word:
            continue
        where = f"{file}: line {row.line}"
        if number not in tasks:
            raise DataError(
                f"{where}: wanted a task of round {snapshot.number}, got {number!r}; fill in what"
                " `labelcycle tasks` prints"
            )
        if number in taken:
            raise DataError(f"{where}: task {number} has an answer above; leave one of them")
        taken[number] = _read(word, classes, where)
    for number, (labels, reason) in taken.items():
        backend.give(_open(tasks[number], snapshot.number), person, labels, reason=reason)
    return Counter("answers" if labels else "skips" for labels, _ in taken.values())


def _read(word: str, classes: tuple[str, ...], where: str) -> tuple[tuple[str, ...], str]:
    """The classes and the reason that a cell names; one of both is empty."""
    if word in classes:
        return (word,), ""
    reasons: Mapping[str, str] = {SKIP: ""} | {name: name for name in skip_reasons.offered(classes)}
    if word not in reasons:
        known = ", ".join(map(repr, (*classes, *reasons)))
        hint = meant(word, classes)
        raise DataError(f"{where}: wanted one of {known}, got {word!r}{hint and f'; {hint}'}")
    return (), reasons[word]


def _open(task: PushedTask, number: int) -> OpenTask:
    return OpenTask(task.task, task.key, task.sample, number)


def _whole(snapshot: Snapshot, image: str) -> str:
    """An image as a person finds it: an address, or the file's whole path."""
    return image if "://" in image else str(snapshot.campaign.root / image)


def _backend(snapshot: Snapshot) -> Tabular:
    if snapshot.state is not State.OPEN:
        raise StateError(
            f"round {snapshot.number} is {snapshot.state}; wanted an open round to answer;"
            f" {round_states.NEXT[snapshot.state]}"
        )
    url = snapshot.records.pushed(snapshot.number).url
    return annotation.able(
        pushed_tasks.backend(snapshot), Tabular, f"people answer at {url}, not in a table"
    )
