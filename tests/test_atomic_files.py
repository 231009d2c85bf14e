"""Writes are whole or not at all, wherever a disk fills up or a process dies."""

import errno
import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcycle.campaign import atomic_files, json_files, label_files, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import RESTORE
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.numpy_files import read_array, read_arrays, write_arrays
from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError
from labelcycle.rounds import snapshots

CALLS = ("open", "fdopen", "write", "fsync", "chmod", "rename", "replace", "unlink")
"""What a write asks of the system; writes to the stream that `os.fdopen` gives are counted too."""


class Killed(BaseException):
    """The process is gone: whatever it does afterwards does not happen either."""


class Disk:
    """Lets `good` calls through; those after it fail with `error` (once, or if killed always)."""

    def __init__(self, good: int, error: BaseException) -> None:
        self.good, self.error, self.seen = good, error, 0

    def call(self, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        self.seen += 1
        fails = self.seen > self.good if isinstance(self.error, Killed) else self.seen == self.good
        if fails:
            raise self.error
        return function(*arguments, **keywords)

    def watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *arguments, **keywords: self.call(function, *arguments, **keywords)

    def stream(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def opened(*arguments: Any, **keywords: Any) -> Any:
            return Stream(self.call(function, *arguments, **keywords), self)

        return opened


class Stream:
    """A file whose writes are calls of the disk; half of what fails has been written."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        try:
            return int(self._disk.call(self._file.write, data))
        except BaseException:
            self._file.write(data[: len(data) // 2])
            raise


@contextmanager
def failing(good: int, error: BaseException) -> Iterator[Disk]:
    disk = Disk(good, error)
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            wrap = disk.stream if name == "fdopen" else disk.watched
            patch.setattr(os, name, wrap(getattr(os, name)))
        yield disk


OLD = {
    "json": (json_files.write_json, {"rounds": [1, 2, 3]}, {"rounds": []}),
    "labels": (label_files.write_labels, [Label("b", "cat"), Label("a", None, "skipped")], []),
    "array": (numpy_files.write_array, np.arange(500.0), np.zeros((3, 3))),
    "arrays": (
        lambda path, value: write_arrays(path, a=value),
        np.ones(9),
        np.zeros(2),
    ),
    "jsonl": (json_files.write_jsonl, [{"key": "value"}], [{"key": "other"}, {"key": "third"}]),
}


@pytest.fixture(params=OLD)
def change(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[], None]]:
    """A file with old content, and what would give it new content."""
    write, old, new = OLD[request.param]
    path = tmp_path / "data" / "file"
    write(path, old)
    return path, lambda: write(path, new)


def new_content(path: Path, write: Callable[[], None]) -> bytes:
    before = path.read_bytes()
    write()
    after = path.read_bytes()
    atomic_files.write_bytes(path, before)
    assert before != after
    return after


def calls_of(write: Callable[[], None]) -> int:
    with failing(10**6, OSError()) as disk:
        write()
    return disk.seen


Change = tuple[Path, Callable[[], None]]


def test_a_full_disk_at_any_call_leaves_the_old_content(change: Change) -> None:
    path, write = change
    before, after = path.read_bytes(), new_content(path, write)
    calls = calls_of(write)
    atomic_files.write_bytes(path, before)
    assert calls >= 5
    refused = 0
    for n in range(1, calls + 1):
        text = None
        with failing(n, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))):
            try:
                write()
            except DataError as error:
                text = str(error)
        if text is None:  # the file stands; only its folder could not be made durable at once
            assert path.read_bytes() == after
            atomic_files.write_bytes(path, before)
            continue
        refused += 1
        assert path.read_bytes() == before
        assert text == (
            f"cannot write {path}: wanted {len(after)} bytes on disk, got No space left on device;"
            " free some space or mend the folder, then run the same command again"
        )
        assert [p.name for p in path.parent.iterdir()] == ["file"]
    assert refused >= 4


def test_a_kill_at_any_call_leaves_the_old_or_the_new_content(change: Change) -> None:
    path, write = change
    before, after = path.read_bytes(), new_content(path, write)
    calls = calls_of(write)
    atomic_files.write_bytes(path, before)
    left: list[bytes] = []
    for n in range(calls):
        with failing(n, Killed("gone")), pytest.raises(Killed, match="gone"):
            write()
        left.append(path.read_bytes())
        atomic_files.write_bytes(path, before)
    assert set(left) <= {before, after}
    assert left[0] == before
    assert left[-1] == after


def test_what_kills_leave_behind_is_swept_and_nothing_else(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    files = [campaign.round(0) / "plan.json", campaign.label_file(0), campaign.selection]
    for path in files:
        json_files.write_json(path, {"a": 1})
        for n in range(1, 4):
            with failing(n, Killed("gone")), pytest.raises(Killed, match="gone"):
                json_files.write_json(path, {"a": 2})
    found = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert len(found) > len(files)
    snapshots.sweep(campaign)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(files)
    assert all(json.loads(path.read_text()) == {"a": 1} for path in files)


def test_a_file_above_the_systems_own_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    numpy_files.write_array(path, np.arange(4))
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(DataError, match=r"cannot write .*file: wanted 80128 .*File too large"):
            numpy_files.write_array(path, np.arange(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"width": "3"}, 'width: wanted a whole number, got "3"'),
        ({"split": "test"}, "split: wanted one of 'pool', 'holdout', got \"test\""),
        ({"values": ["float", 0]}, 'values: wanted a list of 3 values, got ["float", 0]'),
        ({"values": ["float", 0, "1"]}, 'values.2: wanted a number, got "1"'),
        ({"notes": "turned"}, 'notes: wanted a list, got "turned"'),
        ({"x": 1}, "x: wanted no such field, got 1"),
    ],
)
def test_a_sample_of_other_types_is_refused(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = tmp_path / "000.jsonl"
    sample = Sample("b" * 16, f"{'b' * 16}.png", "x/b.png", "pool", 3, 4)
    path.write_text(json.dumps(asdict(sample) | change) + "\n")
    with pytest.raises(DataError) as error:
        sample_files.read_samples(tmp_path)
    assert str(error.value) == f"{path}, line 1: {told}; {RESTORE}"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    samples = [
        Sample("b" * 16, f"{'b' * 16}.png", "x/b.png", "pool", 3, 4, values=("float", 0.0, 1.5)),
        Sample("a" * 16, f"{'a' * 16}.webp", "ä", "holdout", 1, 1),
    ]
    sample_files.write_samples(tmp_path / "samples", samples)
    assert sample_files.read_samples(tmp_path / "samples") == sorted(samples, key=lambda s: s.id)
    assert sample_files.read_samples(tmp_path / "samples", "pool") == samples[:1]
    labels = [
        Label("a", "Ärmel", votes={"Ärmel": 2}, source="round 0"),
        Label("b", None, "skipped"),
    ]
    label_files.write_labels(tmp_path / "labels", reversed(labels))
    assert label_files.read_labels(tmp_path / "labels") == labels


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a": 1}\nnonsense\n', r"file, line 2: wanted JSON, got"),
        ("{}\n[1]\n", r"file, line 2: wanted an object, got '\[1\]'"),
    ],
)
def test_a_broken_line_is_named(text: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text(text)
    with pytest.raises(DataError, match=wanted):
        list(json_files.read_jsonl(tmp_path / "file"))


@pytest.mark.parametrize("read", [json_files.read_json, read_array, read_arrays])
def test_missing_and_broken_files_are_named(read: Callable[[Path], Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"missing"):
        read(tmp_path / "missing")
    (tmp_path / "broken").write_bytes(b"{\xff")
    with pytest.raises(DataError, match=r"broken"):
        read(tmp_path / "broken")


def test_json_has_one_text() -> None:
    assert json_files.dump_json({"b": 1, "a": "ä"}) == '{\n  "a": "ä",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match=r"not JSON compliant"):
        json_files.dump_json({"a": float("nan")})


@pytest.mark.parametrize("left", [0, 100])
def test_arrays_that_were_cut_off_are_an_error_that_names_the_file(
    tmp_path: Path, left: int
) -> None:
    path = tmp_path / "x.npz"
    write_arrays(path, rows=np.arange(100))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match=r"cannot read .*x\.npz: wanted arrays, .*labelcycle run"):
        read_arrays(path)


@pytest.mark.parametrize("left", [0, 100, 200])
def test_an_array_that_was_cut_off_is_an_error_that_names_the_file(
    tmp_path: Path, left: int
) -> None:
    path = tmp_path / "x.npy"
    numpy_files.write_array(path, np.arange(100))
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(DataError, match=r"cannot read .*x\.npy: wanted an array, .*labelcycle run"):
        read_array(path)


def test_beginnings_of_files_that_a_kill_left_are_removed_and_nothing_else(tmp_path: Path) -> None:
    left = tmp_path / "data" / "images" / f".a.png.{'0' * 16}{atomic_files.PART}"
    kept = [tmp_path / "data" / "images" / "a.png", tmp_path / ".git" / f".x{atomic_files.PART}"]
    for path in (left, *kept):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    atomic_files.remove_parts(tmp_path)
    assert not left.exists()
    assert all(path.exists() for path in kept)
