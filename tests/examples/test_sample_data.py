import csv
import hashlib
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from labelcycle import decoding

FASHION = Path(__file__).resolve().parents[2] / "examples" / "fashion"


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """Content by name, in the order of the archive."""
    with tarfile.open(FASHION / "images.tar.xz") as archive:
        entries = archive.getmembers()
        assert all(entry.isfile() for entry in entries)
        return {entry.name: archive.extractfile(entry).read() for entry in entries}  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def truth() -> list[tuple[str, str]]:
    with (FASHION / "truth.csv").open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["file", "label"]
    return [(name, label) for name, label in rows]


def test_the_truth_names_the_files_of_the_archive_row_for_row(
    files: dict[str, bytes], truth: list[tuple[str, str]]
) -> None:
    assert len(files) == 2000
    assert list(files) == [name for name, _ in truth]


def test_every_class_is_there_and_no_other(truth: list[tuple[str, str]]) -> None:
    classes = (FASHION / "classes.txt").read_text(encoding="utf-8").splitlines()
    counts = Counter(label for _, label in truth)
    assert sorted(counts) == sorted(classes)
    assert min(counts.values()) > 150


def test_every_file_is_an_image_named_by_its_pixels(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        decoded = decoding.decode(content)
        grey = np.asarray(decoded.image)[..., 0]
        assert (decoded.format, decoded.notes, grey.shape) == ("PNG", (), (28, 28))
        assert name == hashlib.sha256(grey.tobytes()).hexdigest()[:12] + ".png"


def test_neither_name_nor_order_nor_size_carries_the_class(
    files: dict[str, bytes], truth: list[tuple[str, str]]
) -> None:
    assert list(files) == sorted(files)
    assert len({len(content) for content in files.values()}) == 1
    labels = np.array([label for _, label in truth])
    # Were classes grouped, most neighbours would be of one class; by chance a tenth are.
    assert np.mean(labels[1:] == labels[:-1]) < 0.13
    rank = np.arange(len(labels))
    spread = len(labels) / np.sqrt(12)
    for label in np.unique(labels):
        of_class = rank[labels == label]
        assert abs(of_class.mean() - rank.mean()) < 4 * spread / np.sqrt(len(of_class))


def test_the_sample_data_stays_small() -> None:
    assert sum(path.stat().st_size for path in FASHION.iterdir() if path.is_file()) < 2_000_000
