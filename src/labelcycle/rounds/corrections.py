"""What was changed in answers after they counted, and whose word counts.

Files of closed rounds stay as they are: what differs from them is written to `corrections.jsonl`
of the round that found it, and counts from there on, or waits until somebody accepts it. An answer
is known by its annotation's id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from labelcycle.campaign import round_states
from labelcycle.campaign.store import digest, dump_json, read_jsonl
from labelcycle.rounds import authors, pushed_tasks
from labelcycle.rounds.authors import Record
from labelcycle.rounds.pushed_tasks import Asked
from labelcycle.rounds.snapshots import Snapshot

What = Literal["edited", "added", "deleted", "task deleted"]
State = Literal["counts", "waits", "rejected"]


@dataclass(frozen=True)
class Correction:
    """One change of the answers to a task.

    round : the round that asked the task
    annotation : None if the whole task was deleted: its answers then go on counting
    before, after : the answer, None where there is none
    by : who did it; `authors.UNKNOWN` if Label Studio does not tell
    state : whether it counts; what is not its author's own word waits until it is accepted
    misled : it is, but the task may have shown something else; `by` is then who changed that
    """

    round: int
    key: str
    annotation: int | None
    what: What
    before: Record | None = None
    after: Record | None = None
    by: str = authors.UNKNOWN
    state: State = "counts"
    misled: bool = False

    @property
    def version(self) -> str:
        """What names this change; another one, if the answer is changed once more."""
        said = (
            {k: self.after[k] for k in ("labels", "skipped", "annotator", "editor")}
            if (self.after)
            else None
        )
        return digest(dump_json([self.key, self.annotation, said]).encode())[:8]

    @property
    def of(self) -> str:
        """Whose answer was changed, or made up."""
        return str((self.before or self.after or {"annotator": authors.UNKNOWN})["annotator"])


@dataclass(frozen=True)
class Pending:
    """What the round at work is about to write of corrections and answers."""

    changes: Sequence[Correction]
    answers: Sequence[Record]


def watched(snapshot: Snapshot) -> dict[str, tuple[int, Asked]]:
    """The tasks of closed rounds in the project of now, and who asked them, by key."""
    here = pushed_tasks.last_place(snapshot)
    return {
        task.key: (number, task)
        for number in pushed_tasks.pushed_rounds(snapshot)
        if number < snapshot.number and pushed_tasks.place(snapshot, number) == here
        for task in pushed_tasks.tasks(snapshot, number)
    }


def read(snapshot: Snapshot, number: int | None = None) -> list[Correction]:
    """What a round (default: the one at work) found changed."""
    folder = snapshot.campaign.round(snapshot.number if number is None else number)
    path = folder / round_states.CORRECTIONS
    return [Correction(**record) for record in read_jsonl(path)] if path.exists() else []


def corrected(snapshot: Snapshot, pending: Pending | None = None) -> list[Record]:
    """Every answer of the campaign so far as it counts now, with the `round` whose file it is in.

    pending : stands for the files of the round at work, before they are written

    An edit replaces an answer where it stands, and whose it is stays; one that was added is of the
    round that found it. A hold-out task that waits for another answer stands in the files of more
    than one round: the first record of each of its answers counts.
    """
    found: list[Record] = []
    for number in pulled(snapshot):
        found = _next(found, number, _answers(snapshot, number), read(snapshot, number))
    if pending:
        found = _next(found, snapshot.number, pending.answers, pending.changes)
    return found


def _next(
    found: list[Record],
    number: int,
    records: Iterable[Record],
    changes: Iterable[Correction],
) -> list[Record]:
    """The answers that count after one more round."""
    known = {(record["key"], record["annotation"]) for record in found}
    new = [r for r in records if (r["key"], r["annotation"]) not in known]
    made = {(c.key, c.annotation): c for c in changes if c.state == "counts"}
    found = [*found, *({**record, "round": number} for record in new)]
    found = [now for old in found if (now := _changed(old, made))]
    there = {(record["key"], record["annotation"]) for record in found}
    added = [c.after for name, c in made.items() if c.after and name not in there]
    return [*found, *({**after, "round": number} for after in added)]


def _changed(record: Record, changes: dict[tuple[str, int | None], Correction]) -> Record | None:
    change = changes.get((record["key"], record["annotation"]))
    if change is None:
        return record
    if change.after is None:
        return None
    return {**change.after, "annotator": record["annotator"], "round": record["round"]}


def _answers(snapshot: Snapshot, number: int) -> list[Record]:
    return list(read_jsonl(snapshot.campaign.round(number) / round_states.ANNOTATIONS))


def pulled(snapshot: Snapshot) -> list[int]:
    """Numbers of the rounds whose answers are recorded; what a killed pull has left is not."""
    numbers = pushed_tasks.pushed_rounds(snapshot)
    return [n for n in numbers if (snapshot.campaign.round(n) / round_states.ANNOTATIONS).exists()]


def waiting(snapshot: Snapshot) -> list[Correction]:
    """The changes that were recorded so far, and wait; those decided since are among them."""
    last: dict[tuple[str, int | None], Correction] = {}
    for number in pulled(snapshot):
        last |= {(c.key, c.annotation): c for c in read(snapshot, number)}
    return [change for change in last.values() if change.state == "waits"]


def as_records(changes: Iterable[Correction]) -> list[dict[str, Any]]:
    """The lines of `corrections.jsonl`."""
    return [asdict(change) for change in changes]
