"""Whether an open round is closed though not every task of it is done, and what is said of it."""

import datetime

from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.records.metrics_record import Metrics
from labelcycle.core.counted_nouns import counted
from labelcycle.rounds.snapshots import Snapshot


def passed(snapshot: Snapshot) -> bool:
    """True if the open round is older than `close.deadline_hours`; False without a deadline."""
    hours = snapshot.config.close.deadline_hours
    if hours is None:
        return False
    opened = datetime.datetime.fromisoformat(snapshot.records.pushed(snapshot.number).pushed)
    return (datetime.datetime.now(datetime.UTC) - opened).total_seconds() >= 3600 * hours


def quorum(snapshot: Snapshot, progress: AnnotationProgress) -> bool:
    """True if `close.quorum` of the round's tasks, those of the hold-out among them, are done."""
    return progress.done_tasks >= snapshot.config.close.quorum * progress.tasks


def summary_line(metrics: Metrics) -> str:
    """A line on how a round was closed early; empty if it was not."""
    ways = {"deadline": "closed by its deadline", "incomplete": "closed before it was complete"}
    way = ways.get(metrics.ended)
    return f"{way}, with {metrics.undone} of {counted(metrics.tasks, 'task')} undone" if way else ""
