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

    holdout : samples that the hold-out is filled up to; of those without a split at most half are
        drawn

    Raises SettingsError if a first hold-out would be more than half.
    """
    given, groups = _given(before, samples)
    new = len(samples) - len(given)
    wanted = max(holdout - sum(split == "holdout" for split in given.values()), 0)
    if not before and wanted > new // 2:
        raise SettingsError(
            f"params.yaml: ingest.holdout: wanted at most {new // 2}, half of the {new}"
            f" images, got {wanted}; lower it or ingest more images"
        )
    room = min(wanted, new // 2)
    for name in rng.permutation(sorted(groups)):
        members = groups[str(name)]
        if members[0] not in given and len(members) <= room:
            given.update(dict.fromkeys(members, "holdout"))
            room -= len(members)
    return _settled(samples, given)


def split_cohort(
    before: Iterable[Sample], new: Sequence[Sample], share: float, rng: np.random.Generator
) -> list[Sample]:
    """The samples of a later cohort with their split: a share of them is held out, at random.

    A twin of a sample that has a split gets that. Of all others each is held out with the
    probability of the share, those of a group together. So the share is kept in the long run,
    whatever the sizes of cohorts and groups.

    before : the samples of earlier cohorts, whose split stays
    share : 0..1

    >>> new = [Sample(f"{n:016x}", f"001/{n:016x}.png", "", "pool", 1, 1) for n in range(10)]
    >>> found = split_cohort([], new, 0.2, np.random.default_rng(0))
    >>> sum(sample.split == "holdout" for sample in found)
    2
    """
    given, groups = _given({}, new)
    for sample in sorted(before, key=lambda each: each.split == "holdout"):
        if sample.picture in groups:
            given.update(dict.fromkeys(groups[sample.picture], sample.split))
    free = sorted(name for name, members in groups.items() if members[0] not in given)
    wanted = int(np.floor(share * len(free) + rng.random()))
    for name in rng.permutation(free)[:wanted]:
        given.update(dict.fromkeys(groups[str(name)], "holdout"))
    return _settled(new, given)


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


def _settled(samples: Sequence[Sample], given: Splits) -> list[Sample]:
    """The samples with the splits that were given; all others are in the pool."""
    return [
        replace(sample, split="holdout" if given.get(sample.id) == "holdout" else "pool")
        for sample in samples
    ]
