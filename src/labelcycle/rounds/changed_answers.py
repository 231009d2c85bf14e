"""What a look at Label Studio makes of answers: which count, which were changed and by whom.

An answer counts as its author gave it. What somebody else wrote, deleted or put in another
person's name waits until it is accepted (`authors.own`, `correction_decisions`), and so does what
may have been said of another image (`altered_tasks`); till then the last version counts that was
its author's own, if one is known: of closed rounds from their files, of the open one from the
journal of the looks. What once waited does so until somebody decides.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from labelcycle.adapters.ports import AnnotationBackend
from labelcycle.campaign import round_states
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import (
    UNKNOWN,
    ChangeKind,
    Correction,
    CorrectionState,
    Decision,
)
from labelcycle.rounds import (
    answer_journal,
    authors,
    correction_decisions,
    corrections,
    pushed_tasks,
)
from labelcycle.rounds.answer_journal import Name
from labelcycle.rounds.corrections import PulledRound
from labelcycle.rounds.snapshots import Snapshot


@dataclass(frozen=True)
class Compared:
    """What there is, against what is known.

    changes : all, those too that wait or were rejected
    answers : what counts of the tasks of the round at work, and of late ones
    """

    changes: list[Correction]
    answers: list[Answer]

    def pending(self, snapshot: Snapshot) -> PulledRound:
        """What is written: no change that was rejected, none that waits as it did before."""
        waiting = {change.id for change in corrections.waiting(corrections.pulled(snapshot))}
        changes = [
            change
            for change in self.changes
            if change.state == "counts" or (change.state == "waits" and change.id not in waiting)
        ]
        return PulledRound(snapshot.number, self.answers, changes)


def compare(
    snapshot: Snapshot,
    backend: AnnotationBackend,
    pulled_answers: Iterable[Answer],
    still_open: Collection[str] = (),
) -> Compared:
    """How `pulled_answers`, every answer there is now, differ from what is known.

    still_open : keys of tasks of closed rounds that wait for answers; a new one is no correction

    A task that is gone is told once.
    """
    closed = {key: (n, task.task) for key, (n, task) in corrections.watched(snapshot).items()}
    at_work = _at_work(snapshot)
    tasks = {**closed, **at_work}
    rounds = corrections.pulled(snapshot)
    recorded = (answer for _, answer in corrections.corrected(rounds))
    known = {answer.name: answer for answer in recorded if answer.key in closed}
    journal = answer_journal.read(snapshot)
    known |= {name: answer for name, answer in journal.known.items() if answer.key in at_work}
    present = {answer.name: answer for answer in pulled_answers if answer.key in tasks}

    silent = {key for key, _ in known} - {key for key, _ in present}
    told = {c.key for r in rounds for c in r.changes if c.annotation is None}
    gone = _gone(snapshot, backend, silent - told)
    lost = gone | (told & silent)
    changes = [Correction(tasks[key][0], key, None, "task deleted") for key in gone]
    touched = _touched(snapshot, backend, tasks, known.keys() - present.keys(), lost)
    numbers = {key: number for key, (number, _) in tasks.items() if key not in lost}
    decided = correction_decisions.read(snapshot)
    waited = {change.id for change in corrections.waiting(rounds) if change.misled}
    until = {key: task.until for key, task in journal.altered.items()}
    for change, trusted in _changes(numbers, known, present, touched, until, waited):
        plain = change.key in at_work or (change.what == "added" and change.key in still_open)
        if not (trusted and plain):
            changes.append(_decided(change, trusted, decided))
    answers = _counting(known, present, changes, at_work, still_open, lost)
    return Compared(sorted(changes, key=lambda c: (c.round, c.key, c.annotation or 0)), answers)


def seen(snapshot: Snapshot) -> list[Correction]:
    """What the looks so far saw changed by others in the round at work, and nobody decided on."""
    numbers = {key: number for key, (number, _) in _at_work(snapshot).items()}
    journal = answer_journal.read(snapshot)
    until = {key: task.until for key, task in journal.altered.items()}
    changes = _changes(numbers, journal.known, journal.latest, {}, until, ())
    decided = correction_decisions.read(snapshot)
    return [c for c, trusted in changes if not trusted and c.id not in decided]


def _changes(
    numbers: Mapping[str, int],
    known: Mapping[Name, Answer],
    present: Mapping[Name, Answer],
    touched: Mapping[str, str | None],
    until: Mapping[str, str],
    waited: Collection[str],
) -> Iterator[tuple[Correction, bool]]:
    """Every difference, and whether it is the author's own, of what was pushed.

    numbers : round by key; what is of other tasks is left out
    until : by key, moment up to which a task may have shown something else
    waited : ids of changes whose authors were misled in an earlier round
    """
    known_key = {annotation: key for key, annotation in known}
    for key, annotation in sorted(known.keys() | present.keys()):
        before, after = known.get((key, annotation)), present.get((key, annotation))
        kind = _kind(before, after)
        if kind is None or key not in numbers:
            continue
        moved = known_key.get(annotation, key) != key
        by = UNKNOWN if moved else authors.by(after, touched.get(key))
        change = Correction(numbers[key], key, annotation, kind, before, after, by)
        trusted = authors.own(before, after) and not moved
        if trusted and after:
            misled = authors.misled(after, until.get(key)) or change.id in waited
            change = replace(change, misled=True, by=UNKNOWN) if misled else change
            trusted = not misled
        yield change, trusted


def _at_work(snapshot: Snapshot) -> dict[str, tuple[int, int]]:
    """Round and task by key, of the round at work; none once its answers are recorded."""
    number, records = snapshot.number, snapshot.records
    asked = records.has(number, round_states.PUSHED)
    if not asked or records.has(number, round_states.ANNOTATIONS):
        return {}
    return {task.key: (number, task.task) for task in records.pushed(number).tasks}


def _kind(before: Answer | None, after: Answer | None) -> ChangeKind | None:
    if before is None:
        return "added"
    if after is None:
        return "deleted"
    return None if authors.same(before, after) else "edited"


def _decided(change: Correction, trusted: bool, decided: Mapping[str, Decision]) -> Correction:
    """The change with its state; a decision counts for what is its author's own, too."""
    states: dict[Decision, CorrectionState] = {"accept": "counts", "reject": "rejected"}
    if change.id in decided:
        return replace(change, state=states[decided[change.id]])
    return replace(change, state="counts" if trusted else "waits")


def _counting(
    known: Mapping[Name, Answer],
    present: Mapping[Name, Answer],
    changes: Iterable[Correction],
    at_work: Collection[str],
    late: Collection[str],
    lost: Collection[str],
) -> list[Answer]:
    """The answers that count, of the round's own tasks and of those that are still open.

    What is recorded of the latter already is not repeated where somebody else changed it.
    """
    put_off = {(c.key, c.annotation) for c in changes if c.state != "counts"}
    counting = []
    for name in sorted(known.keys() | present.keys()):
        key, before, after = name[0], known.get(name), present.get(name)
        if key not in at_work and key not in late:
            continue
        if name in put_off or key in lost:
            chosen = before if key in at_work else None
        elif after and before and key in at_work:
            chosen = replace(after, annotator=before.annotator)
        else:
            chosen = after
        counting += [chosen] if chosen else []
    return sorted(counting, key=lambda answer: (answer.task, answer.annotation))


def _gone(snapshot: Snapshot, backend: AnnotationBackend, silent: set[str]) -> set[str]:
    """Those of `silent`, tasks that lost all their answers, that are no longer there."""
    if not silent:
        return set()
    return silent - backend.pushed(snapshot.key, f"{snapshot.key}/").keys()


def _touched(
    snapshot: Snapshot,
    backend: AnnotationBackend,
    tasks: Mapping[str, tuple[int, int]],
    missing: Iterable[Name],
    lost: Collection[str],
) -> dict[str, str | None]:
    """By key, who did the last thing to the tasks from which an answer went."""
    ids = {key: tasks[key][1] for key, _ in missing if key not in lost}
    place = pushed_tasks.last_place(snapshot)
    return backend.touched(place[1], ids) if ids and place else {}
