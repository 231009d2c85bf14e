"""On which side new samples have to be, and those that can be on none.

A sample is on the side of its named groups. A group without a side goes where a near twin of one of
its samples is, and to the hold-out if there are twins on both sides. Whoever then shows nearly the
same picture as a sample of the other side cannot be one, for no group is torn.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labelcycle.campaign.sample_files import Sample
from labelcycle.core.whole_groups import connected

Twins = Mapping[str, Sequence[str]]
"""From the id of a new sample to what near twins share, `picture`: the campaign's, or a new one."""

WORDS = {"pool": "in the pool", "holdout": "in the hold-out"}


@dataclass(frozen=True)
class _Unit:
    """New samples of the same named groups; sides : of the old samples in these."""

    members: Sequence[Sample]
    sides: frozenset[str]


def torn(old: Sequence[Sample], new: Sequence[Sample], twins: Twins) -> dict[str, str]:
    """Why some of the new samples cannot be on any side, by id.

    old : samples that have a split, which stays
    """
    of_picture: dict[str, list[Sample]] = defaultdict(list)
    for sample in old:
        of_picture[sample.picture].append(sample)
    refused: dict[str, str] = {}
    units = []
    for unit in _units(old, new):
        if len(unit.sides) > 1:
            refused |= {sample.id: _told_group(sample) for sample in unit.members}
        else:
            units.append(unit)
    side = _sides(units, twins, of_picture)
    pictures: dict[str, list[Sample]] = defaultdict(list)
    for sample in (sample for unit in units for sample in unit.members):
        near = [twin for key in twins.get(sample.id, ()) for twin in of_picture[key]]
        beside = {twin.split for twin in near}
        if len(beside) > 1 or beside - {side[sample.id]}:
            refused[sample.id] = _told_twins(sample, near, side[sample.id])
        else:
            pictures[_picture(sample, twins)].append(sample)
    for members in pictures.values():
        held = [sample for sample in members if side[sample.id] == "holdout"]
        for sample in members:
            if held and side[sample.id] == "pool":
                refused[sample.id] = (
                    f"shows nearly the same picture as {held[0].source!r}, whose group is in the"
                    f" hold-out, and its own group{_named(sample)} is in the pool"
                )
    return refused


def _units(old: Sequence[Sample], new: Sequence[Sample]) -> Iterable[_Unit]:
    everyone = [*old, *new]
    numbers = connected([sample.named_groups for sample in everyone]).tolist()
    members: dict[int, list[Sample]] = defaultdict(list)
    sides: dict[int, set[str]] = defaultdict(set)
    for number, sample in zip(numbers, old, strict=False):
        sides[number].add(sample.split)
    for number, sample in zip(numbers[len(old) :], new, strict=True):
        members[number].append(sample)
    return [_Unit(each, frozenset(sides[number])) for number, each in members.items()]


def _sides(
    units: Sequence[_Unit], twins: Twins, of_picture: Mapping[str, Sequence[Sample]]
) -> dict[str, str]:
    """The side of each new sample; empty where it is drawn."""
    side = {s.id: next(iter(unit.sides), "") for unit in units for s in unit.members}
    undecided = [unit for unit in units if not unit.sides]
    beside: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        for sample in unit.members:
            key = _picture(sample, twins)
            beside[key] |= {side[sample.id]} - {""}
            for each in twins.get(sample.id, ()):
                beside[key] |= {twin.split for twin in of_picture.get(each, ())}
    keys = [{_picture(sample, twins) for sample in unit.members} for unit in undecided]
    found: dict[int, set[str]] = defaultdict(set)
    numbers = connected(keys).tolist()
    for number, pictures in zip(numbers, keys, strict=True):
        found[number].update(*(beside[key] for key in pictures))
    for number, unit in zip(numbers, undecided, strict=True):
        chosen = min(found[number], default="")  # "holdout" is before "pool"
        side |= dict.fromkeys((sample.id for sample in unit.members), chosen)
    return side


def _picture(sample: Sample, twins: Twins) -> str:
    """What it shares with the new samples that show nearly the same."""
    return min(twins.get(sample.id, ()), default=sample.id)


def _named(sample: Sample) -> str:
    return f" {', '.join(map(repr, sample.named_groups))}" if sample.named_groups else ""


def _told_group(sample: Sample) -> str:
    return (
        f"its group{_named(sample)} is in the pool and in the hold-out, since ingest.group was set"
        " or changed after images of it came in"
    )


def _told_twins(sample: Sample, near: Sequence[Sample], side: str) -> str:
    by_side = {twin.split: twin.source for twin in reversed(near)}
    if len(by_side) > 1:
        return (
            f"shows nearly the same picture as {by_side['pool']!r}, which is in the pool, and as"
            f" {by_side['holdout']!r}, which is in the hold-out"
        )
    ((other, source),) = by_side.items()
    return (
        f"shows nearly the same picture as {source!r}, which is {WORDS[other]}, and its own"
        f" group{_named(sample)} is {WORDS[side]}"
    )
