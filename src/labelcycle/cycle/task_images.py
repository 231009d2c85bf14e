"""Where annotators' browsers get the image of a task from."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from labelcycle import decoding
from labelcycle.adapters.ports import Address
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.digests import digest
from labelcycle.core.threads import cores
from labelcycle.cycle.labelled_neighbours import Neighbour
from labelcycle.errors import SettingsError
from labelcycle.ingest import contact_sheet
from labelcycle.rounds.snapshots import Snapshot

WEB = ("http://", "https://")

TITLE = "Labelled images that look like it to the model:"
"""Over the neighbours in a task's image."""


def images(
    snapshot: Snapshot, shown: Sequence[tuple[Sample, Sequence[Neighbour]]]
) -> list[Path | Address]:
    """`image` of each sample and its context, in their order, several drawn at a time.

    Ctrl+C, or the error of the first that cannot be shown, ends it; what is drawn stays.
    """
    pool = ThreadPoolExecutor(cores())
    try:
        drawn = list(pool.map(lambda task: image(snapshot, *task), shown))
    finally:
        pool.shutdown(cancel_futures=True)
    os.sync()  # one for all: a sync of each file took longer than drawing it
    return drawn


def image(snapshot: Snapshot, sample: Sample, context: Sequence[Neighbour] = ()) -> Path | Address:
    """The image of a task, as `push.images` says: a file of the media folder, or an address.

    context : labelled samples that are shown below it, with their classes

    In S3 it is stored by the time this returns. Raises SettingsError if it is to be shown at its
    source, which is no web address.
    """
    push = snapshot.config.push
    if push.images == "source":
        return _source(sample)
    file = _drawn(snapshot, sample, context)
    if push.images == "media":
        return file
    from labelcycle.adapters import s3  # brings a client of the web, which few need

    address = f"{push.bucket.rstrip('/')}/{file.name}"
    s3.put(address, file.read_bytes(), "image/png")
    return Address(address, push.presign_minutes)


def _source(sample: Sample) -> Address:
    if not sample.source.startswith(WEB):
        raise SettingsError(
            "params.yaml: push.images: source shows each image at its own web address, but sample"
            f" {sample.id} is from {sample.source!r}; write media or s3"
        )
    return Address(sample.source)


def _drawn(snapshot: Snapshot, sample: Sample, context: Sequence[Neighbour]) -> Path:
    """The image as the model sees it, enlarged to a legible size, over its context."""
    side = snapshot.config.push.min_side
    text = "".join(f"{near.sample.id} {near.label}\n" for near in context)
    name = f"{sample.id}-{side}-{digest(text.encode())}" if context else f"{sample.id}-{side}"
    path = snapshot.campaign.media / "images" / f"{name}.png"
    if not path.exists() or not path.stat().st_size:  # without power a file may be left empty
        large = decoding.enlarge(decoded(snapshot, sample), side)
        small = [(decoded(snapshot, near.sample), near.label) for near in context]
        png = decoding.png_bytes(contact_sheet.below(large, small, TITLE))
        write_bytes(path, png, durable=False)
    return path


def decoded(snapshot: Snapshot, sample: Sample) -> Image.Image:
    """The image of a sample as the model sees it."""
    data = (snapshot.campaign.images / sample.file).read_bytes()
    return decoding.decode(data, snapshot.config.ingest.max_pixels, sample.ranges).image
