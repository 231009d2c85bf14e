"""The manifest of the samples, `data/samples.jsonl`: one usable image a line."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from labelcycle.campaign.json_files import RESTORE, read_jsonl, typed_line, write_jsonl
from labelcycle.core.digests import DIGITS
from labelcycle.errors import DataError

STORED = re.compile(r"(?P<id>[0-9a-f]{16})\.[a-z0-9]{3,4}")
"""Names of files in data/images: the id of the sample, and the format."""


@dataclass(frozen=True)
class Sample:
    """One usable image.

    id : first 16 hex digits of the sha256 of its bytes
    file : name below data/images
    source : where it was found when it was ingested, for people
    split : "pool", or "holdout" for the frozen random hold-out
    width, height : size in pixels as the model sees it, after turning
    notes : what was done to make it usable ("turned by EXIF orientation 6", ...)
    also : where else the same bytes or the same pixels were found
    values : of pixels of more than 8 bits: their kind, and which values are black and white
    group : id of one of several samples that show nearly the same picture; they have one split
    """

    id: str
    file: str
    source: str
    split: Literal["pool", "holdout"]
    width: int
    height: int
    notes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    values: tuple[str, float, float] | None = None
    group: str = ""

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """`values` as `decoding.decode` takes them."""
        return {self.values[0]: self.values[1:]} if self.values else {}


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write the manifest, sorted by id: this order is the order of all feature rows."""
    write_jsonl(path, (asdict(s) for s in sorted(samples, key=lambda s: s.id)))


def read_samples(path: Path, split: str | None = None) -> list[Sample]:
    """The samples of the manifest, or of one split, sorted by id (pool order).

    Raises DataError for a line that no ingest writes: ids and file names become paths.
    """
    samples = []
    for line, record in enumerate(read_jsonl(path), start=1):
        name = STORED.fullmatch(str(record.get("file")))
        if not name or name["id"] != record.get("id"):
            raise DataError(
                f"{path}, line {line}: wanted an id of {DIGITS} hex digits and a file of that name,"
                f" got {record.get('id')!r} and {record.get('file')!r}; {RESTORE}"
            )
        samples.append(typed_line(Sample, record, f"{path}, line {line}"))
    return [s for s in samples if split is None or s.split == split]
