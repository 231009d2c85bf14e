"""What names a campaign in Label Studio and MLflow, the same in every clone.

It is the beginning of the first commit's id. A shallow clone has another commit as its first one,
so `campaign.json` holds the key as well. Where the first commit is there, the two are compared:
nobody can give a campaign the key of another one, and have what is done to its tasks done there.
"""

import re
from pathlib import Path

from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.identity_record import Identity
from labelcycle.errors import DataError, StateError

DIGITS = 12
KEY = re.compile(f"[0-9a-f]{{{DIGITS}}}")


def of(root: Path) -> str:
    """The key of the campaign in `root`, 12 hex digits.

    Raises StateError in a shallow clone of a campaign without campaign.json, and DataError for a
    key that is not the campaign's.
    """
    campaign = Campaign(root)
    recorded = _recorded(campaign)
    if git.shallow(root):
        if recorded is None:
            raise StateError(
                f"{root} is a shallow clone, and {campaign.identity.name} is missing: wanted the"
                " first commit or this file, which name the campaign; run `git fetch --unshallow"
                " --tags`, then `labelcycle init .`"
            )
        return recorded
    first = [commit[:DIGITS] for commit in git.first_commits(root)]
    if recorded is None:
        return first[-1]
    if recorded not in first:
        raise DataError(
            f"{campaign.identity}: wanted the key {first[-1]!r}, as the first commit has it, got"
            f" {recorded!r}, which names another campaign; restore it with `git checkout`"
        )
    return recorded


def record(campaign: Campaign) -> None:
    """Write campaign.json unless it is there."""
    if not campaign.identity.exists():
        Identity(of(campaign.root)).write(campaign.identity)


def _recorded(campaign: Campaign) -> str | None:
    if not campaign.identity.exists():
        return None
    key = Identity.read(campaign.identity).key
    if not KEY.fullmatch(key):
        raise DataError(
            f"{campaign.identity}: key: wanted {DIGITS} hex digits, got {key!r:.60}; restore it"
            " with `git checkout`"
        )
    return key


def in_words(text: str) -> tuple[str, ...]:
    """What campaign.json says, as a place that somebody has to confirm in a shallow clone."""
    return (f"the campaign {' '.join(text.split())[:100]}",) if text.strip() else ()
