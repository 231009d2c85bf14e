"""The record of a campaign's services: what runs where, and the secrets made for them.

It is `.labelcycle/services.json`, mode 0600, and bound to its folder: in a copy of the folder it
names no services, for those are the original's.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labelcycle.adapters import private_folder
from labelcycle.adapters.local.processes import Process
from labelcycle.adapters.local.server_programs import LABEL_STUDIO_DATABASE
from labelcycle.campaign import json_files
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json
from labelcycle.errors import DataError


@dataclass(frozen=True)
class Service:
    """One service: where this computer reaches it, where others do, and its process."""

    name: str
    title: str
    address: str
    public: str
    pid: int
    created: float
    log: str

    @property
    def process(self) -> Process:
        """The server's process."""
        return Process(self.pid, self.created)


def read(campaign: Campaign) -> dict[str, Any]:
    """The record, or an empty one; in a copied folder without services.

    Raises DataError if it cannot be understood, StateError if it may be somebody else's.
    """
    private_folder.check_record(campaign)
    if not campaign.services.exists():
        return {"services": {}}
    record = json_files.read_json(campaign.services)
    try:
        for entry in record["services"].values():
            Service(**entry)
    except (TypeError, KeyError, AttributeError) as error:
        raise DataError(
            f"{campaign.services}: wanted the record of running services, got something else;"
            " stop the servers by hand, remove the file and run `labelcycle up`"
        ) from error
    return {**record, "services": {}} if _copied(campaign, record) else dict(record)


def copied(campaign: Campaign) -> bool:
    """True if the folder is a copy of one whose services are recorded in it."""
    if not campaign.services.exists():
        return False
    record = json_files.read_json(campaign.services)
    return bool(record.get("services")) and _copied(campaign, record)


def _copied(campaign: Campaign, record: Mapping[str, Any]) -> bool:
    return bool(record.get("folder") != _folder(campaign))


def write(campaign: Campaign, record: dict[str, Any]) -> None:
    """Write the record, bound to this folder."""
    campaign.private.mkdir(private_folder.FOLDER, parents=True, exist_ok=True)
    record["folder"] = _folder(campaign)
    write_bytes(campaign.services, dump_json(record).encode(), mode=private_folder.FILE)


def _folder(campaign: Campaign) -> int:
    """What a folder keeps when it is moved and a copy of it does not have: its number on disk."""
    return campaign.private.stat().st_ino


def services(record: Mapping[str, Any]) -> dict[str, Service]:
    """The services recorded, running or not, by name."""
    return {name: Service(**entry) for name, entry in record["services"].items()}


def secret_of(campaign: Campaign, record: dict[str, Any], name: str) -> None:
    """Make the secrets of service `name`, once for all, if it has any."""
    if name == "label_studio" and "token" not in record:
        # a database that outlived its record keeps its old account: a new name gets in again
        known = (campaign.label_studio / LABEL_STUDIO_DATABASE).exists()
        login = f"admin-{secrets.token_hex(3)}" if known else "admin"
        record |= {
            "login": f"{login}@localhost",
            "password": secrets.token_urlsafe(9),
            "token": secrets.token_hex(20),
        }
        write(campaign, record)
    elif name == "prefect" and "prefect" not in record:
        record["prefect"] = f"labelcycle:{secrets.token_urlsafe(16)}"
        write(campaign, record)
