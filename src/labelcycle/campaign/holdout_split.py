"""Which samples are held out: drawn at random, once, groups of twins whole."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from labelcycle.campaign.sample_files import Sample
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

    A new sample of a group that has a split already gets that, of two the hold-out.

    holdout : samples that the hold-out is filled up to; of the new ones at most half are drawn

    Raises SettingsError if a first hold-out would be more than half.
    """
    given, groups = _given(before, samples)
    new = sum(map(len, groups.values()))
    wanted = max(holdout - _held(given), 0)
    if not before and wanted > new // 2:
        raise SettingsError(
            f"params.yaml: ingest.holdout: wanted at most {new // 2}, half of the {new}"
            f" images, got {wanted}; lower it or ingest more images"
        )
    return _drawn(samples, given, groups, min(wanted, new // 2), rng)


def split_cohort(
    before: Iterable[Sample], new: Sequence[Sample], share: float, rng: np.random.Generator
) -> list[Sample]:
    """The samples of a later cohort with their split: a share of them is held out, at random.

    A fraction of a sample is one with that probability, so that small cohorts have their share in
    the long run. A twin of a sample that has a split gets that, and counts among the share.

    before : the samples of earlier cohorts, whose split stays
    share : 0..1

    >>> new = [Sample(f"{n:016x}", f"001/{n:016x}.png", "", "pool", 1, 1) for n in range(10)]
    >>> found = split_cohort([], new, 0.2, np.random.default_rng(0))
    >>> sum(sample.split == "holdout" for sample in found)
    2
    """
    sides = {sample.picture: sample.split for sample in before}
    given, groups = _given({}, new)
    for picture, members in groups.items():
        if picture in sides:
            given.update(dict.fromkeys(members, sides[picture]))
    wanted = int(np.floor(share * len(new) + rng.random()))
    return _drawn(new, given, groups, max(wanted - _held(given), 0), rng)


def _given(
    before: Mapping[str, Sample], samples: Sequence[Sample]
) -> tuple[Splits, dict[str, list[str]]]:
    """The splits that are settled, and the ids of the new samples of each group."""
    given: Splits = {s.id: before[s.id].split for s in samples if s.id in before}
    groups: dict[str, list[str]] = defaultdict(list)
    for sample in samples:
        if sample.id not in before:
            groups[sample.picture].append(sample.id)
    for sample in sorted(samples, key=lambda each: given.get(each.id) == "holdout"):
        if sample.id in before and sample.picture in groups:
            given.update(dict.fromkeys(groups[sample.picture], given[sample.id]))
    return given, groups


def _held(given: Splits) -> int:
    return sum(split == "holdout" for split in given.values())


def _drawn(
    samples: Sequence[Sample],
    given: Splits,
    groups: Mapping[str, Sequence[str]],
    room: int,
    rng: np.random.Generator,
) -> list[Sample]:
    """The samples with their split: of those without one, groups are drawn while there is room."""
    drawn = dict(given)
    for name in rng.permutation(sorted(groups)):
        members = groups[str(name)]
        if members[0] not in drawn and len(members) <= room:
            drawn.update(dict.fromkeys(members, "holdout"))
            room -= len(members)
    return [
        replace(sample, split="holdout" if drawn.get(sample.id) == "holdout" else "pool")
        for sample in samples
    ]
