"""`.labelcycle/read-back.json`: what of the stored data was read back when, on this computer."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from labelcycle.campaign.records.record_files import Record

PREFIXES = tuple(f"{number:02x}" for number in range(256))
"""The first two digits of digests: parts of about the same size, however much there is."""


@dataclass(frozen=True)
class ReadBack(Record):
    """When each part of each place was read back, and what was damaged then.

    A part is all whose digest begins with the same two digits.

    parts : by place and part, when its reading began, ISO 8601
    damaged : by place, what was damaged or missing at the last look; it is read each time
    """

    parts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    damaged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def due(self, place: str, share: float) -> frozenset[str]:
        """A share of the parts of a place: those that were read longest ago, never read first.

        >>> sorted(ReadBack(parts={"cache": dict.fromkeys(PREFIXES[4:], "2026-11-01")}).due(
        ...     "cache", 4 / 256))
        ['00', '01', '02', '03']
        """
        times = self.parts.get(place, {})
        oldest = sorted(PREFIXES, key=lambda part: (times.get(part, ""), part))
        return frozenset(oldest[: math.ceil(share * len(PREFIXES))])

    def since(self, place: str) -> str | None:
        """All of a place was read since then; None if some of it never was."""
        times = self.parts.get(place, {})
        return min(times.values()) if times.keys() >= set(PREFIXES) else None

    def with_read(
        self, place: str, parts: Collection[str], damaged: Collection[str], at: str
    ) -> "ReadBack":
        """The record once some parts of a place were read."""
        times = {**self.parts.get(place, {}), **dict.fromkeys(parts, at)}
        found = {**self.damaged, place: tuple(sorted(damaged))}
        return replace(self, parts={**self.parts, place: times}, damaged=found)
