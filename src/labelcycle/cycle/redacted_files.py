"""The content of a campaign's files without some samples: their lines, rows and entries go.

The rest stays byte by byte, but for arrays, which lose rows, and JSON, whose text is canonical.
"""

import io
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.campaign import json_files, layout
from labelcycle.core.neighbours import unit_rows
from labelcycle.errors import DataError

SAME_DIRECTION = 1 - 1e-6
"""Cosine from which a row is taken for a withdrawn one that was scaled."""

JSON_LINES = re.compile(
    rf"{layout.SAMPLES}/\d+\.jsonl|{layout.LABELS}/[^/]+\.jsonl|{layout.HOLDOUT}"
    rf"|{layout.ROUNDS}/(\d+/)?[^/]+\.jsonl|{layout.ANSWERS}/\d+\.jsonl"
)
JSON_LISTS = re.compile(rf"{layout.SELECTION}|{layout.ROUNDS}/\d+/(selection|pushed)\.json")
LOOKS = re.compile(rf"{layout.SAMPLES}/\d+\.npz")
ROWS = {
    f"{layout.FEATURES}/pool.npy": "pool",
    f"{layout.FEATURES}/holdout.npy": "holdout",
    layout.OWN_FEATURES: "pool",
    layout.PROBABILITIES: "pool",
}
"""Arrays with a row for each sample of a split."""
FEATURE_ROWS = frozenset(ROWS) - {layout.PROBABILITIES}
MADE = f"{layout.FEATURES}/{layout.MADE_JSON}"

SplitIds = Mapping[str, Sequence[str]]
"""Ids of the samples of the pool and of the hold-out, in the order of rows."""


@dataclass
class Redaction:
    """Samples that go, and what was learned on the way.

    ids : of the samples
    digests : from the digest of a file before to that of the file without them
    rows : features of them that were met, as they were stored
    """

    ids: frozenset[str]
    digests: dict[str, str] = field(default_factory=dict)
    rows: list[NDArray[np.floating]] = field(default_factory=list)

    def without(self, path: str, content: bytes, splits: Sequence[SplitIds]) -> bytes | None:
        """The content of a file without the samples; None if there is no telling what is theirs.

        path : of the file in a campaign, which says what is in it
        splits : the samples whose rows an array may have, the likeliest first
        """
        if JSON_LINES.fullmatch(path):
            return self._lines(content)
        if JSON_LISTS.fullmatch(path):
            return self._entries(content)
        if LOOKS.fullmatch(path):
            return self._looks(content)
        if path in ROWS:
            return self._rows(path, content, splits)
        if path == layout.CLUSTERS:
            return self._clusters(content, splits)
        if path == MADE:
            text = content.decode()
            for old, new in self.digests.items():
                text = text.replace(f'"{old}"', f'"{new}"')
            return text.encode()
        return content

    # --- text -------------------------------------------------------------------------------

    def _lines(self, content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        return b"".join(line for line in lines if not self._names_one(line))

    def _names_one(self, line: bytes) -> bool:
        """Whether a line is about one of the samples; half a line, too, that has its id."""
        if not any(name.encode() in line for name in self.ids):
            return False
        try:
            record = json.loads(line)
        except ValueError:
            return True
        key = str(record.get("key", "")).rpartition("/")[2]
        return bool(self.ids & {record.get("sample"), record.get("id"), key})

    def _entries(self, content: bytes) -> bytes:
        """A selection, or what was pushed, without the entries of the samples."""
        if not self.holds_id(content):
            return content
        record = json.loads(content)
        for name in ("samples", "tasks"):
            if name in record:
                record[name] = [each for each in record[name] if each["sample"] not in self.ids]
        return json_files.dump_json(record).encode()

    # --- arrays -----------------------------------------------------------------------------

    def _looks(self, content: bytes) -> bytes:
        arrays = _npz(content)
        keep = np.array([name.decode() not in self.ids for name in arrays["ids"]], dtype=bool)
        return content if keep.all() else _as_npz({k: v[keep] for k, v in arrays.items()})

    def _kept(
        self, length: int, split: str, splits: Sequence[SplitIds]
    ) -> NDArray[np.bool_] | None:
        """Which rows of an array stay; None if nobody can tell which of `splits` it has."""
        keeps = [
            np.array([name not in self.ids for name in ids[split]], dtype=bool) for ids in splits
        ]
        for place, keep in enumerate(keeps):
            if length == len(keep):
                return keep
            if length == keep.sum():  # they are gone already, or it is of fewer cohorts
                fewer = any(len(each) == length != each.sum() for each in keeps[place + 1 :])
                return None if fewer else np.ones(length, dtype=bool)
        return None

    def _rows(self, path: str, content: bytes, splits: Sequence[SplitIds]) -> bytes | None:
        array = np.load(io.BytesIO(content), allow_pickle=False)
        if not len(array):  # no features of a model's own
            return content
        keep = self._kept(len(array), ROWS[path], splits)
        if keep is None:
            return None
        if keep.all():
            return content
        if path in FEATURE_ROWS:
            self.rows += [row.copy() for row in array[~keep]]
        return _as_npy(array[keep])

    def _clusters(self, content: bytes, splits: Sequence[SplitIds]) -> bytes | None:
        arrays = _npz(content)
        keep = self._kept(len(arrays["assignment"]), "pool", splits)
        if keep is None:
            return None
        if keep.all():
            return content
        centres = arrays["centres"].copy()
        centres[self._alike(centres)] = 0  # the centre of a cluster of one is its features
        return _as_npz({**arrays, "assignment": arrays["assignment"][keep], "centres": centres})

    def _alike(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which rows have the direction of features of one of the samples."""
        rows = [row for row in self.rows if points.ndim == 2 and row.shape == points.shape[1:]]
        if not rows or not len(points):
            return np.zeros(len(points), dtype=bool)
        cosines = unit_rows(points) @ unit_rows(np.stack(rows)).T
        return np.asarray(cosines.max(axis=1) > SAME_DIRECTION)

    def holds_id(self, content: bytes) -> bool:
        """Whether the id of one of the samples is in some bytes."""
        return any(name.encode() in content for name in self.ids)

    def holds(self, content: bytes) -> bool:
        """Whether an id, or features that were met, are in some bytes."""
        return self.holds_id(content) or any(row.tobytes() in content for row in self.rows)


def _npz(content: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return dict(archive)


def _as_npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _as_npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def splits(manifests: Sequence[bytes], counted: Collection[int]) -> list[SplitIds]:
    """The samples whose rows an array may have: of the cohorts that count, or of the first ones.

    manifests : of all cohorts, by number

    Raises DataError for a manifest that cannot be read.
    """
    lines = [_manifest(content) for content in manifests]
    prefixes = [range(number) for number in range(len(lines), 0, -1)]
    return [
        _split([lines[n] for n in numbers if n < len(lines)]) for numbers in (counted, *prefixes)
    ]


def _manifest(content: bytes) -> list[tuple[str, str]]:
    try:
        records = [json.loads(line) for line in content.splitlines()]
        return [(record["id"], record["split"]) for record in records]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a manifest of {layout.SAMPLES} cannot be read: {error!r:.200}") from error


def _split(cohorts: Sequence[Sequence[tuple[str, str]]]) -> SplitIds:
    pairs = sorted(pair for cohort in cohorts for pair in cohort)
    return {
        name: [sample for sample, split in pairs if split == name] for name in ("pool", "holdout")
    }
