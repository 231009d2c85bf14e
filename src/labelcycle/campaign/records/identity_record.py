"""`campaign.json`: what names the campaign, for clones that lack its first commit."""

from dataclasses import dataclass

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class Identity(Record):
    """The key that names a campaign in Label Studio and MLflow; 12 hex digits."""

    key: str
