"""Whether an open round is closed though not every task of it is done."""

import datetime
from collections.abc import Mapping

from labelcycle import rounds
from labelcycle.cycle.standing import Standing


def passed(standing: Standing) -> bool:
    """True if the open round is older than `close.deadline_hours`; False without a deadline."""
    hours = standing.config.close.deadline_hours
    if hours is None:
        return False
    opened = datetime.datetime.fromisoformat(standing.record(rounds.PUSHED)["pushed"])
    return datetime.datetime.now(datetime.UTC) - opened >= datetime.timedelta(hours=hours)


def quorum(standing: Standing, done: Mapping[str, int]) -> bool:
    """True if `close.quorum` of the tasks are done; done : `ports.Progress` as a mapping."""
    return done["answered"] + done["skipped"] >= standing.config.close.quorum * done["tasks"]
