"""The files of a campaign: every path, and one reader and one writer for each kind of file.

`contents.py` says of each file who keeps it and what it holds.

Writes are whole or not at all: temporary file, fsync, rename.
"""

import contextlib
import io
import json
import os
import re
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from labelcycle.campaign import layout
from labelcycle.campaign.records.json_values import OddValueError, typed
from labelcycle.core.digests import DIGITS
from labelcycle.core.digests import digest as digest  # for whoever reads and writes files
from labelcycle.core.digests import file_digest as file_digest
from labelcycle.errors import DataError

PART = ".part"
"""Ends the name of a file that is being written; git and DVC ignore such files."""

RESTORE = "restore it with `git checkout` or `dvc checkout`"
"""What to do about a broken record: git keeps what is small, DVC the rest."""

T = TypeVar("T")

STORED = re.compile(r"(?P<id>[0-9a-f]{16})\.[a-z0-9]{3,4}")
"""Names of files in data/images: the id of the sample, and the format."""

OWNED = "owned"
"""Name of the label file that holds the labels owned before round 0."""


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


@dataclass(frozen=True)
class Label:
    """What was made of the answers for one sample.

    label : the accepted class name, or None if the sample was rejected
    reason : why it was rejected ("skipped", "empty answer", "unknown class 'x'"), else None
    votes, confidence, adjudicate : as in `core.consensus.Verdict`
    """

    sample: str
    label: str | None
    reason: str | None = None
    votes: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    confidence: float | None = None
    adjudicate: bool = False


class Campaign:
    """The paths of one campaign."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.params = self.root / layout.PARAMS
        self.dvc_yaml = self.root / layout.DVC_YAML
        self.code = self.root / layout.CODE
        self.schema = self.root / layout.SCHEMA
        self.again = self.root / layout.AGAIN
        self.data = self.root / layout.DATA
        self.images = self.root / layout.IMAGES
        self.samples = self.root / layout.SAMPLES
        self.quarantine = self.root / layout.QUARANTINE
        self.labels = self.root / layout.LABELS
        self.holdout = self.root / layout.HOLDOUT
        self.rounds = self.root / layout.ROUNDS
        self.decisions = self.rounds / "decisions.jsonl"
        self.work = self.root / layout.WORK
        self.encoder = self.root / layout.ENCODER
        self.features = self.root / layout.FEATURES
        self.model = self.root / layout.MODEL
        self.probabilities = self.root / layout.PROBABILITIES
        self.own_features = self.root / layout.OWN_FEATURES
        self.clusters = self.root / layout.CLUSTERS
        self.selection = self.root / layout.SELECTION
        self.metrics = self.root / layout.METRICS
        self.figures = self.root / layout.FIGURES
        self.private = self.root / layout.PRIVATE
        self.lock = self.root / layout.LOCK
        self.stage_lock = self.root / layout.STAGE_LOCK
        self.services = self.root / layout.SERVICES
        self.services_lock = self.root / layout.SERVICES_LOCK
        self.notices = self.root / layout.NOTICES
        self.trusted = self.root / layout.TRUSTED
        self.checked_options = self.root / layout.CHECKED_OPTIONS
        self.curves = self.root / layout.CURVES
        self.demo_mark = self.root / layout.DEMO_MARK
        self.answers = self.root / layout.ANSWERS
        self.tasks = self.root / layout.TASKS
        self.media = self.root / layout.MEDIA
        self.checkpoints = self.root / layout.CHECKPOINTS
        self.processes = self.root / layout.PROCESSES
        self.fetched = self.root / layout.FETCHED
        self.label_studio = self.root / layout.LABEL_STUDIO
        self.mlflow = self.root / layout.MLFLOW
        self.prefect = self.root / layout.PREFECT

    def round(self, number: int) -> Path:
        """Folder of round `number`."""
        return self.rounds / f"{number:03d}"

    def split_features(self, split: str) -> Path:
        """File of the features of one split, "pool" or "holdout"."""
        return self.features / f"{split}.npy"

    def label_file(self, name: int | str) -> Path:
        """File of the labels of a round, or of the owned ones."""
        stem = f"{name:03d}" if isinstance(name, int) else name
        return self.labels / f"{stem}.jsonl"


# --- bytes ---------------------------------------------------------------------------------


def write_bytes(path: Path, data: bytes, mode: int = 0o644, durable: bool = True) -> None:
    """Write `data` to `path` whole or not at all, durable when this returns.

    mode : what the account's umask may lessen
    durable : False for one of many files that the caller makes durable together

    Raises DataError if the disk is full or the folder not writable; `path` is then as before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}{PART}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: wanted {len(data)} bytes on disk, got {error.strerror or error};"
            " free some space or mend the folder, then run the same command again"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system allows it."""
    with contextlib.suppress(OSError):  # some file systems refuse fsync on a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# --- JSON ----------------------------------------------------------------------------------


def dump_json(value: object) -> str:
    """Canonical text of a value: sorted keys, two spaces, one trailing newline, no NaN."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def value_digest(value: object) -> str:
    """Digest of a value, by its canonical text."""
    return digest(dump_json(value).encode())


def write_json(path: Path, value: object) -> None:
    """Write a value as canonical JSON."""
    write_bytes(path, dump_json(value).encode())


def read_json(path: Path) -> Any:
    """The value of a JSON file. Raises DataError that names the file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; wanted a JSON file") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not JSON: {error}; restore it with git") from error


def write_jsonl(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    """Write one canonical JSON object a line."""
    write_bytes(path, _lines(records))


def append_jsonl(path: Path, records: Iterable[Mapping[str, Any]], mode: int = 0o644) -> None:
    """Add canonical JSON objects to a file, one a line; durable when this returns.

    Whoever adds at the same time adds before or behind. Half a line that a killed program left
    keeps to a line of its own.

    mode : of a new file, which the account's umask may lessen
    """
    data = _lines(records)
    if not data:
        return

    def opened(file: str, flags: int) -> int:
        return os.open(file, flags, mode)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a+b", opener=opened) as stream:
            end = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, end - 1))
            broken = stream.read(1) not in (b"", b"\n")
            stream.write(b"\n" * broken + data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise DataError(
            f"cannot write {path}: wanted {len(data)} bytes more, got {error.strerror or error};"
            " free some space or mend the folder, then run the same command again"
        ) from error


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    texts = (
        json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False)
        for record in records
    )
    return "".join(f"{text}\n" for text in texts).encode()


def json_lines(path: Path) -> Iterator[tuple[Any, str]]:
    """Each line's value, and the words for where it is. Raises DataError for what is no JSON."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; wanted one JSON object a line; {RESTORE}") from error
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        where = f"{path}, line {number}"
        try:
            yield json.loads(line), where
        except json.JSONDecodeError as error:
            raise DataError(f"{where}: wanted JSON, got {error}; {RESTORE}") from error


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file with one JSON object a line. Raises DataError naming file and line."""
    for value, where in json_lines(path):
        if not isinstance(value, dict):
            line = json.dumps(value, ensure_ascii=False)
            raise DataError(f"{where}: wanted an object, got {line!r}; {RESTORE}")
        yield value


# --- arrays --------------------------------------------------------------------------------


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write one array as .npy, C-contiguous."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def read_array(path: Path) -> NDArray[Any]:
    """An array from .npy, memory-mapped and read-only."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(
            f"cannot read {path}: wanted an array, got {error}; run `labelcycle run`"
        ) from error
    return array


def write_arrays(path: Path, **arrays: NDArray[Any]) -> None:
    """Write named arrays as one .npz."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The named arrays of a .npz."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"cannot read {path}: wanted arrays, got {error}; run `labelcycle run`"
        ) from error


# --- samples and labels --------------------------------------------------------------------


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
        samples.append(_typed(Sample, record, f"{path}, line {line}"))
    return [s for s in samples if split is None or s.split == split]


def _typed(kind: type[T], record: Any, where: str) -> T:
    """A sample or a label. Raises DataError for a field that is missing, too many or odd."""
    try:
        found: T = typed(kind, record)
    except OddValueError as odd:
        raise DataError(f"{where}: {odd}; {RESTORE}") from None
    return found


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write a label file, sorted by sample id."""
    write_jsonl(path, (asdict(label) for label in sorted(labels, key=lambda x: x.sample)))


def read_labels(path: Path) -> list[Label]:
    """The labels of one file as they were written; `labels.py` reads them as they count now.

    Raises DataError for a line that has other fields than a label, or of other types.
    """
    return [
        _typed(Label, record, f"{path}, line {line}")
        for line, record in enumerate(read_jsonl(path), start=1)
    ]
