"""What a round asked of people, as its `pushed.json` keeps it."""

from collections import Counter
from collections.abc import Iterable

from labelcycle.adapters import annotation
from labelcycle.adapters.ports import AnnotationBackend, Display, TaskSpec
from labelcycle.campaign import round_states
from labelcycle.campaign.records.pushed_record import (
    ADJUDICATION,
    GOLD,
    HOLDOUT,
    SELECTED,
    PushedTask,
)
from labelcycle.core.counted_nouns import counted
from labelcycle.rounds.snapshots import Snapshot


def pushed_task(task: TaskSpec, number: int, display: Display) -> PushedTask:
    """The record of a task that was pushed, under the id `number`."""
    prediction = task.prediction
    return PushedTask(
        key=task.key,
        sample=task.sample,
        rank=task.rank,
        task=number,
        kind=task.kind,
        wanted=task.wanted,
        predicted=prediction.label if prediction else None,
        shown=task.shown if prediction else False,
        display=display,
    )


def tasks(snapshot: Snapshot, number: int | None = None) -> tuple[PushedTask, ...]:
    """The tasks of a round (default: the round at work), by rank."""
    return snapshot.records.pushed(snapshot.number if number is None else number).tasks


def ids(tasks: Iterable[PushedTask]) -> dict[str, int]:
    """Task id by key."""
    return {task.key: task.task for task in tasks}


def pushed_rounds(snapshot: Snapshot, *, every: bool = False) -> list[int]:
    """Numbers of the rounds that asked people and whose answers count, the one at work included.

    every : with those whose answers were put apart when they were rolled back
    """
    counting = snapshot.lineage.counting | {snapshot.number}
    numbers = [n for n in range(snapshot.number + 1) if every or n in counting]
    return [n for n in numbers if snapshot.records.has(n, round_states.PUSHED)]


def tasks_by_key(snapshot: Snapshot, *, every: bool = False) -> dict[str, PushedTask]:
    """The tasks of the rounds so far; every : as of `pushed_rounds`."""
    numbers = pushed_rounds(snapshot, every=every)
    return {task.key: task for number in numbers for task in tasks(snapshot, number)}


def last_place(snapshot: Snapshot) -> tuple[str, int] | None:
    """Where people were asked last; None if nobody was asked."""
    numbers = pushed_rounds(snapshot, every=True)
    return snapshot.records.pushed(numbers[-1]).place if numbers else None


def backend(snapshot: Snapshot) -> AnnotationBackend:
    """Where people were asked last, or else are to be asked first.

    `push.backend` may have been changed since: that counts from the next push on.
    """
    last = last_place(snapshot)
    return annotation.of(snapshot.campaign, last[0] if last else snapshot.config.push.backend)


def people_wanted(tasks: Iterable[PushedTask]) -> dict[str, int]:
    """How many people were to answer each sample when it was chosen, by sample.

    tasks : in the order of their rounds

    One that was returned and chosen again counts as then. Adjudication asks for one person more,
    which changes nothing in what was wanted.
    """
    return {task.sample: task.wanted for task in tasks if task.kind in (SELECTED, HOLDOUT)}


def summary_line(tasks: Iterable[PushedTask]) -> str:
    """What waits for annotators, for whoever keeps the campaign, who may know of each kind."""
    counts = Counter(task.kind for task in tasks)
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
    return f"{counted(counts[SELECTED], 'sample')}{listed}"
