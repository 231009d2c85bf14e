"""What was changed in answers after they counted, and whose word counts.

Files of closed rounds stay as they are: what differs from them is written to `corrections.jsonl`
of the round that found it, and counts from there on, or waits until somebody accepts it. An answer
is known by its annotation's id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from labelcycle.campaign import round_states
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshots import Snapshot

RecordedAnswer = tuple[int, Answer]
"""An answer, and the number of the round whose file it is in."""


@dataclass(frozen=True)
class PulledRound:
    """What a round recorded, or is about to: the answers that count, and changes of others."""

    number: int
    answers: Sequence[Answer]
    changes: Sequence[Correction]


def watched(snapshot: Snapshot, *, every: bool = False) -> dict[str, tuple[int, PushedTask]]:
    """The tasks of closed rounds in the project of now, and who asked them, by key.

    every : as in `pushed_tasks.pushed_rounds`
    """
    here = pushed_tasks.last_place(snapshot)
    return {
        task.key: (number, task)
        for number in pushed_tasks.pushed_rounds(snapshot, every=every)
        if number < snapshot.number and snapshot.records.pushed(number).place == here
        for task in pushed_tasks.tasks(snapshot, number)
    }


def pulled(snapshot: Snapshot) -> list[PulledRound]:
    """The rounds whose answers are recorded; what a killed pull has left is not."""
    records = snapshot.records
    return [
        PulledRound(number, records.answers(number), records.corrections(number))
        for number in pushed_tasks.pushed_rounds(snapshot)
        if records.has(number, round_states.ANNOTATIONS)
    ]


def corrected(rounds: Iterable[PulledRound]) -> list[RecordedAnswer]:
    """Every answer of these rounds as it counts after them.

    rounds : in order; the one at work may be among them before it is written

    An edit replaces an answer where it stands, and whose it is stays; one that was added is of the
    round that found it. A hold-out task that waits for another answer stands in the files of more
    than one round: the first record of each of its answers counts.
    """
    counting: list[RecordedAnswer] = []
    for pulled_round in rounds:
        counting = _after(counting, pulled_round)
    return counting


def _after(counting: list[RecordedAnswer], pulled_round: PulledRound) -> list[RecordedAnswer]:
    """The answers that count after one more round."""
    number = pulled_round.number
    known = {answer.name for _, answer in counting}
    new = [answer for answer in pulled_round.answers if answer.name not in known]
    changes = {
        (change.key, change.annotation): change
        for change in pulled_round.changes
        if change.state == "counts"
    }
    before = [*counting, *((number, answer) for answer in new)]
    after = [
        (origin, changed)
        for origin, answer in before
        if (changed := _changed(answer, changes)) is not None
    ]
    present = {answer.name for _, answer in after}
    added = [c.after for name, c in changes.items() if c.after and name not in present]
    return [*after, *((number, answer) for answer in added)]


def _changed(answer: Answer, changes: Mapping[tuple[str, int | None], Correction]) -> Answer | None:
    change = changes.get(answer.name)
    if change is None:
        return answer
    return change.after and replace(change.after, annotator=answer.annotator)


def waiting(rounds: Iterable[PulledRound]) -> list[Correction]:
    """The changes that these rounds recorded and that wait; those decided since are among them."""
    last: dict[tuple[str, int | None], Correction] = {}
    for pulled_round in rounds:
        last |= {(change.key, change.annotation): change for change in pulled_round.changes}
    return [change for change in last.values() if change.state == "waits"]
