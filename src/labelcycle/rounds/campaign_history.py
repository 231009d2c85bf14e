"""What a campaign asked, was told and accepted so far, as one value to compute from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from labelcycle.campaign import round_states
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.core.class_migrations import Table
from labelcycle.rounds import answers, pushed_tasks
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.corrections import PulledRound
from labelcycle.rounds.snapshots import Snapshot


@dataclass(frozen=True)
class AskedRound:
    """The tasks of a round, by rank; picked_by : the strategy that picked its samples."""

    number: int
    picked_by: str
    tasks: tuple[PushedTask, ...]


@dataclass(frozen=True)
class History:
    """What a campaign asked, was told and accepted so far.

    number : of the round at work
    rounds : those that asked people, in order
    answers : all that count, in the class names of now
    labels : the latest word on each sample of the pool and of the hold-out
    labelled_before : samples of which an earlier round's file has an accepted label
    truth : the known class of samples whose label was owned before round 0
    table : what earlier class names count as
    """

    number: int
    rounds: tuple[AskedRound, ...] = ()
    answers: tuple[CountedAnswer, ...] = ()
    labels: Mapping[str, Label] = field(default_factory=dict)
    labelled_before: frozenset[str] = frozenset()
    truth: Mapping[str, str] = field(default_factory=dict)
    table: Table = field(default_factory=dict)

    @cached_property
    def tasks(self) -> dict[str, PushedTask]:
        """Every task, by key, in the order of rounds and ranks."""
        return {task.key: task for asked in self.rounds for task in asked.tasks}

    @cached_property
    def own_tasks(self) -> tuple[PushedTask, ...]:
        """The tasks of the round at work, by rank."""
        return next((asked.tasks for asked in self.rounds if asked.number == self.number), ())

    @cached_property
    def wanted(self) -> dict[str, int]:
        """How many people were to answer each sample, as `pushed_tasks.people_wanted`."""
        return pushed_tasks.people_wanted(self.tasks.values())


def read(snapshot: Snapshot, pending: PulledRound | None = None) -> History:
    """The history of a campaign up to a snapshot of it.

    pending : stands for the answers of the round at work, before they are written
    """
    records = snapshot.records
    holdout = {label.sample: label for label in records.holdout()}
    counting = sorted(snapshot.lineage.counting)
    earlier = (label for number in counting for label in records.labels_of(number))
    return History(
        number=snapshot.number,
        rounds=tuple(_asked(snapshot, number) for number in pushed_tasks.pushed_rounds(snapshot)),
        answers=tuple(answers.read(snapshot, pending)),
        labels=holdout | records.labels(),
        labelled_before=frozenset(label.sample for label in earlier if label.label is not None),
        truth=truth(records.owned()),
        table=records.table(),
    )


def truth(owned: Iterable[Label]) -> dict[str, str]:
    """The class of each sample whose label was owned before round 0."""
    return {label.sample: label.label for label in owned if label.label is not None}


def _asked(snapshot: Snapshot, number: int) -> AskedRound:
    records = snapshot.records
    picked_by = records.plan(number).strategy
    if records.has(number, round_states.SELECTION):
        picked_by = records.selection(number).picked_by
    return AskedRound(number, picked_by, records.pushed(number).tasks)
