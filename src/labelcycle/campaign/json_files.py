"""Reads and writes JSON in its canonical text: one value a file, or one object a line."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.records.json_values import OddValueError, typed
from labelcycle.core.digests import digest
from labelcycle.errors import DataError

RESTORE = "restore it with `git checkout` or `dvc checkout`"
"""What to do about a broken record: git keeps what is small, DVC the rest."""

T = TypeVar("T")


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
        lines = path.open(encoding="utf-8")
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; wanted one JSON object a line; {RESTORE}") from error
    file = str(path)
    with lines:  # one at a time: those of a million samples take as much memory as the samples
        for number, line in enumerate(lines, start=1):
            where = f"{file}, line {number}"
            try:
                value = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError(f"{where}: wanted JSON, got {error}; {RESTORE}") from error
            yield value, where


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file with one JSON object a line. Raises DataError naming file and line."""
    for value, where in json_lines(path):
        if not isinstance(value, dict):
            line = json.dumps(value, ensure_ascii=False)
            raise DataError(f"{where}: wanted an object, got {line!r}; {RESTORE}")
        yield value


def typed_line(kind: type[T], record: Any, where: str) -> T:
    """A line as a dataclass. Raises DataError for a field that is missing, too many or odd."""
    try:
        found: T = typed(kind, record)
    except OddValueError as odd:
        raise DataError(f"{where}: {odd}; {RESTORE}") from None
    return found
