"""Whether an open round is closed though not every task of it is done, and what is said of it."""

import datetime
from collections.abc import Mapping
from typing import Any

from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign import round_states
from labelcycle.rounds.snapshots import Snapshot


def passed(snapshot: Snapshot) -> bool:
    """True if the open round is older than `close.deadline_hours`; False without a deadline."""
    hours = snapshot.config.close.deadline_hours
    if hours is None:
        return False
    opened = datetime.datetime.fromisoformat(snapshot.record(round_states.PUSHED)["pushed"])
    return (datetime.datetime.now(datetime.UTC) - opened).total_seconds() >= 3600 * hours


def quorum(snapshot: Snapshot, done: AnnotationProgress) -> bool:
    """True if `close.quorum` of the round's tasks, those of the hold-out among them, are done."""
    return done.answered + done.skipped >= snapshot.config.close.quorum * done.tasks


def told(metrics: Mapping[str, Any]) -> str:
    """A line on how a round was closed early; empty if it was not, or by an earlier version."""
    ways = {"deadline": "closed by its deadline", "incomplete": "closed before it was complete"}
    way = ways.get(metrics.get("ended", ""))
    if not way or "undone" not in metrics:
        return ""
    return f"{way}, with {metrics['undone']} of {metrics['tasks']} tasks undone"
