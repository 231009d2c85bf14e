"""One file of an ingest: its bytes into the campaign, or why they cannot be used."""

import os
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labelcycle import decoding
from labelcycle.campaign import atomic_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.core import digests
from labelcycle.decoding import fingerprints
from labelcycle.decoding.value_ranges import Values
from labelcycle.errors import DataError

MAX_BYTES = 2**30
"""A larger file is not read: nothing within `decoding.MAX_PIXELS` takes so much."""


@dataclass(frozen=True)
class Quarantined:
    """A file that cannot be used: where it was found, and why."""

    source: str
    reason: str


@dataclass(frozen=True)
class Withdrawn:
    """A file whose picture is that of a withdrawn sample: it does not come back."""

    source: str


@dataclass(frozen=True, slots=True)
class Look:
    """By what the picture of a sample is known again.

    pixels : digest of its pixels, and of the ends of deep values
    small : as `fingerprints.small` makes it
    """

    pixels: str
    small: NDArray[np.uint8]
    values: Values | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that can be used: its sample, and how that looks."""

    sample: Sample
    look: Look

    @property
    def content(self) -> str:
        """The digest of its bytes."""
        return self.sample.id

    @property
    def source(self) -> str:
        """Where it was found."""
        return self.sample.source


def take(
    campaign: Campaign,
    path: Path,
    max_pixels: int,
    *,
    cohort: int = 0,
    known: Mapping[str, Taken] | None = None,
    address: str | None = None,
    withdrawn: Collection[str] = (),
) -> Taken | Quarantined | Withdrawn:
    """The sample that a file is, its bytes stored, or why it cannot be used.

    cohort : of a new sample
    known : the samples that are there, by id; none of them is decoded again
    address : where the file was fetched from, if from elsewhere
    withdrawn : ids of samples that are not taken again, and digests of their pixels
    """
    source = address or place(path, campaign.root)
    try:
        data = _read(path)
        name = digests.digest(data)
        if name in withdrawn:
            return Withdrawn(source)
        if known and name in known:
            _store(campaign, known[name].sample.file, data)
            return found_at(known[name], source)
        decoded = decoding.decode(data, max_pixels)
    except DataError as error:
        return Quarantined(source, str(error))
    look = _look(decoded)
    if look.pixels in withdrawn:
        return Withdrawn(source)
    file = f"{cohort:03d}/{name}{decoding.FORMATS[decoded.format]}"
    _store(campaign, file, data)
    width, height = decoded.image.size
    sample = Sample(name, file, source, "pool", width, height, decoded.notes)
    return Taken(sample, look)


def found_at(taken: Taken, source: str) -> Taken:
    """The same sample, found at `source`."""
    return replace(taken, sample=replace(taken.sample, source=source))


def look(campaign: Campaign, sample: Sample, max_pixels: int) -> Look:
    """How a sample of the campaign looks."""
    return _look(decoding.decode((campaign.images / sample.file).read_bytes(), max_pixels))


def _look(decoded: decoding.Decoded) -> Look:
    pixels = fingerprints.pixels_digest(decoded.image)
    if decoded.values:
        pixels = digests.digest(f"{pixels} {decoded.values}".encode())
    return Look(pixels, fingerprints.small(decoded.image), decoded.values)


def _store(campaign: Campaign, file: str, data: bytes) -> None:
    target = campaign.images / file
    if not _holds(target, data):
        atomic_files.write_bytes(target, data, durable=False)


def _read(path: Path) -> bytes:
    """The bytes of a file. Raises DataError with a short reason."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise DataError("not a file")  # opening a pipe would wait for ever
        if status.st_size > MAX_BYTES:
            raise DataError(f"too large: {status.st_size} bytes, wanted at most {MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}") from error


def _holds(path: Path, data: bytes) -> bool:
    """True if a file has these bytes; one that cannot be read has not."""
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def missing(path: Path) -> bool:
    """True if nothing is at `path`; False if that cannot be known."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def place(path: Path, root: Path) -> str:
    """Where a file was found, for people: relative to the campaign where it is near it."""
    text = os.fspath(path)
    if text.startswith(f"{str(root.parent).rstrip(os.sep)}{os.sep}"):
        text = os.path.relpath(text, root)
    return os.fsencode(text).decode("utf-8", "backslashreplace")  # names need not be UTF-8
