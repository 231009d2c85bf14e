"""The one door to apprise: a text to one of the addresses in LABELCYCLE_NOTIFY.

An address is a URL as apprise knows them (`mailto://`, `slack://`, `json://`, ...). It holds
secrets, so it is never shown: neither by us nor in what apprise says of a failure.
"""

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from labelcycle.adapters import time_limit
from labelcycle.core.digests import digest
from labelcycle.errors import ServiceDown, SettingsError

VARIABLE = "LABELCYCLE_NOTIFY"

WHOLE_S = 60.0
"""The longest wait for one text to be taken."""

LONGEST = 160
"""Characters kept of what apprise says went wrong."""

PIECE = 3
"""Parts of an address with so many characters are not repeated: any may be a token."""


@dataclass(frozen=True)
class Recipient:
    """Where notices go: its place in LABELCYCLE_NOTIFY, from 1, and the URL."""

    number: int
    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """What people may see of it."""
        scheme, found, _ = self.url.partition("://")
        kind = f" ({scheme})" if found else ""
        return f"address {self.number} of {VARIABLE}{kind}"

    @property
    def key(self) -> str:
        """Digest of the URL: knows the address again wherever it stands."""
        return digest(self.url.encode())


def addresses(environment: Mapping[str, str] | None = None) -> list[Recipient]:
    """The addresses, which are set apart by spaces or line ends; none if the variable is empty."""
    env = os.environ if environment is None else environment
    return [Recipient(number, url) for number, url in enumerate(env.get(VARIABLE, "").split(), 1)]


def send(address: Recipient, title: str, body: str) -> None:
    """Send a text.

    Raises SettingsError if apprise does not understand the address, ServiceDown if the text did
    not get there in time. A text that is late may get there all the same.
    """
    try:
        time_limit.in_time(lambda: _send(address, title, body), WHOLE_S)
    except TimeoutError as error:
        raise ServiceDown(f"{address.name} was not reached ({error})") from error


def _send(address: Recipient, title: str, body: str) -> None:
    import apprise  # a second

    logging.getLogger("apprise").propagate = False  # it would show the address
    asset = apprise.AppriseAsset(
        app_id="labelcycle", app_desc="labelling cycles", app_url="", http_redirects=False
    )
    capture = apprise.LogCapture(level=logging.WARNING, fmt="%(message)s")  # type: ignore[no-untyped-call]
    with capture as log:
        door = apprise.Apprise(asset=asset)
        known = door.add(address.url)
        sent = known and door.notify(body=body, title=title)
        reason = _without_secrets(log.getvalue(), address.url)
    if not known:
        raise SettingsError(
            f"{address.name}: wanted an address that apprise understands ({reason}); see"
            " docs/guides/serve-weekly.md"
        )
    if not sent:
        raise ServiceDown(f"{address.name} was not reached ({reason})")


def _without_secrets(text: str, url: str) -> str:
    """The text in one line, without any part of the address but its scheme."""
    line = " ".join(text.split()) or "no reason given"
    pieces = re.split(r"[:/@?&=#,;+]+", url.partition("://")[2] or url)
    for piece in sorted({p for raw in pieces for p in (raw, unquote_plus(raw))}, key=len)[::-1]:
        if len(piece) >= PIECE:
            line = line.replace(piece, "***")
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
