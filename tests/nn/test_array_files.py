"""Arrays of a file that somebody else wrote: whole ones, and all that may be wrong with it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from labelcycle.nn.array_files import array_of, opened

ROWS = np.random.default_rng(0).random((500, 4))


def whole(path: Path) -> None:
    np.savez_compressed(path, rows=ROWS)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_bytes(b"file,x\n")


def one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, ROWS)


def cut_off(path: Path) -> None:
    whole(path)
    path.write_bytes(path.read_bytes()[:5000])


def turned(path: Path) -> None:
    whole(path)
    data = path.read_bytes()
    path.write_bytes(data[:5000] + bytes(255 - each for each in data[5000:5200]) + data[5200:])


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    whole(tmp_path / "x.npz")
    with opened(tmp_path / "x.npz") as archive:
        np.testing.assert_array_equal(array_of(archive, "rows"), ROWS)


@pytest.mark.parametrize("write", [empty, text, one_array, cut_off, turned])
def test_another_or_a_damaged_file_is_a_value_error(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "x.npz")
    with (
        pytest.raises(ValueError, match=r"wanted an \.npz file as numpy\.savez writes it, got"),
        opened(tmp_path / "x.npz") as archive,
    ):
        array_of(archive, "rows")


def test_no_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"x\.npz"), opened(tmp_path / "x.npz"):
        pass
