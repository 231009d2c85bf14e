"""Which samples are held out: drawn at random, once, groups whole."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from labelcycle.campaign.sample_files import Sample
from labelcycle.campaign.sample_groups import components
from labelcycle.core import whole_groups
from labelcycle.errors import SettingsError

Splits = dict[str, str]
"""From a sample's id to "pool" or "holdout"."""


def split(
    before: Mapping[str, Sample],
    samples: Sequence[Sample],
    holdout: int,
    rng: np.random.Generator,
) -> list[Sample]:
    """The samples with their split: the new ones' drawn at random, those of a group together.

    A new sample of a group that has a split already gets that, of two the hold-out. Of named groups
    each is as likely in the hold-out, whatever its size, and so many are drawn that the hold-out
    has `holdout` samples on average. One group is drawn at least. A group of more than half of the
    samples is never drawn, and no group with which the hold-out would be more than half.

    holdout : samples that the hold-out is filled up to; of those without a split at most half are
        drawn

    Raises SettingsError if a first hold-out would be more than half.
    """
    old = [replace(s, split=before[s.id].split) for s in samples if s.id in before]
    given, groups = _given(old, [sample for sample in samples if sample.id not in before])
    given.update((sample.id, sample.split) for sample in old)
    free = len(samples) - len(given)
    wanted = max(holdout - sum(split == "holdout" for split in given.values()), 0)
    if not before and wanted > free // 2:
        raise SettingsError(
            f"params.yaml: ingest.holdout: wanted at most {free // 2}, half of the {free}"
            f" images, got {wanted}; lower it or ingest more images"
        )
    room = min(wanted, free // 2)
    if any(sample.named_groups for sample in samples):
        none = "holdout" not in given.values()
        drawn = _some(_free(groups, given), room, free // 2, none, rng)
    else:
        drawn = _filled(groups, given, room, rng)
    for name in drawn:
        given.update(dict.fromkeys(groups[name], "holdout"))
    return _settled(samples, given)


def split_cohort(
    before: Iterable[Sample], new: Sequence[Sample], share: float, rng: np.random.Generator
) -> list[Sample]:
    """The samples of a later cohort with their split: a share of them is held out, at random.

    A sample of a group that has a split gets that. Of all others each is held out with the
    probability of the share, those of a group together. So the share is kept in the long run,
    whatever the sizes of cohorts and groups.

    before : the samples of earlier cohorts, whose split stays
    share : 0..1

    >>> new = [Sample(f"{n:016x}", f"001/{n:016x}.png", "", "pool", 1, 1) for n in range(10)]
    >>> found = split_cohort([], new, 0.2, np.random.default_rng(0))
    >>> sum(sample.split == "holdout" for sample in found)
    2
    """
    given, groups = _given(before, new)
    free = sorted(_free(groups, given))
    if any(sample.named_groups for sample in new):
        sizes = [len(groups[name]) for name in free]
        drawn = [free[place] for place in whole_groups.drawn(sizes, share * sum(sizes), rng)]
    else:
        wanted = int(np.floor(share * len(free) + rng.random()))
        drawn = [str(name) for name in rng.permutation(free)[:wanted]]
    for name in drawn:
        given.update(dict.fromkeys(groups[name], "holdout"))
    return _settled(new, given)


def _given(before: Iterable[Sample], new: Sequence[Sample]) -> tuple[Splits, dict[str, list[str]]]:
    """The splits of new samples whose group has one, and the ids of the new ones of each group."""
    old = list(before)
    keys = components([*old, *new])
    sides: Splits = {}
    for key, sample in zip(keys, old, strict=False):
        if sides.get(key) != "holdout":
            sides[key] = sample.split
    groups: dict[str, list[str]] = defaultdict(list)
    for key, sample in zip(keys[len(old) :], new, strict=True):
        groups[key].append(sample.id)
    given = {name: sides[key] for key in sides if key in groups for name in groups[key]}
    return given, groups


def _free(groups: Mapping[str, list[str]], given: Splits) -> dict[str, list[str]]:
    """The groups that have no split yet."""
    return {name: members for name, members in groups.items() if members[0] not in given}


def _filled(
    groups: Mapping[str, list[str]], given: Splits, room: int, rng: np.random.Generator
) -> list[str]:
    """Groups at random, each that still fits."""
    drawn = []
    for name in map(str, rng.permutation(sorted(groups))):
        if groups[name][0] not in given and len(groups[name]) <= room:
            drawn.append(name)
            room -= len(groups[name])
    return drawn


def _some(
    groups: Mapping[str, list[str]], room: int, most: int, first: bool, rng: np.random.Generator
) -> list[str]:
    """Groups with about `room` samples and at most `most`; if they are the `first`, one at least.

    Those around the circle in order, as `whole_groups.drawn` takes them.
    """
    names = [name for name in sorted(groups) if len(groups[name]) <= most]
    order, behind = whole_groups.around([len(groups[name]) for name in names], rng)
    drawn: list[str] = []
    held = 0
    for place, distance in zip(order, behind, strict=True):
        size = len(groups[names[place]])
        due = distance < room or (first and not drawn)
        if room and due and held + size <= most:
            drawn.append(names[place])
            held += size
    return drawn


def _settled(samples: Sequence[Sample], given: Splits) -> list[Sample]:
    """The samples with the splits that were given; all others are in the pool."""
    return [
        replace(sample, split="holdout" if given.get(sample.id) == "holdout" else "pool")
        for sample in samples
    ]
