"""Groups of samples, which are whole in the hold-out or whole in the pool.

Two samples belong together if they share a group that `ingest.group` names, or if they show nearly
the same picture. So do two that are joined by others.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.core.whole_groups import connected

NamesOf = Callable[[Sample], Iterable[str]]
"""The named groups of a sample."""

SHOWN = 3
"""Groups on both sides that are named."""


@dataclass(frozen=True)
class Sides:
    """On which side groups are.

    count : named groups
    both : names of those that are in the pool and in the hold-out. Samples that show nearly the
        same picture count, too, by the place of one of them
    """

    count: int
    both: tuple[str, ...] = ()

    def summary_line(self) -> str:
        """What it says, in words."""
        groups = counted(self.count, "group")
        if not self.both:
            return f"{groups}, none on both sides"
        more = len(self.both) - SHOWN
        names = ", ".join(map(repr, self.both[:SHOWN]))
        rest = f" and {counted(more, 'other')}" if more > 0 else ""
        return f"{groups}, {len(self.both)} on both sides: {names}{rest}"


def recorded(sample: Sample) -> Iterable[str]:
    """The names that the manifest has."""
    return sample.named_groups


def components(samples: Sequence[Sample]) -> list[str]:
    """Of each sample the key of all that must be on its side: the least of their `picture`.

    >>> one = Sample("1", "000/1.png", "a/1.png", "pool", 4, 3, named_groups=("a",))
    >>> other = Sample("2", "000/2.png", "a/2.png", "pool", 4, 3, named_groups=("a",))
    >>> components([one, other])
    ['1', '1']
    """
    if not any(sample.named_groups for sample in samples):
        return [sample.picture for sample in samples]
    keys = [
        (("picture", sample.picture), *(("name", name) for name in sample.named_groups))
        for sample in samples
    ]
    numbers = connected(keys).tolist()
    least: dict[int, str] = {}
    for number, sample in zip(numbers, samples, strict=True):
        least[number] = min(least.get(number, sample.picture), sample.picture)
    return [least[number] for number in numbers]


def sides(samples: Sequence[Sample], names: NamesOf = recorded) -> Sides | None:
    """On which side the named groups are, and the near twins; None if no sample is in a group."""
    if names is recorded and not any(sample.named_groups for sample in samples):
        return None  # at once, in a campaign of a million samples
    named: dict[str, set[str]] = defaultdict(set)
    twins: dict[str, set[str]] = defaultdict(set)
    place: dict[str, str] = {}
    for sample in samples:
        for name in names(sample):
            named[name].add(sample.split)
        if sample.group:
            twins[sample.group].add(sample.split)
            place.setdefault(sample.group, sample.source)
    if not named:
        return None
    both = [name for name, split in sorted(named.items()) if len(split) > 1]
    both += [place[key] for key, split in sorted(twins.items()) if len(split) > 1]
    return Sides(len(named), tuple(both))
