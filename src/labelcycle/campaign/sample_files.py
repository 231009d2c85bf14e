"""The manifests of the samples, `data/samples/NNN.jsonl`: one file a cohort, one image a line."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from labelcycle.campaign import layout
from labelcycle.campaign.json_files import RESTORE, read_jsonl, typed_line, write_jsonl
from labelcycle.campaign.records.json_values import SPARSE, plain
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.core.digests import DIGITS
from labelcycle.errors import DataError

STORED = re.compile(r"(?:(?P<cohort>\d{3,})/)?(?P<id>[0-9a-f]{16})\.[a-z0-9]{3,4}")
"""Names of files below data/images: the cohort, the id of the sample, and the format."""

HELD_OUT, GROUPED = b'"split": "holdout"', b'"named_groups": ['
"""In the line of a sample of the hold-out, and of one with groups; in a text, quotes are escaped.
"""

Which = Literal["counting", "encoder", "all"]
"""counting: samples of the round at work; encoder: those it is trained on; all: waiting ones too.
"""


@dataclass(frozen=True, slots=True)
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
    named_groups : names of its patient, camera or product, as `ingest.group` says. Several where
        its picture was found in several
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
    named_groups: tuple[str, ...] = field(default=(), metadata=SPARSE)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """`values` as `decoding.decode` takes them."""
        return {self.values[0]: self.values[1:]} if self.values else {}

    @property
    def cohort(self) -> int:
        """Number of the cohort that it came in with."""
        folder, slash, _ = self.file.rpartition("/")
        return int(folder) if slash else 0

    @property
    def picture(self) -> str:
        """What it shares with samples that show nearly the same picture."""
        return self.group or self.id


def manifest(folder: Path, number: int) -> Path:
    """File of the samples of a cohort."""
    return folder / f"{number:03d}.jsonl"


def cohort_numbers(folder: Path) -> range:
    """Numbers of the cohorts. Raises DataError if the manifest of one before the last is missing.

    folder : data/samples
    """
    there = {int(path.stem) for path in folder.glob("*.jsonl") if path.stem.isdigit()}
    gone = sorted(set(range(len(there))) - there)
    if gone:
        raise DataError(
            f"{manifest(folder, gone[0])} is missing; wanted the manifest of each cohort up to"
            f" {max(there)}; {RESTORE}"
        )
    return range(len(there))


def counted(folder: Path, which: Which = "counting") -> list[int]:
    """Numbers of the cohorts that count; all of them before the first round is planned.

    folder : data/samples, beside which data/pool.json is
    """
    numbers = cohort_numbers(folder)
    pool = folder.with_name(Path(layout.POOL).name)
    if which == "all" or not pool.exists():
        return [*numbers]
    record = PoolRecord.read(pool)
    names = record.encoder if which == "encoder" else record.cohorts
    return [number for number in numbers if f"{number:03d}" in names]


def write_samples(folder: Path, samples: Iterable[Sample]) -> None:
    """Write the manifest of each cohort that samples are of, sorted by id; an empty one of none."""
    cohorts: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        cohorts[sample.cohort].append(sample)
    for number, members in sorted(cohorts.items()) or [(0, [])]:
        members.sort(key=lambda sample: sample.id)
        write_jsonl(manifest(folder, number), (plain(sample) for sample in members))


def read_samples(folder: Path, split: str | None = None, which: Which = "counting") -> list[Sample]:
    """The samples, or those of one split, sorted by id: the order of all feature rows.

    Raises DataError if no cohort is there, or for a line that no ingest writes: ids and file names
    become paths.
    """
    numbers = counted(folder, which) or [0]  # which is missing, and told so
    each = (read_manifest(manifest(folder, number)) for number in numbers)
    return merged(each, split)


def merged(manifests: Iterable[Iterable[Sample]], split: str | None = None) -> list[Sample]:
    """The samples of several cohorts, or those of one split, sorted by id."""
    samples = (s for samples in manifests for s in samples if split is None or s.split == split)
    return sorted(samples, key=lambda sample: sample.id)


@dataclass(frozen=True)
class ManifestCounts:
    """Samples of a cohort in the pool and in the hold-out, and those that have named groups."""

    pool: int = 0
    holdout: int = 0
    grouped: int = 0


def count_manifest(path: Path) -> ManifestCounts:
    """What a manifest that an ingest wrote holds, by the look of its lines.

    To make a million samples of them takes ten seconds. Raises DataError if it is missing.
    """
    lines = held = grouped = 0
    try:
        with path.open("rb") as stream:
            for line in stream:
                lines += 1
                held += HELD_OUT in line
                grouped += GROUPED in line
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; wanted a cohort's manifest; {RESTORE}") from error
    return ManifestCounts(lines - held, held, grouped)


def read_manifest(path: Path) -> list[Sample]:
    """The samples of one cohort. Raises DataError as `read_samples` does."""
    samples, cohort = [], path.stem
    for line, record in enumerate(read_jsonl(path), start=1):
        name = STORED.fullmatch(str(record.get("file")))
        own = name and name["id"] == record.get("id") and name["cohort"] in (None, cohort)
        if not own:
            raise DataError(
                f"{path}, line {line}: wanted an id of {DIGITS} hex digits and a file of that name,"
                f" got {record.get('id')!r} and {record.get('file')!r}; {RESTORE}"
            )
        samples.append(typed_line(Sample, record, f"{path}, line {line}"))
    return samples
