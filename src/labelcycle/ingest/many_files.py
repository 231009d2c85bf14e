"""What the images of an ingest are to each other and to those that the campaign has."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from PIL import Image

from labelcycle import decoding
from labelcycle.campaign import sample_groups
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.decoding import value_ranges
from labelcycle.decoding.value_ranges import Range, Values
from labelcycle.ingest import group_names, group_sides, near_duplicates
from labelcycle.ingest.group_names import GroupNames
from labelcycle.ingest.one_file import Look, Quarantined, Taken

ValuesSetting = str | Range
"""The setting `ingest.values`."""


@dataclass(frozen=True)
class Existing:
    """The samples that a campaign has before an ingest.

    frozen : of earlier cohorts, by id; their lines never change
    own : of the cohort that the ingest adds to, by id
    looks : how all of them look, by id
    places : where files are known already, so that nobody is told of them again
    seen : from the places that this computer looked at to the sample that each showed
    """

    frozen: Mapping[str, Sample] = field(default_factory=dict)
    own: Mapping[str, Sample] = field(default_factory=dict)
    looks: Mapping[str, Look] = field(default_factory=dict)
    places: frozenset[str] = frozenset()
    seen: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def samples(self) -> dict[str, Sample]:
        """All of them, by id."""
        return {**self.frozen, **self.own}


@dataclass(frozen=True)
class Whole:
    """The samples of a cohort after an ingest, before the hold-out is drawn.

    samples : sorted by id; new ones are in the pool
    shown_by : from the id of each image that was looked at to the sample that shows it
    looks : of `samples`, by id
    remarks : what people should know of them
    refused : files that cannot be a sample beside those of earlier cohorts
    frozen : samples of earlier cohorts, with all groups that they are known to be of
    torn : groups of this cohort that are on both sides, as `ingest.group` was set after the draw
    """

    samples: tuple[Sample, ...]
    shown_by: Mapping[str, str]
    looks: Mapping[str, Look]
    remarks: tuple[str, ...]
    refused: tuple[Quarantined, ...] = ()
    frozen: tuple[Sample, ...] = ()
    torn: tuple[str, ...] = ()


def whole(
    campaign: Campaign,
    existing: Existing,
    usable: Sequence[Taken],
    choice: ValuesSetting,
    max_pixels: int,
    names: GroupNames | None = None,
) -> Whole:
    """The samples of a cohort with those of `usable`, each picture once in the whole campaign.

    choice, max_pixels : the settings `ingest.values` and `ingest.max_pixels`
    names : the groups of places, by `ingest.group`

    Raises DataError if a sample has no group by it.
    """
    looked = {**{item.sample.id: item.look for item in usable}, **existing.looks}
    shown_by, samples = _once(existing, usable, looked)
    remarks = [_told_copies({**existing.frozen, **samples}, existing, usable, shown_by)]
    if names:
        existing, samples = _named(existing, samples, usable, shown_by, names)
    elif not existing.frozen:  # `ingest.group` may have been set, and taken back
        samples = {name: replace(each, named_groups=()) for name, each in samples.items()}
        existing = replace(existing, own={name: samples[name] for name in existing.own})
    samples, more = _scaled(existing, samples, looked, choice)
    remarks += more
    known = None if existing.frozen else sample_groups.sides([*existing.own.values()])
    both = known.both if known else ()
    samples, torn = _grouped(campaign, existing, samples, looked, max_pixels, drawn=not both)
    remarks.append(_told_twins(samples, existing.frozen))
    in_order = tuple(samples[name] for name in sorted(samples))
    return Whole(
        in_order,
        shown_by,
        {name: looked[name] for name in samples},
        tuple(text for text in remarks if text),
        tuple(torn),
        tuple(existing.frozen.values()),
        both,
    )


# --- the same picture ----------------------------------------------------------------------


def _once(
    existing: Existing, usable: Sequence[Taken], looked: Mapping[str, Look]
) -> tuple[dict[str, str], dict[str, Sample]]:
    """The sample that shows each image; those of the cohort, with every place they were found at.

    A picture is shown by the sample that the campaign has, else by the first file.
    """
    first = {looked[name].pixels: name for name in sorted(existing.samples, reverse=True)}
    samples = dict(existing.own)
    shown_by: dict[str, str] = {name: name for name in existing.samples}
    for item in usable:
        name = item.sample.id
        if name not in shown_by:
            shown_by[name] = first.setdefault(looked[name].pixels, name)
        shown_name = shown_by[name]
        if shown_name in existing.frozen:
            continue
        shown = samples.setdefault(shown_name, item.sample)
        also = {*shown.also, item.source} - {shown.source}
        samples[shown_name] = replace(shown, also=tuple(sorted(also)))
    return shown_by, samples


def _told_copies(
    samples: Mapping[str, Sample],
    existing: Existing,
    usable: Sequence[Taken],
    shown_by: Mapping[str, str],
) -> str:
    pairs = [
        (samples[shown_by[item.sample.id]].source, item.source)
        for item in usable
        if item.source != samples[shown_by[item.sample.id]].source
        and item.source not in existing.places
    ]
    if not pairs:
        return ""
    one, other = pairs[0]
    return (
        f"{counted(len(pairs), 'file shows', 'files show')} the very picture of another, such as"
        f" {other!r} that of {one!r}: it is one sample, known by both paths"
    )


# --- groups that have a name ---------------------------------------------------------------


def _named(
    existing: Existing,
    samples: Mapping[str, Sample],
    usable: Sequence[Taken],
    shown_by: Mapping[str, str],
    names: GroupNames,
) -> tuple[Existing, dict[str, Sample]]:
    """Both with the groups of all places where their picture was found.

    Of samples of earlier cohorts the groups that they came in with count, too. So do those that
    another list gave, for nobody reads that one again.
    """
    found: dict[str, set[str]] = defaultdict(set)
    for place, name in existing.seen.items():
        if name in existing.frozen:
            found[name].update(names.known(place))
    for item in usable:
        found[shown_by[item.sample.id]].update(names.known(item.source))

    def of(sample: Sample, before: tuple[str, ...]) -> Sample:
        every = {*before, *found[sample.id], *names.of(sample)}
        return replace(sample, named_groups=tuple(sorted(every)))

    frozen = {name: of(each, each.named_groups) for name, each in existing.frozen.items()}
    named = {
        name: of(each, each.named_groups if names.of_lists else ())
        for name, each in samples.items()
    }
    # of the samples that stay as they are, none is asked for a group that it never had
    looked_at = (item.source for item in usable if shown_by[item.sample.id] in named)
    without = (each.source for each in named.values() if not each.named_groups)
    group_names.check(names, dict.fromkeys((*looked_at, *without)))
    own = {name: named[name] for name in existing.own}
    return replace(existing, frozen=frozen, own=own), named


# --- pixels of more than 8 bits ------------------------------------------------------------


def _scaled(
    existing: Existing,
    samples: Mapping[str, Sample],
    looked: Mapping[str, Look],
    choice: ValuesSetting,
) -> tuple[dict[str, Sample], list[str]]:
    """The samples with what becomes black and white in them, and a sentence on each kind."""
    deep = {name: values for name in samples if (values := looked[name].values)}
    ranges = _ranges(existing.samples, deep, choice)
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
    campaign: Campaign,
    existing: Existing,
    samples: Mapping[str, Sample],
    looked: Mapping[str, Look],
    max_pixels: int,
    *,
    drawn: bool,
) -> tuple[dict[str, Sample], list[Quarantined]]:
    """The samples with the group of those that are nearly the same; those that can be in none.

    A sample that the campaign has keeps its group, and is compared with new ones only.

    drawn : the samples that the campaign has stay on their side
    """
    if not samples:
        return {}, []
    everyone = {**existing.frozen, **samples}
    # each by its own values, a warm and a cold thing would look the same
    ranges = value_ranges.common(values for name in everyone if (values := looked[name].values))

    def read(name: str) -> Image.Image:
        data = (campaign.images / everyone[name].file).read_bytes()
        return decoding.decode(data, max_pixels, ranges).image

    ids = sorted(everyone)
    groups = near_duplicates.joined(
        ids,
        [(everyone[name].width, everyone[name].height) for name in ids],
        np.stack([looked[name].small for name in ids]),
        read,
        {name: sample.picture for name, sample in existing.samples.items()},
    )
    new = [sample for name, sample in samples.items() if name not in existing.own]
    reasons = group_sides.torn([*existing.samples.values()], new, groups) if drawn else {}
    grouped = {
        name: sample if name in existing.own else replace(sample, group=groups.get(name, ("",))[0])
        for name, sample in samples.items()
        if name not in reasons
    }
    refused = [Quarantined(s.source, reasons[s.id]) for s in new if s.id in reasons]
    return grouped, refused


def _told_twins(samples: Mapping[str, Sample], frozen: Mapping[str, Sample]) -> str:
    new = {sample.group for sample in samples.values() if sample.group}
    if not new:
        return ""
    everyone = [*frozen.values(), *samples.values()]
    groups = Counter(sample.picture for sample in everyone if sample.picture in new)
    largest = groups.most_common(1)[0][0]
    one, other, *_ = (s.source for s in everyone if s.picture == largest)
    return (
        f"{sum(groups.values())} samples in {counted(len(groups), 'group')} show nearly the same"
        " picture,"
        f" such as {one!r} and {other!r}: those of a group are all in the hold-out or all in the"
        " pool"
    )
