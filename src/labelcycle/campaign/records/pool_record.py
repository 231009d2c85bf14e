"""`data/pool.json`: the cohorts that count in the round at work."""

from collections.abc import Mapping
from dataclasses import dataclass

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class PoolRecord(Record):
    """The cohorts that count, and those that the encoder is trained on.

    cohorts, encoder : from a cohort's number, as `001`, to the digest of its manifest. A sample's
        id is the digest of its bytes, so this is all that a round's images are
    """

    cohorts: Mapping[str, str]
    encoder: Mapping[str, str]
