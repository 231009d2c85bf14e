"""What a round asked of people, as its `pushed.json` keeps it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from labelcycle.adapters import annotation
from labelcycle.adapters.ports import AnnotationBackend, Display, Kind, TaskSpec
from labelcycle.campaign import round_states
from labelcycle.rounds.snapshots import Snapshot

SELECTED: Kind = "selected"
HOLDOUT: Kind = "holdout"
GOLD: Kind = "gold"
ADJUDICATION: Kind = "adjudication"


@dataclass(frozen=True)
class Asked:
    """One task of a round.

    task : id in the annotation backend; rank : order in which tasks are served
    wanted : how many different people are to answer it
    predicted : the class that the model of the time gave the sample, None if there was none
    shown : whether annotators saw it
    display : all that the task shows them; empty where an earlier version pushed it
    """

    key: str
    sample: str
    rank: int
    task: int
    kind: Kind = SELECTED
    wanted: int = 1
    predicted: str | None = None
    shown: bool = False
    display: Display = field(default_factory=dict)

    @classmethod
    def of(cls, task: TaskSpec, number: int, display: Display) -> Self:
        """A task as it was pushed, under the id `number`."""
        given = task.prediction
        label, shown = (given.label, task.shown) if given else (None, False)
        return cls(
            task.key, task.sample, task.rank, number, task.kind, task.wanted, label, shown, display
        )

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Self:
        """A task from its record; an earlier version only knew whether it is of the hold-out."""
        fields = dict(record)
        if fields.pop("holdout", False):
            fields["kind"] = HOLDOUT
        return cls(**fields)


def tasks(snapshot: Snapshot, number: int | None = None) -> list[Asked]:
    """The tasks of a round (default: the round at work), by rank."""
    return [Asked.read(record) for record in snapshot.record(round_states.PUSHED, number)["tasks"]]


def ids(asked: Iterable[Asked]) -> dict[str, int]:
    """Task id by key."""
    return {task.key: task.task for task in asked}


def pushed_rounds(snapshot: Snapshot) -> list[int]:
    """Numbers of the rounds that asked people, the one at work included."""
    numbers = range(snapshot.number + 1)
    return [n for n in numbers if (snapshot.campaign.round(n) / round_states.PUSHED).exists()]


def place(snapshot: Snapshot, number: int) -> tuple[str, int]:
    """Where a round asked people: the name of the backend, and the project there."""
    record = snapshot.record(round_states.PUSHED, number)
    return str(record["backend"]), int(record["project"])


def last_place(snapshot: Snapshot) -> tuple[str, int] | None:
    """Where people were asked last; None if nobody was asked."""
    numbers = pushed_rounds(snapshot)
    return place(snapshot, numbers[-1]) if numbers else None


def backend(snapshot: Snapshot) -> AnnotationBackend:
    """Where people were asked last, or else are to be asked first.

    `push.backend` may have been changed since: that counts from the next push on.
    """
    last = last_place(snapshot)
    return annotation.of(snapshot.campaign, last[0] if last else snapshot.config.push.backend)


def wanted(snapshot: Snapshot) -> dict[str, int]:
    """How many people were to answer each sample when it was chosen, by sample.

    One that was returned and chosen again counts as then. Adjudication asks for one person more,
    which changes nothing in what was wanted.
    """
    return {
        task.sample: task.wanted
        for number in pushed_rounds(snapshot)
        for task in tasks(snapshot, number)
        if task.kind in (SELECTED, HOLDOUT)
    }


def told(asked: Iterable[Asked]) -> str:
    """What waits for annotators, for whoever keeps the campaign, who may know of each kind."""
    counts = Counter(task.kind for task in asked)
    more = [
        f"{counts[kind]} {words}"
        for kind, words in (
            (ADJUDICATION, "to be settled"),
            (GOLD, "with a known class"),
            (HOLDOUT, "of the hold-out"),
        )
        if counts[kind]
    ]
    listed = "".join(f", {text}" for text in more[:-1]) + "".join(f" and {t}" for t in more[-1:])
    return f"{counts[SELECTED]} samples{listed}"
