"""The backend wakes `collect`: a receiver beside the served flows, its webhook kept in place.

Only a wake-up: what it starts asks the backend itself, and regular looks come anyway.
"""

import contextlib
import ipaddress
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from labelcycle import config
from labelcycle.adapters import annotation, webhook_receiver
from labelcycle.adapters.ports import Calling
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import (
    LabelcycleError,
    ServiceDown,
    ServiceRefused,
    SettingsError,
    StateError,
)
from labelcycle.rounds import snapshots
from labelcycle_flows.debounce import Waker
from labelcycle_flows.scheduled_looks import Looks


@dataclass(frozen=True)
class ReceiverAddress:
    """Where the receiver is: the address that the backend calls, and where we listen for it."""

    url: str
    host: str
    port: int


def receiver_address(url: str, listen: str | None = None) -> ReceiverAddress:
    """The receiver's place: where it was told, and nowhere else.

    url : address at which the backend reaches this program. One by number is listened on; one by
        name may be any of this computer's networks, so all of them are
    listen : HOST:PORT, if it is not to be found from `url`, as behind a proxy

    Raises SettingsError if either cannot be read.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
        if not host:
            raise ValueError("no host")
        if listen:
            interface, colon, number = listen.rpartition(":")
            if not colon:
                raise ValueError("no HOST:")
            interface = interface.removeprefix("[").removesuffix("]")
            return ReceiverAddress(url, _number(interface) or interface, int(number))
    except (KeyError, ValueError) as error:
        raise SettingsError(
            "the receiver's place: wanted an address such as http://127.0.0.1:8090/ and HOST:PORT,"
            f" got {url!r} and {listen!r} ({error})"
        ) from error
    return ReceiverAddress(url, _number(host) or "0.0.0.0", port)


def _number(host: str) -> str | None:
    """A host's address by number if its text says it, in whatever way; None for a name."""
    if host == "localhost" or host.endswith(".localhost"):
        return "127.0.0.1"
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(host))
    with contextlib.suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))  # 127.1, 0x7f000001
    return None


@contextlib.contextmanager
def received(root: Path, looks: Looks, where: ReceiverAddress, every_s: float) -> Iterator[None]:
    """Webhooks start looks at the campaign in `root` while the block lasts.

    The secret is a new one each time, known to the backend alone. Raises ToolFailed if the
    port cannot be had, StateError if the backend calls nobody.
    """
    campaign = Campaign(root)
    with contextlib.suppress(ServiceDown, ServiceRefused):  # one that is away may come
        calling(campaign, config.load(campaign.params, parts=False).push.backend)
    secret, over = secrets.token_urlsafe(32), threading.Event()
    with (
        Waker(looks.start) as waker,
        webhook_receiver.listening(waker.knock, secret, where.host, where.port),
    ):
        arguments = (campaign, where.url, secret, every_s, over)
        keeper = threading.Thread(target=_keep, args=arguments, name="webhook", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join()


def _keep(campaign: Campaign, url: str, secret: str, every_s: float, over: threading.Event) -> None:
    """Keep the webhook in place until `over`, then remove it; say what is new about that."""
    told = ""
    while True:
        try:
            name, project = _project(campaign)
            calling(campaign, name).keep_webhook(project, url, secret)
            news = f"{annotation.title(name)} wakes us at {url}"
        except LabelcycleError as error:
            news = f"no webhook yet: {error}"
        if news != told:
            click.echo(news)
            told = news
        if over.wait(every_s):
            break
    try:
        name, project = _project(campaign)
        calling(campaign, name).remove_webhook(project)
    except LabelcycleError as error:
        click.echo(f"the webhook to {url} stays: {error}")


def _project(campaign: Campaign) -> tuple[str, int]:
    """Backend and project pushed to last. Raises StateError before anything was pushed."""
    found = snapshots.last_push(campaign)
    if found is None:
        raise StateError("the campaign has no project to be called about; round 0 makes it")
    return found


def calling(campaign: Campaign, name: str) -> Calling:
    """The backend `name` as one that calls us. Raises StateError if it calls nobody."""
    backend = annotation.of(campaign, name)
    return annotation.able(backend, Calling, "`serve --webhook`: nobody would call")
