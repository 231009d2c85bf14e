"""What the images of an ingest are to each other and to those that the campaign has."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from labelcycle import decoding
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.decoding import value_ranges
from labelcycle.decoding.value_ranges import Range, Values
from labelcycle.ingest import near_duplicates, one_file
from labelcycle.ingest.one_file import Look, Taken

ValuesSetting = str | Range
"""The setting `ingest.values`."""


@dataclass(frozen=True)
class Whole:
    """The samples of a campaign after an ingest, before the hold-out is drawn.

    samples : sorted by id; new ones are in the pool
    shown_by : from the id of each image that was looked at to the sample that shows it
    remarks : what people should know of them
    """

    samples: tuple[Sample, ...]
    shown_by: Mapping[str, str]
    remarks: tuple[str, ...]


def whole(
    campaign: Campaign,
    before: Mapping[str, Sample],
    usable: Sequence[Taken],
    choice: ValuesSetting,
    max_pixels: int,
) -> Whole:
    """The samples of the campaign with those of `usable`, each picture once.

    choice, max_pixels : the settings `ingest.values` and `ingest.max_pixels`
    """
    looked = {item.sample.id: item.look for item in usable}
    shown_by, samples = _once(campaign, before, usable, looked, max_pixels)
    remarks = [_told_copies(samples, before, usable, shown_by)]
    samples, more = _scaled(before, samples, looked, choice)
    remarks += more
    samples = _grouped(campaign, samples, looked, max_pixels)
    remarks.append(_told_twins(samples))
    in_order = tuple(samples[name] for name in sorted(samples))
    return Whole(in_order, shown_by, tuple(text for text in remarks if text))


# --- the same picture ----------------------------------------------------------------------


def _once(
    campaign: Campaign,
    before: Mapping[str, Sample],
    usable: Sequence[Taken],
    looked: dict[str, Look],
    max_pixels: int,
) -> tuple[dict[str, str], dict[str, Sample]]:
    """The sample that shows each image, and the samples with every place they were found at.

    A picture is shown by the sample that the campaign has, else by the first file.
    """
    for name, sample in before.items():
        if name not in looked:
            looked[name] = one_file.look(campaign, sample, max_pixels)
    first = {looked[name].pixels: name for name in sorted(before, reverse=True)}
    samples = dict(before)
    shown_by: dict[str, str] = {name: name for name in before}
    for item in usable:
        name = item.sample.id
        if name not in shown_by:
            shown_by[name] = first.setdefault(looked[name].pixels, name)
            samples.setdefault(shown_by[name], item.sample)
        shown = samples[shown_by[name]]
        also = {*shown.also, item.source} - {shown.source}
        samples[shown.id] = replace(shown, also=tuple(sorted(also)))
    return shown_by, samples


def _told_copies(
    samples: Mapping[str, Sample],
    before: Mapping[str, Sample],
    usable: Sequence[Taken],
    shown_by: Mapping[str, str],
) -> str:
    pairs = [
        (samples[shown_by[item.sample.id]].source, item.source)
        for item in usable
        if item.source != samples[shown_by[item.sample.id]].source
        and item.source not in getattr(before.get(shown_by[item.sample.id]), "also", ())
    ]
    if not pairs:
        return ""
    one, other = pairs[0]
    return (
        f"{counted(len(pairs), 'file shows', 'files show')} the very picture of another, such as"
        f" {other!r} that of {one!r}: it is one sample, known by both paths"
    )


# --- pixels of more than 8 bits ------------------------------------------------------------


def _scaled(
    before: Mapping[str, Sample],
    samples: Mapping[str, Sample],
    looked: Mapping[str, Look],
    choice: ValuesSetting,
) -> tuple[dict[str, Sample], list[str]]:
    """The samples with what becomes black and white in them, and a sentence on each kind."""
    deep = {name: values for name in samples if (values := looked[name].values)}
    ranges = _ranges(before, deep, choice)
    changed = dict(samples)
    for name, values in deep.items():
        own_range = value_ranges.fitting(values.kind, values.low, values.high)
        chosen = ranges.get(values.kind, own_range)
        notes = [
            note for note in samples[name].notes if not note.startswith(value_ranges.mark(values))
        ]
        text = value_ranges.note(values, {values.kind: chosen})
        changed[name] = replace(samples[name], notes=(*notes, text), values=(values.kind, *chosen))
    return changed, [
        _told_range(
            kind, [values for values in deep.values() if values.kind == kind], ranges.get(kind)
        )
        for kind in sorted({values.kind for values in deep.values()})
    ]


def _ranges(
    before: Mapping[str, Sample], deep: Mapping[str, Values], choice: ValuesSetting
) -> dict[str, Range]:
    """Black and white of each kind; none where each image has its own."""
    if choice == "image":
        return {}
    if isinstance(choice, tuple):
        return {measured.kind: choice for measured in deep.values()}
    kept: dict[str, set[Range]] = defaultdict(set)
    for sample in before.values():
        for kind, one in sample.ranges.items():
            kept[kind].add(one)
    agreed = {
        kind: next(iter(ranges_kept)) for kind, ranges_kept in kept.items() if len(ranges_kept) == 1
    }
    return {**value_ranges.common(deep.values()), **agreed}


def _told_range(kind: str, images: Sequence[Values], chosen: Range | None) -> str:
    start = f"{counted(len(images), 'image has', 'images have')} {kind} values"
    if chosen is None:
        return f"{start}: black and white are each image's own (ingest.values)"
    low, high = chosen
    beyond = sum(one.low < low or one.high > high for one in images)
    cut = f"; {counted(beyond, 'has', 'have')} values beyond, which are cut off" if beyond else ""
    faint = sum(value_ranges.faint(one, chosen) for one in images)
    grey = (
        f"; {counted(faint, 'uses', 'use')} less than an eighth of that and may look all one grey:"
        " `ingest.values: image` gives each image its own black and white"
    )
    return f"{start}: {low:g} is black, {high:g} white (ingest.values){cut}{grey if faint else ''}"


# --- nearly the same picture ---------------------------------------------------------------


def _grouped(
    campaign: Campaign, samples: Mapping[str, Sample], looked: Mapping[str, Look], max_pixels: int
) -> dict[str, Sample]:
    """The samples with the group of those that are nearly the same."""

    # each by its own values, a warm and a cold thing would look the same
    ranges = value_ranges.common(values for name in samples if (values := looked[name].values))

    def read(name: str) -> Image.Image:
        data = (campaign.images / samples[name].file).read_bytes()
        return decoding.decode(data, max_pixels, ranges).image

    ids = sorted(samples)
    sizes = [(samples[name].width, samples[name].height) for name in ids]
    groups = near_duplicates.groups(
        ids, sizes, np.stack([looked[name].small for name in ids]), read
    )
    return {name: replace(samples[name], group=groups.get(name, "")) for name in ids}


def _told_twins(samples: Mapping[str, Sample]) -> str:
    groups = Counter(sample.group for sample in samples.values() if sample.group)
    if not groups:
        return ""
    largest = groups.most_common(1)[0][0]
    one, other, *_ = (s.source for s in samples.values() if s.group == largest)
    return (
        f"{sum(groups.values())} samples in {counted(len(groups), 'group')} show nearly the same"
        " picture,"
        f" such as {one!r} and {other!r}: those of a group are all in the hold-out or all in the"
        " pool"
    )
