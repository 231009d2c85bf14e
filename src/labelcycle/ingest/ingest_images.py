"""Images into the pool: each one decoded, the same picture once, the hold-out drawn."""

import contextlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from labelcycle import decoding
from labelcycle import options as base
from labelcycle.campaign import atomic_files, holdout_split, json_files, layout, sample_files
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import read_labels
from labelcycle.campaign.records.cohorts_record import Cohort, CohortsRecord, Source
from labelcycle.campaign.records.withdrawn_record import WithdrawnRecord
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.core.seeding import derive
from labelcycle.decoding.value_ranges import Range
from labelcycle.errors import DataError, SettingsError
from labelcycle.ingest import fetch, ingest_report, look_files, many_files, one_file, seen_files
from labelcycle.ingest.group_names import GroupNames, GroupRule
from labelcycle.ingest.ingest_report import Report
from labelcycle.ingest.many_files import Existing, Whole
from labelcycle.ingest.one_file import Look, Quarantined, Taken
from labelcycle.ingest.sources import Found
from labelcycle.ingest.take_files import FileTaker
from labelcycle.nn.progress import Progress

_STORED = re.compile(r"\.?[0-9a-f]{16}\.[a-z0-9]{3,4}(\..*)?")
"""Names that `ingest` gives to files in data/images; all others there are not ours to remove."""


class Options(base.Options):
    """How images are taken into the pool."""

    holdout: int = Field(
        200,
        ge=0,
        le=1_000_000,
        description="images held out at random: labelled, measured with, never trained on",
    )
    holdout_share: float | None = Field(
        None,
        ge=0,
        le=0.5,
        description="share of the images that come in after round 0 began that is held out; null:"
        " the share of the first images",
    )
    encoder: Literal["keep", "train"] = Field(
        "keep",
        description="what becomes of the encoder once images came in after round 0: keep; train,"
        " anew on all images, which makes all features others and rounds harder to compare",
    )
    group: GroupRule | None = Field(
        None,
        description="what names an image's patient, camera or product, whose images stay together:"
        " {folder: 1}, the folder it is in; {path: 'patient-(\\d+)'}, a regular expression;"
        " {column: patient}, of @LIST.csv; null: nothing",
    )
    max_pixels: int = Field(
        decoding.MAX_PIXELS,
        ge=1,
        le=decoding.MAX_PIXELS,
        description="images with more pixels (width times height) are refused",
    )
    values: Literal["campaign", "image"] | Range = Field(
        "campaign",
        description="black and white in images of more than 8 bits: campaign, found from all of"
        " them and then kept; image, from each image's own values; [0, 5000], these values",
    )

    @field_validator("values", mode="before")
    @classmethod
    def _rising(cls, values: object) -> object:
        if values in ("campaign", "image"):
            return values
        match values:
            case [int() | float() as black, int() | float() as white] if black < white:
                return float(black), float(white)
        raise ValueError(
            f"wanted campaign, image, or [BLACK, WHITE], black below white, got {values}"
        )


def ingest(
    campaign: Campaign,
    found: Found,
    options: Options,
    seed: int,
    show: Callable[[Progress], None],
    at: str = "",
) -> Report:
    """Bring the images that were found into the campaign, as a cohort.

    seed : of the campaign; the hold-out of each cohort is drawn by it and the cohort's number
    at : the time, for the record

    Before the first round is planned all images are cohort 0, and its hold-out is filled up to
    `options.holdout`. From then on the new images of each ingest are a cohort of their own, and a
    share of it is held out. Samples that are there keep their split, whatever the order of files.

    Writes data/images, data/quarantine.jsonl, data/cohorts.json and, last, data/samples. Ended at
    any instant and run again, the end is the same; after an error the campaign is as before. Files
    that were looked at before and did not change are not read again. Interrupted once the new
    manifest is there, the cohort stays.

    Where `options.group` names groups, each is whole in the hold-out or in the pool.

    Raises DataError if the disk is full, if an image has no group by `options.group`, or if no file
    can be used, which is no error of sources that gave samples before; SettingsError if the first
    hold-out is more than half of the samples, or if `options.group` is gone.
    """
    number, existing = _existing(campaign, options.max_pixels)
    known = {name: Taken(s, existing.looks[name]) for name, s in existing.samples.items()}
    record, before = CohortsRecord.read_if_any(campaign.cohorts), _bytes(campaign.cohorts)
    manifest = sample_files.manifest(campaign.samples, number)
    listed = _bytes(manifest)
    stones = WithdrawnRecord.read_if_any(campaign.withdrawn).samples
    gone = {name for stone in stones for name in (stone.sample, stone.pixels)} - {""}
    taker = FileTaker(campaign, number, options.max_pixels, known, gone)
    try:
        taken = taker.take_all(found.items, show)
        usable = [item for item in taken if isinstance(item, Taken)]
        refused = [item for item in taken if isinstance(item, Quarantined)]
        told = found.again or taker.vanished or taker.withdrawn
        if not usable and not (told and existing.samples):
            raise DataError(ingest_report.no_images(refused))
        names = _names(campaign, existing, options, found.sources)
        whole = many_files.whole(
            campaign, existing, usable, options.values, options.max_pixels, names
        )
        refused += whole.refused
        _check_redrawn(campaign, whole.torn)
        rng = derive(seed, number, "ingest")
        samples = _split(existing, record.cohorts, whole, options, rng)
        new = [sample for sample in samples if sample.id not in existing.samples]
        _settle(campaign, number, samples)
        _write_quarantine(campaign, taken, whole.refused, taker.vanished)
        _write_record(campaign, record, number, samples, found.sources, at)
        if samples:
            sample_files.write_samples(campaign.samples, samples)
    except BaseException:
        if _bytes(manifest) == listed:  # else it was interrupted once the cohort was there
            _sweep(campaign, number, existing.own.values())
            _put_back(campaign.cohorts, before)
        raise
    with contextlib.suppress(DataError):  # both spare work, and are found anew where they lack
        if samples:
            look_files.write(look_files.path_of(campaign.samples, number), whole.looks)
        taker.remember(whole.shown_by, {*existing.samples, *(sample.id for sample in samples)})
    fetch.forget(campaign)
    shown = [whole.shown_by[item.sample.id] for item in usable]
    torn = {item.source for item in whole.refused}
    old = sum(name in existing.samples for name in shown)
    everyone = [*existing.frozen.values(), *samples]
    held = sum(sample.split == "holdout" for sample in everyone)
    changes = ingest_report.changes(taker, usable, found)
    groups = ingest_report.groups(samples, whole.torn, options.holdout if number == 0 else None)
    return Report(
        looked_at=len(taken) + len(taker.withdrawn),
        added=len(new),
        known=old,
        duplicates=len(usable) - old - len(new) - len(torn),
        quarantined=len(refused),
        pool=len(everyone) - held,
        holdout=held,
        remarks=(*found.remarks, *changes, *whole.remarks, *groups),
        cohort=number if new else None,
        held=sum(sample.split == "holdout" for sample in new),
        withdrawn=len(taker.withdrawn),
    )


# --- what stands ---------------------------------------------------------------------------


def _existing(campaign: Campaign, max_pixels: int) -> tuple[int, Existing]:
    """The number of the cohort that new images are, and the samples that are there.

    Raises DataError if images of them are missing.
    """
    numbers = sample_files.cohort_numbers(campaign.samples)
    planned = any(campaign.rounds.glob("[0-9]*/plan.json"))
    number = len(numbers) if planned or len(numbers) > 1 else 0
    cohorts = {n: _present(campaign, n) for n in numbers}
    looks: dict[str, Look] = {}
    for n, samples in cohorts.items():
        looks |= _looks(campaign, n, samples, max_pixels)
    own = cohorts.pop(number, {})
    frozen = {name: sample for samples in cohorts.values() for name, sample in samples.items()}
    everyone = [*frozen.values(), *own.values()]
    places = {place for sample in everyone for place in (sample.source, *sample.also)}
    seen = {place: each.sample for place, each in seen_files.read(campaign).items()}
    return number, Existing(frozen, own, looks, frozenset({*places, *seen}), seen)


def _present(campaign: Campaign, number: int) -> dict[str, Sample]:
    """The samples of a cohort, by id. Raises DataError if images of them are missing."""
    path = sample_files.manifest(campaign.samples, number)
    samples = {sample.id: sample for sample in sample_files.read_manifest(path)}
    folder = campaign.cohort_images(number)
    # one look for all: to ask for each took seconds for 100,000
    there = {f"{folder.name}/{path.name}" for path in folder.glob("*")}
    files = (sample.file for sample in samples.values())
    missing = [f for f in files if f not in there and not (campaign.images / f).exists()]
    if missing:
        raise DataError(
            f"{campaign.images} lacks {len(missing)} of {counted(len(samples), 'image')}, the"
            " first is"
            f" {missing[0]}; wanted all that {path.name} lists; run `dvc checkout`"
        )
    return samples


def _looks(
    campaign: Campaign, number: int, samples: Mapping[str, Sample], max_pixels: int
) -> dict[str, Look]:
    """How the samples of a cohort look; what was not written down is found, and written."""
    path = look_files.path_of(campaign.samples, number)
    found = look_files.read(path)
    looks = {name: look for name, look in found.items() if name in samples}
    missing = [name for name in samples if name not in looks]
    for name in missing:
        looks[name] = one_file.look(campaign, samples[name], max_pixels)
    if missing:
        look_files.write(path, looks)
    return looks


# --- the whole -----------------------------------------------------------------------------


def _names(
    campaign: Campaign, existing: Existing, options: Options, given: Sequence[Source]
) -> GroupNames | None:
    """What names groups. Raises SettingsError if it is gone, and samples have such names."""
    if options.group is not None:
        return GroupNames(options.group, campaign.root, (source.path for source in given))
    named = next((s for s in existing.frozen.values() if s.named_groups), None)
    if named is not None:
        raise SettingsError(
            "params.yaml: ingest.group: wanted what named the groups so far, such as"
            f" {named.named_groups[0]!r} of {named.source!r}, got null: new images of a group could"
            " come to the other side; put it back"
        )
    return None


def _check_redrawn(campaign: Campaign, torn: Sequence[str]) -> None:
    """Raise SettingsError if the hold-out would be drawn anew, and labels know the present one."""
    owned = campaign.label_file(OWNED)
    if torn and owned.exists() and read_labels(owned):
        raise SettingsError(
            f"params.yaml: ingest.group: group {torn[0]!r} is in the pool and in the hold-out since"
            " an earlier ingest, and labels were imported for that pool; wanted a campaign without"
            " labels, whose hold-out can be drawn anew: begin one with `labelcycle init`, set"
            " ingest.group, then ingest and import"
        )


def _split(
    existing: Existing,
    cohorts: Sequence[Cohort],
    whole: Whole,
    options: Options,
    rng: np.random.Generator,
) -> list[Sample]:
    """The samples of the cohort with their split.

    cohorts : as they came in: of the first one, samples may have been withdrawn since
    """
    samples = whole.samples
    if not existing.frozen:
        before = {} if whole.torn else existing.own
        return holdout_split.split(before, samples, options.holdout, rng)
    share = options.holdout_share
    if share is None:
        if not cohorts:
            raise DataError(f"{layout.COHORTS} lacks the first cohort; {json_files.RESTORE}")
        share = cohorts[0].holdout / (cohorts[0].pool + cohorts[0].holdout)
    return holdout_split.split_cohort(whole.frozen, samples, share, rng)


def _settle(campaign: Campaign, number: int, samples: Iterable[Sample]) -> None:
    """Leave in the cohort's folder exactly the images of `samples`, durable."""
    _sweep(campaign, number, samples)
    # One sync for all: a sync of every file took 5 ms each, hundreds of times its writing.
    os.sync()


def _sweep(campaign: Campaign, number: int, keep: Iterable[Sample]) -> None:
    """Remove what an ingest left beside the images of `keep`, and half files."""
    kept = {campaign.images / sample.file for sample in keep}
    folder = campaign.cohort_images(number)
    left = [path for path in folder.glob("*") if _STORED.fullmatch(path.name)]
    for whole in (campaign.cohorts, campaign.quarantine, campaign.seen):
        left += whole.parent.glob(f".{whole.name}.*")
    left += campaign.samples.glob(".*")
    for path in left:
        if path not in kept:
            with contextlib.suppress(OSError):  # no sample names it; the next ingest tries again
                path.unlink()
    for empty in (folder, campaign.images, campaign.samples):
        with contextlib.suppress(OSError):
            empty.rmdir()


def _write_record(
    campaign: Campaign,
    record: CohortsRecord,
    number: int,
    samples: Sequence[Sample],
    sources: Sequence[Source],
    at: str,
) -> None:
    """Write where the images came from, and when."""
    cohorts = [cohort for cohort in record.cohorts if cohort.number < number]
    same = next((c for c in record.cohorts if c.number == number), None)
    there = number in sample_files.cohort_numbers(campaign.samples)
    if samples:
        held = sum(sample.split == "holdout" for sample in samples)
        before = same if same and there else Cohort(number, at, (), 0, 0)
        paths = dict.fromkeys((*before.sources, *(source.path for source in sources)))
        cohorts.append(Cohort(number, before.at, tuple(paths), len(samples) - held, held))
    known = {source.path: source for source in (*record.sources, *sources)}
    new = CohortsRecord(tuple(known[path] for path in sorted(known)), tuple(cohorts))
    if new != record:
        new.write(campaign.cohorts)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _put_back(path: Path, data: bytes | None) -> None:
    """Have a file as it was."""
    if _bytes(path) == data:
        return
    with contextlib.suppress(OSError, DataError):  # the next ingest writes it anew
        if data is None:
            path.unlink()
        else:
            atomic_files.write_bytes(path, data)


def _write_quarantine(
    campaign: Campaign,
    taken: Sequence[Taken | Quarantined],
    torn: Sequence[Quarantined],
    vanished: Iterable[str],
) -> None:
    """Bring the list up to date: what was looked at now counts, what was not stays.

    vanished : samples were found there, which stay usable
    """
    reasons: dict[str, str] = {}
    if campaign.quarantine.exists():
        reasons = {r["source"]: r["reason"] for r in json_files.read_jsonl(campaign.quarantine)}
    for place in vanished:
        reasons.pop(place, None)
    for item in (*taken, *torn):
        reasons.pop(item.source, None)
        if isinstance(item, Quarantined):
            reasons[item.source] = item.reason
    records = ({"source": source, "reason": reasons[source]} for source in sorted(reasons))
    json_files.write_jsonl(campaign.quarantine, records)
