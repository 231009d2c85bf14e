"""Which notices were told, which wait, and since when nothing moves: `.labelcycle/notices.json`.

A notice is written down before it is sent and struck off afterwards. So a kill repeats the one
that was on its way at most, and an address that does not answer gets its notices later. Only for
the holder of the campaign's lock.
"""

import dataclasses
import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json, read_json
from labelcycle.errors import DataError, LabelcycleError
from labelcycle.notify import sending
from labelcycle.notify.notices import Notice


@dataclass
class Since:
    """Something that lasts: what it is, and from when on (ISO 8601)."""

    what: str = ""
    at: str = ""

    def lasts(self, what: str) -> datetime.timedelta:
        """For how long it has been `what`; zero if it was something else."""
        now = datetime.datetime.now(datetime.UTC)
        began = datetime.datetime.fromisoformat(self.at) if self.at else now
        if what != self.what or began > now:  # a clock that was put back starts anew
            self.what, self.at, began = what, now.isoformat(timespec="seconds"), now
        return now - began


@dataclass
class Waiting:
    """A notice on its way: the keys of the addresses that have it."""

    notice: Notice
    reached: list[str] = field(default_factory=list)


@dataclass
class Outbox:
    """The record of a campaign's notices.

    told : keys of the notices that need no sending any more
    still, failing : what has not moved, and what fails, since when
    """

    told: list[str] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    still: Since = field(default_factory=Since)
    failing: Since = field(default_factory=Since)

    @classmethod
    def read(cls, campaign: Campaign) -> Self | None:
        """The record, None if there never was one. Raises DataError if it cannot be understood."""
        if not campaign.notices.exists():
            return None
        try:
            record: dict[str, Any] = read_json(campaign.notices)
            waiting = [Waiting(Notice(**w["notice"]), w["reached"]) for w in record["waiting"]]
            still, failing = Since(**record["still"]), Since(**record["failing"])
            return cls([str(key) for key in record["told"]], waiting, still, failing)
        except (AttributeError, KeyError, TypeError) as error:
            raise DataError(
                f"{campaign.notices}: wanted the record of the notices sent, got something else;"
                " remove the file, the last ones may then be sent again"
            ) from error

    def write(self, campaign: Campaign) -> None:
        """Write the record; nobody else may read it."""
        record = dump_json(dataclasses.asdict(self)).encode()
        write_bytes(campaign.notices, record, mode=0o600)

    def add(self, notice: Notice) -> None:
        """Have a notice sent, unless it was or will be."""
        if notice.key not in self.told and all(w.notice.key != notice.key for w in self.waiting):
            self.waiting.append(Waiting(notice))

    def deliver(self, campaign: Campaign, show: Callable[[str], None]) -> None:
        """Send what waits, the oldest first, and write the record.

        show : called with a line for each notice sent, and for each address not reached, which
            is left alone until the next time
        """
        self.write(campaign)
        left = sending.addresses()
        for waiting in list(self.waiting):
            for address in list(left):
                if address.key not in waiting.reached and not _sent(waiting, address, show):
                    left.remove(address)
            if all(address.key in waiting.reached for address in sending.addresses()):
                self.waiting.remove(waiting)
                self.told.append(waiting.notice.key)
            self.write(campaign)


def _sent(waiting: Waiting, address: sending.Recipient, show: Callable[[str], None]) -> bool:
    notice = waiting.notice
    try:
        sending.send(address, notice.title, notice.body)
    except LabelcycleError as error:
        show(f"not told yet that {notice.title}: {error}; tried again at the next look")
        return False
    waiting.reached.append(address.key)
    show(f"told {address.name} that {notice.title}")
    return True
