"""What whoever keeps the campaign decided on corrections: `rounds/decisions.jsonl`.

A decision names one version of one answer: if that is changed once more, it is asked anew.
"""

import datetime
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from labelcycle.campaign.store import read_jsonl, write_jsonl
from labelcycle.rounds import corrections
from labelcycle.rounds.corrections import Correction
from labelcycle.rounds.snapshots import Snapshot

Decision = Literal["accept", "reject"]


def path(snapshot: Snapshot) -> Path:
    """The file, which the commits of rounds hold."""
    return snapshot.campaign.rounds / "decisions.jsonl"


def read(snapshot: Snapshot) -> dict[str, Decision]:
    """The decision on each version; the last one counts."""
    file = path(snapshot)
    return {r["version"]: r["decision"] for r in read_jsonl(file)} if file.exists() else {}


def undecided(snapshot: Snapshot) -> list[Correction]:
    """The changes that were recorded, wait, and were not decided on since."""
    decided = read(snapshot)
    return [c for c in corrections.waiting(snapshot) if c.version not in decided]


def write(snapshot: Snapshot, changes: Iterable[Correction], decision: Decision) -> None:
    """Add the same decision on several changes."""
    file = path(snapshot)
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    made = [
        {
            "version": change.version,
            "decision": decision,
            "at": at,
            "round": change.round,
            "key": change.key,
            "annotation": change.annotation,
            "what": change.what,
            "by": change.by,
            "of": change.of,
        }
        for change in changes
    ]
    write_jsonl(file, [*(read_jsonl(file) if file.exists() else ()), *made])
