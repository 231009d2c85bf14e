"""What is there twice and what is lost: what the server holds against what the files hold."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from faults import people
from faults.rounds import Round
from labelcycle.adapters.annotation.label_studio.labeling_config import labels_and_reason
from labelcycle.campaign import round_states
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.cycle import round_closing
from labelcycle.rounds import corrections, pushed_tasks


@dataclass
class Left:
    """What a trial left, by name.

    duplicates : tasks, answers and corrections that are there twice, people asked beyond those
        wanted, answers and predictions that nobody gave
    lost : tasks, answers and corrections that are nowhere, people wanted who are not asked,
        predictions that nobody sees
    """

    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def compare(self, what: str, wanted: Iterable[object], got: Iterable[object]) -> None:
        """Count what of `got` is beyond `wanted`, and what of `wanted` it lacks."""
        expected, found = Counter(iter(wanted)), Counter(iter(got))
        self.duplicates += [f"{what} {each}" for each in (found - expected).elements()]
        self.lost += [f"{what} {each}" for each in (expected - found).elements()]


class _Said(NamedTuple):
    """An answer, on the server or in a file."""

    key: str
    number: int
    person: str
    labels: tuple[str, ...]
    skipped: bool


def count(round_: Round) -> Left:
    """What is left once the flows have gone on to the next round."""
    left = Left()
    _people_asked(round_, left)
    _shown(round_, left)
    if not round_.closed:
        people.everybody(round_)
        round_.pull(round_.backend())
    people.go_on(round_, asking=False)
    round_.pull(round_.backend())
    _tasks(round_, left)
    _answers(round_, left)
    _corrections(round_, left)
    return left


def _people_asked(round_: Round, left: Left) -> None:
    """Each task of the round is asked of as many more people as are wanted for it."""
    wanted: Counter[str] = Counter()
    asked_: Counter[str] = Counter()
    ended = round_closing.ending(round_.snapshot) is not None
    held = round_.by_key()
    for task in round_.tasks:
        here = held.get(task.key)
        answered = len(here.people) if here else 0
        if not ended:
            wanted[task.key] = max(0, task.wanted - answered)
        if here and here.served:
            asked_[task.key] = max(0, here.overlap - answered)
    left.compare("a person for", wanted.elements(), asked_.elements())


def _shown(round_: Round, left: Left) -> None:
    """Exactly the predictions that are to be seen are in the tasks, and the project shows them."""
    held = {task.id: task for task in round_.held()}
    present = [task for task in round_.tasks if task.task in held]
    shown = [task.key for task in present if task.shown]
    got = [task.key for task in present for _ in range(held[task.task].predictions)]
    left.compare("prediction of", shown, got)
    model = round_.snapshot.records.pushed(round_.number).model
    left.compare("model", [model], [round_.projects()[0]["model_version"]])


def _asked(round_: Round) -> list[tuple[int, PushedTask]]:
    """The tasks of all rounds in the project."""
    numbers = range(1, round_.number + 1)
    return [(n, task) for n in numbers for task in pushed_tasks.tasks(round_.snapshot, n)]


def _tasks(round_: Round, left: Left) -> None:
    """Each key is one task; twins that were answered stay. Unanswered ones may be withdrawn."""
    held = round_.held()
    counts = Counter(task.key for task in held)
    touched = Counter(task.key for task in held if task.people)
    gone = {key for what, key in round_.changed if what == "task deleted"}
    wanted: Counter[str] = Counter()
    for number, task in _asked(round_):
        early = (round_.folder / "rounds" / f"{number:03d}" / round_states.ENDING).exists()
        kept = not early or task.key in round_.given.values()
        if kept and task.key not in gone:
            wanted[task.key] = max(1, touched[task.key])
    left.compare("task", wanted.elements(), counts.elements())


def _answers(round_: Round, left: Left) -> None:
    """What each person said on the server is once in the files of the rounds, as it was said."""
    stored = round_.stored()
    there = [
        _Said(
            key,
            a["id"],
            str(a["completed_by"]),
            labels_and_reason(a["result"])[0],
            a["was_cancelled"],
        )
        for key, a in stored
    ]
    gone = {key for what, key in round_.changed if what == "task deleted"}
    files = [
        _Said(a.key, a.annotation, a.annotator, a.labels, a.skipped)
        for number, a in corrections.corrected(corrections.pulled(round_.snapshot))
        if number and a.key not in gone
    ]
    left.compare("answer", there, files)
    left.compare("answer on the server", round_.given, (answer["id"] for _, answer in stored))
    left.lost += [f"answer {number} when it was read" for number in sorted(round_.missed)]


def _corrections(round_: Round, left: Left) -> None:
    """Each change is told once; an answer that came after the pull of its round was added."""
    numbers = range(1, round_.number + 1)
    records = round_.snapshot.records
    read = {answer.annotation for n in numbers for answer in records.answers(n)}
    added = [("added", number) for number in round_.given if number not in read]
    found = [(c.what, c.annotation or c.key) for n in numbers for c in records.corrections(n)]
    left.compare("correction", [*round_.changed, *added], found)
