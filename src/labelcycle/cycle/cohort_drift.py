"""Whether new cohorts look like the images before, by their features: told, and nothing more.

A worse accuracy after new images has one of two reasons: the model, or the images. This says when
to suspect the images.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labelcycle import decoding
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.records.drift_record import Drift
from labelcycle.campaign.sample_files import Sample
from labelcycle.core import energy_test
from labelcycle.core.counted_nouns import counted
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.seeding import derive
from labelcycle.errors import LabelcycleError
from labelcycle.ingest import contact_sheet
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages.pool_files import read_features

LEAST = 5
"""Images of a cohort from which it is compared: of fewer, chance explains almost anything."""

UNLIKELY = 0.01
"""A cohort is told to look different from here on: by chance, one in a hundred does."""

SHOWN = 16
"""Most unusual images on the contact sheet."""

ROWS = 16_384
"""Earlier images compared with a cohort at a time."""


@dataclass(frozen=True)
class Pictured:
    """Samples with their features, row by row."""

    samples: Sequence[Sample]
    features: NDArray[np.floating]


def lines(snapshot: Snapshot) -> list[str]:
    """A line on each cohort that counts since the round before; none for small ones.

    The most unusual images of a different one are drawn into `.labelcycle/unusual/NNN.png`, by
    which `status` knows of it. What cannot be compared is told, and stops nothing.
    """
    records, number = snapshot.records, snapshot.number
    if number == 0:
        return []
    new = range(records.plan(number - 1).cohorts, records.plan(number).cohorts)
    try:
        return [line for cohort in new for line in _compared(snapshot, cohort)]
    except LabelcycleError as error:
        return [f"new images were not compared with those before: {error}"]


def _compared(snapshot: Snapshot, cohort: int) -> Iterator[str]:
    before, own = (_read(snapshot, counts) for counts in (range(cohort), [cohort]))
    if len(own.samples) < LEAST:
        return
    rng = derive(snapshot.config.campaign.seed, cohort, "drift")
    found = energy_test.compare(before.features, own.features, rng)
    path = snapshot.campaign.unusual_sheet(cohort)
    drift = Drift(found.p, found.p <= UNLIKELY)
    drift.write(snapshot.campaign.drift(cohort))
    if not drift.different:
        path.unlink(missing_ok=True)  # of other images, before a rollback
        yield f"cohort {cohort} {drift.summary}"
        return
    rows = unusual(before.features, own.features)[:SHOWN]
    write_bytes(path, _sheet(snapshot, [own.samples[row] for row in rows], cohort))
    yield (
        f"cohort {cohort} {drift.summary}: a change of the accuracy may come from that; its"
        f" {counted(len(rows), 'most unusual image')} in {path}"
    )


def _read(snapshot: Snapshot, cohorts: Sequence[int]) -> Pictured:
    """The samples of some cohorts, of the pool and the hold-out."""
    samples: list[Sample] = []
    arrays = []
    for split in ("pool", "holdout"):
        _, features = read_features(snapshot.campaign, split)
        everyone = snapshot.records.samples(split)
        rows = [row for row, sample in enumerate(everyone) if sample.cohort in cohorts]
        samples += [everyone[row] for row in rows]
        arrays.append(features[np.array(rows, dtype=np.int64)])
    return Pictured(samples, np.concatenate(arrays))


def unusual(before: NDArray[np.floating], own: NDArray[np.floating]) -> NDArray[np.int64]:
    """Rows of `own` (m, d), those first whose most similar one of `before` (n, d) is least similar.

    >>> unusual(np.array([[1.0, 0], [0, 1]]), np.array([[2.0, 0], [-1, -1], [1, 1]])).tolist()
    [1, 2, 0]
    """
    directions = unit_rows(own)
    nearest = np.full(len(own), -np.inf)
    for start in range(0, len(before), ROWS):
        similar = directions @ unit_rows(before[start : start + ROWS]).T
        nearest = np.maximum(nearest, similar.max(axis=1))
    return np.argsort(nearest, kind="stable").astype(np.int64)


def _sheet(snapshot: Snapshot, samples: Sequence[Sample], cohort: int) -> bytes:
    most = snapshot.config.ingest.max_pixels
    small = []
    for sample in samples:
        data = (snapshot.campaign.images / sample.file).read_bytes()
        image = decoding.decode(data, most, sample.ranges).image
        small.append((image, sample.source.rpartition("/")[2]))
    title = f"Cohort {cohort}: least like the images before"
    return decoding.png_bytes(contact_sheet.sheet(small, title))
