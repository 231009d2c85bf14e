"""`data/cohorts.json`: where images came from, and when."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from labelcycle.campaign.records.record_files import Record


@dataclass(frozen=True)
class Source:
    """What a user gave to `labelcycle ingest`, to be looked at again.

    path : a path relative to the campaign where it is near it, an address, or @LIST
    follow_links : as the user chose
    """

    path: str
    follow_links: bool = False


@dataclass(frozen=True)
class Cohort:
    """The images of one ingest, or of all before the first round was planned.

    at : when the first of them came in, ISO 8601
    sources : paths of the sources they came from
    pool, holdout : how many of them are in each
    """

    number: int
    at: str
    sources: tuple[str, ...]
    pool: int
    holdout: int


@dataclass(frozen=True)
class CohortsRecord(Record):
    """All sources, and the cohorts by number.

    It is written before a cohort's manifest. So an ingest that was killed may leave a last entry
    of a cohort that is not there; the next ingest replaces it.
    """

    sources: tuple[Source, ...] = ()
    cohorts: tuple[Cohort, ...] = ()

    @classmethod
    def read_if_any(cls, path: Path) -> Self:
        """The record in a file; without sources and cohorts before the first ingest."""
        return cls.read(path) if path.exists() else cls()
