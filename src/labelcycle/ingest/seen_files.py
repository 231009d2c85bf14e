"""Which files were looked at, and what they were: one that did not change is not read again.

Kept by this computer alone. Without it, or for another's files, all are read once more.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.errors import DataError


@dataclass(frozen=True, slots=True)
class SeenFile:
    """A file as it was when it was looked at.

    mark : what changes when the file does: size and time of change, or S3's ETag
    content : the digest of its bytes, as an id
    sample : id of the sample that shows its picture
    """

    mark: str
    content: str
    sample: str


def mark_of(path: Path) -> str:
    """Size and time of change of a file; empty where they cannot be had."""
    try:
        status = path.stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


def read(campaign: Campaign) -> dict[str, SeenFile]:
    """What was seen, by the place of each file."""
    try:
        found = read_json(campaign.seen)
        return {place: SeenFile(*map(str, each)) for place, each in found.items()}
    except (DataError, AttributeError, TypeError, ValueError):
        return {}


def forget(campaign: Campaign, samples: Collection[str]) -> None:
    """Forget the files that showed some samples, by their ids."""
    found = read(campaign)
    kept = {p: each for p, each in found.items() if not {each.content, each.sample} & {*samples}}
    if kept != found:
        _write(campaign, kept)


def add(campaign: Campaign, seen: Mapping[str, SeenFile]) -> None:
    """Write down what was seen, beside what was seen before."""
    _write(campaign, {**read(campaign), **seen})


def _write(campaign: Campaign, seen: Mapping[str, SeenFile]) -> None:
    # without spaces for people: Python takes ten times as long over those
    text = json.dumps({p: (each.mark, each.content, each.sample) for p, each in seen.items()})
    write_bytes(campaign.seen, text.encode(), mode=0o600, durable=False)
