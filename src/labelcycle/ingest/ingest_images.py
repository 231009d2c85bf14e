"""Images into the pool: each one decoded, the same picture once, the hold-out drawn."""

import contextlib
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator

from labelcycle import decoding
from labelcycle import options as base
from labelcycle.campaign import holdout_split, json_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.decoding.value_ranges import Range
from labelcycle.errors import DataError, StateError
from labelcycle.ingest import fetch, many_files, one_file
from labelcycle.ingest.one_file import Quarantined, Taken
from labelcycle.ingest.paths import find
from labelcycle.nn.progress import Progress

THREADS = 2

REASONS = 3
"""Named where no file can be used."""

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


@dataclass(frozen=True)
class Report:
    """What an ingest did; looked_at = added + known + duplicates + quarantined.

    looked_at : files and addresses that were looked at
    added : new samples
    known : files whose picture, and addresses that, were a sample of the campaign before
    duplicates : files with the bytes, or the very pixels, of another file of this ingest
    quarantined : files that cannot be used; data/quarantine.jsonl tells why
    pool, holdout : samples of the campaign afterwards
    remarks : what else people should know of the images, a sentence each
    """

    looked_at: int
    added: int
    known: int
    duplicates: int
    quarantined: int
    pool: int
    holdout: int
    remarks: tuple[str, ...] = ()


def ingest(
    campaign: Campaign,
    paths: Sequence[str],
    options: Options,
    rng: np.random.Generator,
    show: Callable[[Progress], None],
    *,
    follow_links: bool = False,
) -> Report:
    """Bring the images that `paths` mean into the campaign, which has no rounds yet.

    paths, follow_links : files, folders, patterns, addresses and lists, as `paths.find` reads
        them

    Writes data/images, data/quarantine.jsonl and, last, data/samples.jsonl. Samples that are
    there keep their split; the hold-out is filled up to `options.holdout` from the new ones, drawn
    with `rng`, whatever the order of `paths`. Ended at any instant and run again, the end is the
    same; after an error the campaign is as before. An address that is a sample already is not
    fetched again.

    Raises DataError if no file can be used or the disk is full, SettingsError if the hold-out is
    more than half of the samples, StateError if the campaign has rounds.
    """
    _check_state(campaign)
    before = _present(campaign)
    inputs = find(paths, Path(), follow_links=follow_links)
    items = list(fetch.expanded(_foreign(campaign, inputs)))
    try:
        taken = _take_all(campaign, items, before.values(), options, show)
        refused = [item for item in taken if isinstance(item, Quarantined)]
        usable = [item for item in taken if isinstance(item, Taken)]
        if not usable:
            raise DataError(_no_images(refused))
        whole = many_files.whole(campaign, before, usable, options.values, options.max_pixels)
        new = [sample for sample in whole.samples if sample.id not in before]
        samples = holdout_split.split(before, whole.samples, options.holdout, rng)
        _settle(campaign, samples)
        _write_quarantine(campaign, taken)
        sample_files.write_samples(campaign.samples, samples)
    except BaseException:
        _sweep(campaign, before.values())
        raise
    fetch.forget(campaign)
    known = sum(whole.shown_by[item.sample.id] in before for item in usable)
    held = sum(sample.split == "holdout" for sample in samples)
    return Report(
        looked_at=len(taken),
        added=len(new),
        known=known,
        duplicates=len(usable) - known - len(new),
        quarantined=len(refused),
        pool=len(samples) - held,
        holdout=held,
        remarks=whole.remarks,
    )


# --- what stands ---------------------------------------------------------------------------


def _check_state(campaign: Campaign) -> None:
    """Raise StateError if the campaign has a round: its pool is fixed from then on."""
    rounds = sorted(path.parent.name for path in campaign.rounds.glob("[0-9]*/plan.json"))
    if rounds:
        raise StateError(
            f"cannot ingest: wanted a campaign without rounds, got {len(rounds)} (the last is"
            f" {rounds[-1]}), and their selections and measurements hold for this pool; make a"
            " new campaign with `labelcycle init`"
        )


def _present(campaign: Campaign) -> dict[str, Sample]:
    """The samples that the campaign has, by id. Raises DataError if images of them are missing."""
    if not campaign.samples.exists():
        return {}
    samples = {sample.id: sample for sample in sample_files.read_samples(campaign.samples)}
    missing = [s.file for s in samples.values() if not (campaign.images / s.file).exists()]
    if missing:
        raise DataError(
            f"{campaign.images} lacks {len(missing)} of {counted(len(samples), 'image')}, the"
            " first is"
            f" {missing[0]}; wanted all that {campaign.samples.name} lists; run `dvc checkout`"
        )
    return samples


def _foreign(campaign: Campaign, items: Iterable[Path | str]) -> list[Path | str]:
    """The items that are not the campaign's own files."""
    campaign_folders = (
        campaign.images,
        campaign.labels,
        campaign.work,
        campaign.rounds,
        campaign.private,
    )
    foreign = [
        item
        for item in items
        if isinstance(item, str)
        or not any(item.is_relative_to(folder) for folder in campaign_folders)
    ]
    if not foreign:
        raise DataError(
            f"no images: every path given is one of the campaign's own files in {campaign.root};"
            " wanted image files from elsewhere"
        )
    return foreign


# --- what is offered -----------------------------------------------------------------------


def _take_all(
    campaign: Campaign,
    items: Sequence[Path | str],
    before: Iterable[Sample],
    options: Options,
    show: Callable[[Progress], None],
) -> list[Taken | Quarantined]:
    """What became of each path and address, in their order; the bytes of samples are stored."""
    known = {source: sample for sample in before for source in (sample.source, *sample.also)}
    addresses = [item for item in items if isinstance(item, str) and item not in known]
    total = len(addresses) + len(items)
    fetched = fetch.fetch(campaign, addresses, lambda done: show(Progress(done, total)))

    def take(item: Path | str) -> Taken | Quarantined:
        if isinstance(item, Path):
            return one_file.take(campaign, item, options.max_pixels)
        if item in known:
            return Taken(known[item], one_file.look(campaign, known[item], options.max_pixels))
        return _take_fetched(campaign, item, fetched[item], options)

    taken = []
    # Muted here, once for all threads: Pillow warns of harmless oddities by the thousand.
    with warnings.catch_warnings(), ThreadPoolExecutor(THREADS) as threads:
        warnings.simplefilter("ignore")
        for item in threads.map(take, items):
            taken.append(item)
            show(Progress(len(addresses) + len(taken), total))
    return taken


def _take_fetched(
    campaign: Campaign, address: str, got: Path | Quarantined, options: Options
) -> Taken | Quarantined:
    """The sample that fetched bytes are; those that are none will be fetched anew."""
    if isinstance(got, Quarantined):
        return got
    taken = one_file.take(campaign, got, options.max_pixels, address)
    if isinstance(taken, Quarantined):
        got.unlink(missing_ok=True)
    return taken


def _no_images(refused: Sequence[Quarantined]) -> str:
    """The error text for files of which none can be used."""
    first = {item.reason: item.source for item in reversed(refused)}
    common = Counter(item.reason for item in refused).most_common()
    listed = [f"{count} such as {first[why]!r}: {why}" for why, count in common[:REASONS]]
    if common[REASONS:]:
        listed.append(f"{len(common[REASONS:])} other reasons")
    return (
        f"no images: none of {counted(len(refused), 'file')} can be used ({'; '.join(listed)});"
        " give the path of images"
    )


# --- the whole -----------------------------------------------------------------------------


def _settle(campaign: Campaign, samples: Iterable[Sample]) -> None:
    """Leave in data/images exactly the images of `samples`, durable."""
    _sweep(campaign, samples)
    # One sync for all: a sync of every file took 5 ms each, hundreds of times its writing.
    os.sync()


def _sweep(campaign: Campaign, keep: Iterable[Sample]) -> None:
    """Remove what an ingest left in data/images beside the images of `keep`, and half files."""
    kept = {sample.file for sample in keep}
    left = [path for path in campaign.images.glob("*") if _STORED.fullmatch(path.name)]
    for whole in (campaign.samples, campaign.quarantine):
        left += whole.parent.glob(f".{whole.name}.*")
    for path in left:
        if path.name not in kept:
            with contextlib.suppress(OSError):  # no sample names it; the next ingest tries again
                path.unlink()


def _write_quarantine(campaign: Campaign, taken: Sequence[Taken | Quarantined]) -> None:
    """Bring the list up to date: what was looked at now counts, what was not stays."""
    reasons: dict[str, str] = {}
    if campaign.quarantine.exists():
        reasons = {r["source"]: r["reason"] for r in json_files.read_jsonl(campaign.quarantine)}
    for item in taken:
        reasons.pop(item.source, None)
        if isinstance(item, Quarantined):
            reasons[item.source] = item.reason
    records = ({"source": source, "reason": reasons[source]} for source in sorted(reasons))
    json_files.write_jsonl(campaign.quarantine, records)
