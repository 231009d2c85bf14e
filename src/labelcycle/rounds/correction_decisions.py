"""What whoever keeps the campaign decided on corrections: `rounds/decisions.jsonl`."""

from collections.abc import Iterable

from labelcycle.campaign.records.correction_record import Correction, DecidedCorrection, Decision
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.rounds import corrections
from labelcycle.rounds.snapshots import Snapshot, present_time


def read(snapshot: Snapshot) -> dict[str, Decision]:
    """The decision on each correction, by its id; the last one counts."""
    return {decided.correction: decided.decision for decided in snapshot.records.decisions()}


def undecided(snapshot: Snapshot) -> list[Correction]:
    """The changes that were recorded, wait, and were not decided on since."""
    decided = read(snapshot)
    waiting = corrections.waiting(corrections.pulled(snapshot))
    return [change for change in waiting if change.id not in decided]


def write(snapshot: Snapshot, changes: Iterable[Correction], decision: Decision) -> None:
    """Add the same decision on several changes."""
    at = present_time()
    added = [
        DecidedCorrection(
            correction=change.id,
            decision=decision,
            at=at,
            round=change.round,
            key=change.key,
            annotation=change.annotation,
            what=change.what,
            by=change.by,
            of=change.of,
        )
        for change in changes
    ]
    write_lines(snapshot.campaign.decisions, [*snapshot.records.decisions(), *added])
