"""`data/withdrawn.json`: the samples that were withdrawn, and what stands for what held them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Self

from labelcycle.campaign.records.record_files import Record

GONE = ""
"""Stands for an object that nothing replaces."""

MD5 = 32
"""Digits of DVC's digests; labelcycle's own are shorter, and name no object."""


@dataclass(frozen=True)
class Tombstone:
    """A withdrawn sample: what stays of it, so that it never comes back.

    pixels : digest of its pixels, by which the same picture in another file is known; may be empty
    at : when, ISO 8601
    round : the round at work then; is_open : it was open, so it was planned with the sample
    done : all that held the sample was removed
    """

    sample: str
    pixels: str
    at: str
    reason: str
    split: Literal["pool", "holdout"]
    cohort: int
    round: int
    is_open: bool
    done: bool = False

    def planned_into(self, number: int, cohorts: int) -> bool:
        """Whether the sample was part of a round when that was planned, with so many cohorts."""
        return self.cohort < cohorts and number < self.round + self.is_open


@dataclass(frozen=True)
class WithdrawnRecord(Record):
    """All withdrawn samples.

    replaced : from a digest, labelcycle's or DVC's, of what held a withdrawn sample to the digest
        of the same without it; `GONE` if nothing is left
    """

    samples: tuple[Tombstone, ...] = ()
    replaced: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read_if_any(cls, path: Path) -> Self:
        """The record in a file; an empty one where there is none."""
        return cls.read(path) if path.exists() else cls()

    @property
    def by_id(self) -> dict[str, Tombstone]:
        """The tombstones by id of the sample."""
        return {each.sample: each for each in self.samples}

    @property
    def unfinished(self) -> tuple[Tombstone, ...]:
        """Those whose removal is still at work, as after a kill."""
        return tuple(each for each in self.samples if not each.done)

    @property
    def objects(self) -> dict[str, str]:
        """Of `replaced` what DVC keeps."""
        return {old: new for old, new in self.replaced.items() if len(old) >= MD5}

    def now(self, digest: str) -> str:
        """The digest that is to be found in place of a recorded one."""
        return self.replaced.get(digest, digest)

    def of_round(self, number: int, cohorts: int) -> tuple[Tombstone, ...]:
        """The samples that a round was planned with and that are gone.

        cohorts : how many counted in it
        """
        return tuple(each for each in self.samples if each.planned_into(number, cohorts))

    def with_samples(self, tombstones: Iterable[Tombstone]) -> Self:
        """The record with further tombstones, or with these in the place of older ones."""
        return replace(self, samples=(*(self.by_id | {t.sample: t for t in tombstones}).values(),))

    def with_replaced(self, replaced: Mapping[str, str]) -> Self:
        """The record with further replacements, new ones alone; earlier ones lead to their end.

        >>> WithdrawnRecord(replaced={"a": "b"}).with_replaced({"b": "c"}).replaced
        {'a': 'c', 'b': 'c'}
        """
        before = {old: replaced.get(new, new) for old, new in self.replaced.items()}
        return replace(self, replaced={**before, **replaced})
