"""What a look at Label Studio makes of answers: which count, which were changed and by whom.

An answer counts as its author gave it. What somebody else wrote, deleted or put in another
person's name waits until it is accepted (`authors.own`, `correction_decisions`), and so does what
may have been said of another image (`altered_tasks`); till then the last version counts that was
its author's own, if one is known: of closed rounds from their files, of the open one from the
journal of the looks. What once waited does so until somebody decides.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from labelcycle.adapters.ports import AnnotationBackend, Answer
from labelcycle.campaign import round_states
from labelcycle.rounds import (
    answer_journal,
    authors,
    correction_decisions,
    corrections,
    pushed_tasks,
)
from labelcycle.rounds.answer_journal import Name
from labelcycle.rounds.authors import Record
from labelcycle.rounds.corrections import Correction, Pending, State, What
from labelcycle.rounds.snapshots import Snapshot


@dataclass(frozen=True)
class Compared:
    """What there is, against what is known.

    changes : all, those too that wait or were rejected
    answers : what counts of the tasks of the round at work, and of late ones
    """

    changes: list[Correction]
    answers: list[Record]

    def pending(self, snapshot: Snapshot) -> Pending:
        """What is written: no change that was rejected, none that waits as it did before."""
        told = {change.version for change in corrections.waiting(snapshot)}
        return Pending(
            [
                c
                for c in self.changes
                if c.state == "counts" or (c.state == "waits" and c.version not in told)
            ],
            self.answers,
        )


def compare(
    snapshot: Snapshot,
    backend: AnnotationBackend,
    given: Iterable[Answer],
    still_open: Collection[str] = (),
) -> Compared:
    """How `given`, every answer there is now, differs from what is known.

    still_open : keys of tasks of closed rounds that wait for answers; a new one is no correction

    A task that is gone is told once.
    """
    closed = {key: (n, task.task) for key, (n, task) in corrections.watched(snapshot).items()}
    own = _own(snapshot)
    asking = {**closed, **own}
    known = {_name(r): r for r in corrections.corrected(snapshot) if r["key"] in closed}
    known |= {name: r for name, r in answer_journal.known(snapshot).items() if name[0] in own}
    now = {(a.key, a.annotation): asdict(a) for a in given if a.key in asking}

    silent = {key for key, _ in known} - {key for key, _ in now}
    told = {c.key for n in corrections.pulled(snapshot) for c in _lost(snapshot, n)}
    gone = _gone(snapshot, backend, silent - told)
    lost = gone | (told & silent)
    found = [Correction(asking[key][0], key, None, "task deleted") for key in gone]
    touched = _touched(snapshot, backend, asking, known.keys() - now.keys(), lost)
    numbers = {key: number for key, (number, _) in asking.items() if key not in lost}
    decided = correction_decisions.read(snapshot)
    waited = {change.version for change in corrections.waiting(snapshot) if change.misled}
    until = {key: found.until for key, found in answer_journal.altered(snapshot).items()}
    for change, trusted in _changes(numbers, known, now, touched, until, waited):
        plain = change.key in own or (change.what == "added" and change.key in still_open)
        if not (trusted and plain):
            found.append(_decided(change, trusted, decided))
    answers = _counting(known, now, found, own, still_open, lost)
    return Compared(sorted(found, key=lambda c: (c.round, c.key, c.annotation or 0)), answers)


def seen(snapshot: Snapshot) -> list[Correction]:
    """What the looks so far saw changed by others in the round at work, and nobody decided on."""
    numbers = {key: number for key, (number, _) in _own(snapshot).items()}
    until = {key: found.until for key, found in answer_journal.altered(snapshot).items()}
    known, latest = answer_journal.known(snapshot), answer_journal.latest(snapshot)
    changes = _changes(numbers, known, latest, {}, until, ())
    decided = correction_decisions.read(snapshot)
    return [c for c, trusted in changes if not trusted and c.version not in decided]


def _changes(
    numbers: Mapping[str, int],
    known: Mapping[Name, Record],
    now: Mapping[Name, Record],
    touched: Mapping[str, str | None],
    until: Mapping[str, str],
    waited: Collection[str],
) -> Iterator[tuple[Correction, bool]]:
    """Every difference, and whether it is the author's own, of what was pushed.

    numbers : round by key; what is of other tasks is left out
    until : by key, moment up to which a task may have shown something else
    waited : versions whose authors were misled in an earlier round
    """
    place = {annotation: key for key, annotation in known}
    for key, annotation in sorted(known.keys() | now.keys()):
        before, after = known.get((key, annotation)), now.get((key, annotation))
        what = _what(before, after)
        if what is None or key not in numbers:
            continue
        moved = place.get(annotation, key) != key
        by = authors.UNKNOWN if moved else authors.by(after, touched.get(key))
        before = before and {n: before[n] for n in before if n != "round"}
        change = Correction(numbers[key], key, annotation, what, before, after, by)
        trusted = authors.own(before, after) and not moved
        if trusted and after:
            misled = authors.misled(after, until.get(key)) or change.version in waited
            change = replace(change, misled=True, by=authors.UNKNOWN) if misled else change
            trusted = not misled
        yield change, trusted


def _own(snapshot: Snapshot) -> dict[str, tuple[int, int]]:
    """Round and task by key, of the round at work; none once its answers are recorded."""
    if snapshot.number not in pushed_tasks.pushed_rounds(snapshot):
        return {}
    if (snapshot.folder / round_states.ANNOTATIONS).exists():
        return {}
    return {task.key: (snapshot.number, task.task) for task in pushed_tasks.tasks(snapshot)}


def _name(record: Record) -> Name:
    return record["key"], record["annotation"]


def _what(before: Record | None, after: Record | None) -> What | None:
    if before is None:
        return "added"
    if after is None:
        return "deleted"
    return None if authors.same(before, after) else "edited"


def _decided(change: Correction, trusted: bool, decided: dict[str, Any]) -> Correction:
    """The change with its state; a decision counts for what is its author's own, too."""
    usual: State = "counts" if trusted else "waits"
    states: dict[str, State] = {"accept": "counts", "reject": "rejected"}
    state = states.get(decided.get(change.version, ""), usual)
    return Correction(**{**vars(change), "state": state})


def _counting(
    known: dict[Name, Record],
    now: dict[Name, Record],
    found: Iterable[Correction],
    own: Collection[str],
    late: Collection[str],
    lost: Collection[str],
) -> list[Record]:
    """The answers that count, of the round's own tasks and of those that are still open.

    What is recorded of the latter already is not repeated where somebody else changed it.
    """
    put_off = {(c.key, c.annotation) for c in found if c.state != "counts"}
    counting = []
    for name in sorted(known.keys() | now.keys()):
        key, before, after = name[0], known.get(name), now.get(name)
        if key not in own and key not in late:
            continue
        if name in put_off or key in lost:
            chosen = before if key in own else None
        elif after and before and key in own:
            chosen = {**after, "annotator": before["annotator"]}
        else:
            chosen = after
        counting += [chosen] if chosen else []
    return sorted(counting, key=lambda record: (record["task"], record["annotation"]))


def _lost(snapshot: Snapshot, number: int) -> list[Correction]:
    return [c for c in corrections.read(snapshot, number) if c.annotation is None]


def _gone(snapshot: Snapshot, backend: AnnotationBackend, silent: set[str]) -> set[str]:
    """Those of `silent`, tasks that lost all their answers, that are no longer there."""
    if not silent:
        return set()
    return silent - backend.pushed(snapshot.key, f"{snapshot.key}/").keys()


def _touched(
    snapshot: Snapshot,
    backend: AnnotationBackend,
    asking: dict[str, tuple[int, int]],
    missing: Iterable[Name],
    lost: Collection[str],
) -> dict[str, str | None]:
    """By key, who did the last thing to the tasks from which an answer went."""
    tasks = {key: asking[key][1] for key, _ in missing if key not in lost}
    last = pushed_tasks.last_place(snapshot)
    return backend.touched(last[1], tasks) if tasks and last else {}
