"""The one webhook of a campaign: Label Studio tells the receiver that an answer came or went."""

from typing import Any
from urllib.parse import urlsplit

from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local.server_programs import WAKE
from labelcycle.adapters.webhook_receiver import HEADER
from labelcycle.errors import ServiceRefused

EVENTS = (
    "ANNOTATION_CREATED",
    "ANNOTATIONS_CREATED",
    "ANNOTATION_UPDATED",
    "ANNOTATIONS_DELETED",
)

BANNED = "reserved network address"
"""What Label Studio says of an address that its guard bans."""


def keep(api: LabelStudioApi, project: int, url: str, secret: str) -> None:
    """Make the project's one webhook to us what it must be, if it is not.

    Ours is known by the name of its header, whatever its address was. Raises ServiceDown or
    ServiceRefused, which says how to let Label Studio's guard against private addresses pass it.
    """
    host = urlsplit(url).hostname or ""
    if "." not in host and host != "localhost":
        raise ServiceRefused(
            f"Label Studio takes no webhook to {url}: wanted a host name with a dot or a number,"
            f" got {host!r}; give the receiver such a name"
        )
    wanted = {
        "url": url,
        "headers": {HEADER: secret},
        "actions": list(EVENTS),
        "is_active": True,
        "send_for_all_actions": False,
        "send_payload": False,  # it would not be read
    }
    ours = _ours(api, project)
    for twin in ours[1:]:
        _delete(api, twin.id)
    if ours and all(_plain(getattr(ours[0], name)) == _plain(wanted[name]) for name in wanted):
        return
    try:
        if ours:
            api.call("changing the webhook", lambda sdk: sdk.webhooks.update(ours[0].id, **wanted))
        else:
            new = {"project": project, **wanted}
            api.call("making the webhook", lambda sdk: sdk.webhooks.create(**new))
    except ServiceRefused as error:
        if BANNED not in str(error):
            raise
        raise ServiceRefused(
            f"Label Studio at {api.url} sends no webhooks to {url}: its guard (SSRF_PROTECTION_"
            "ENABLED) bans addresses of private networks; `labelcycle down` and `labelcycle up`"
            f" start one that may call http://{WAKE} of this computer, for another one see"
            " docs/guides/own-services.md"
        ) from error


def remove(api: LabelStudioApi, project: int) -> None:
    """Remove the project's webhook, so that no answer waits for a receiver that is gone."""
    for webhook in _ours(api, project):
        _delete(api, webhook.id)


def _ours(api: LabelStudioApi, project: int) -> list[Any]:
    found = api.call(
        "listing the webhooks", lambda sdk: sdk.webhooks.list(project=str(project)), project
    )
    return sorted((w for w in found if HEADER in (w.headers or {})), key=lambda w: int(w.id))


def _delete(api: LabelStudioApi, webhook: int) -> None:
    api.call("removing a webhook", lambda sdk: sdk.webhooks.delete(webhook))


def _plain(value: Any) -> Any:
    """A value as it is compared: events in any order."""
    return sorted(value) if isinstance(value, list) else value
