"""Whether an open round is closed though not every task of it is done."""

import datetime

from labelcycle import rounds
from labelcycle.cycle.standing import Standing
from labelcycle.ports import Progress


def passed(standing: Standing) -> bool:
    """True if the open round is older than `close.deadline_hours`; False without a deadline."""
    hours = standing.config.close.deadline_hours
    if hours is None:
        return False
    opened = datetime.datetime.fromisoformat(standing.record(rounds.PUSHED)["pushed"])
    return datetime.datetime.now(datetime.UTC) - opened >= datetime.timedelta(hours=hours)


def quorum(standing: Standing, done: Progress) -> bool:
    """True if `close.quorum` of the round's tasks, those of the hold-out among them, are done."""
    return done.answered + done.skipped >= standing.config.close.quorum * done.tasks
