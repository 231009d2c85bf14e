"""Which samples are held out: drawn at random, once, groups of twins whole."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import SettingsError


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
    new = [sample for sample in samples if sample.id not in before]
    given = {sample.id: before[sample.id].split for sample in samples if sample.id in before}
    groups: dict[str, list[str]] = defaultdict(list)
    for sample in new:
        groups[sample.group or sample.id].append(sample.id)
    for sample in sorted(samples, key=lambda each: given.get(each.id) == "holdout"):
        if sample.id in given and sample.group:
            given.update(dict.fromkeys(groups[sample.group], given[sample.id]))
    held = sum(split == "holdout" for split in given.values())
    wanted = max(holdout - held, 0)
    if not before and wanted > len(new) // 2:
        raise SettingsError(
            f"params.yaml: ingest.holdout: wanted at most {len(new) // 2}, half of the {len(new)}"
            f" images, got {wanted}; lower it or ingest more images"
        )
    room = min(wanted, len(new) // 2)
    for name in rng.permutation(sorted(name for name, each in groups.items() if each)):
        members = groups[str(name)]
        if members[0] not in given and len(members) <= room:
            given.update(dict.fromkeys(members, "holdout"))
            room -= len(members)
    return [replace(sample, split=given.get(sample.id, "pool")) for sample in samples]
