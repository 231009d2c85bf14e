"""What people changed in the answers of closed rounds, found when a later round closes.

Files of closed rounds stay as they are: what differs from them is written to `corrections.jsonl`
of the round that found it, and counts from there on. An answer is known by its annotation's id.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from labelcycle import rounds
from labelcycle.cycle import asked
from labelcycle.cycle.asked import Asked
from labelcycle.cycle.standing import Standing
from labelcycle.ports import AnnotationBackend, Answer
from labelcycle.store import read_jsonl

What = Literal["edited", "added", "deleted", "task deleted"]
Record = dict[str, Any]
"""An answer as a line of `annotations.jsonl` has it."""

COUNTS = ("labels", "skipped", "reason")
"""What of an answer counts: where these are as they were, nothing was changed.

Not whose it is: Label Studio forgets that of all answers of an account that is removed.
"""


@dataclass(frozen=True)
class Correction:
    """One change of the answers to a task of a closed round.

    round : the round that asked the task
    annotation : None if the whole task was deleted: its answers then go on counting
    before, after : the answer, None where there is none
    """

    round: int
    key: str
    annotation: int | None
    what: What
    before: Record | None = None
    after: Record | None = None


def watched(standing: Standing) -> dict[str, tuple[int, Asked]]:
    """The tasks of closed rounds in this round's project, and who asked them, by key."""
    project = standing.record(rounds.PUSHED)["project"]
    return {
        task.key: (number, task)
        for number in asked.pushed_rounds(standing)
        if number < standing.number and standing.record(rounds.PUSHED, number)["project"] == project
        for task in asked.tasks(standing, number)
    }


def find(
    standing: Standing,
    backend: AnnotationBackend,
    given: Iterable[Answer],
    still_open: Collection[str],
) -> list[Correction]:
    """How `given`, every answer there is now, differs from what is recorded of the closed rounds.

    still_open : keys of tasks of closed rounds that wait for answers; a new one is no correction

    A task that is gone is told once.
    """
    asking = {key: number for key, (number, _) in watched(standing).items()}
    known = {(r["key"], r["annotation"]): r for r in corrected(standing) if r["key"] in asking}
    now = {(a.key, a.annotation): asdict(a) for a in given if a.key in asking}
    silent = {key for key, _ in known} - {key for key, _ in now}
    told = {c.key for n in _pulled(standing) for c in read(standing, n) if c.annotation is None}
    gone = _gone(standing, backend, silent - told)
    lost = gone | (told & silent)
    found = [Correction(asking[key], key, None, "task deleted") for key in gone]
    for key, annotation in known.keys() | now.keys():
        before, after = known.get((key, annotation)), now.get((key, annotation))
        what = _what(before, after)
        late = what == "added" and key in still_open
        if what and not late and key not in lost:
            before = before and {name: before[name] for name in before if name != "round"}
            found.append(Correction(asking[key], key, annotation, what, before, after))
    return sorted(found, key=lambda c: (c.round, c.key, c.annotation or 0))


def _what(before: Record | None, after: Record | None) -> What | None:
    if before is None:
        return "added"
    if after is None:
        return "deleted"
    # a tuple here is a list in the file
    same = all(_plain(before[name]) == _plain(after[name]) for name in COUNTS)
    return None if same else "edited"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _gone(standing: Standing, backend: AnnotationBackend, silent: set[str]) -> set[str]:
    """Those of `silent`, tasks that lost all their answers, that are no longer there."""
    if not silent:
        return set()
    return silent - backend.pushed(standing.key, f"{standing.key}/").keys()


# --- what is recorded ----------------------------------------------------------------------


def read(standing: Standing, number: int | None = None) -> list[Correction]:
    """What a round (default: the one at work) found changed; an earlier version did not look."""
    folder = standing.campaign.round(standing.number if number is None else number)
    path = folder / rounds.CORRECTIONS
    return [Correction(**record) for record in read_jsonl(path)] if path.exists() else []


def corrected(standing: Standing) -> list[Record]:
    """Every answer of the campaign so far as it counts now, with the `round` whose file it is in.

    An edit replaces an answer where it stands, and whose it is stays; one that was added is of the
    round that found it. A hold-out task that waits for another answer stands in the files of more
    than one round: the first record of each of its answers counts.
    """
    found: list[Record] = []
    for number in _pulled(standing):
        records = read_jsonl(standing.campaign.round(number) / rounds.ANNOTATIONS)
        known = {(record["key"], record["annotation"]) for record in found}
        new = (r for r in records if (r["key"], r["annotation"]) not in known)
        found += [{**record, "round": number} for record in new]
        changes = {(c.key, c.annotation): c for c in read(standing, number)}
        found = [now for old in found if (now := _changed(old, changes))]
        found += [
            {**c.after, "round": number} for c in changes.values() if c.after and not c.before
        ]
    return found


def _changed(record: Record, changes: dict[tuple[str, int | None], Correction]) -> Record | None:
    change = changes.get((record["key"], record["annotation"]))
    if change is None:
        return record
    if change.after is None:
        return None
    return {**change.after, "annotator": record["annotator"], "round": record["round"]}


def _pulled(standing: Standing) -> list[int]:
    """Numbers of the rounds whose answers are recorded; what a killed pull has left is not."""
    numbers = asked.pushed_rounds(standing)
    return [n for n in numbers if (standing.campaign.round(n) / rounds.ANNOTATIONS).exists()]
