"""Stages `pretrain` and `embed` where the features are there already, in a file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labelcycle.campaign import layout, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import save_encoder
from labelcycle.campaign.sample_files import Sample, Which
from labelcycle.campaign.sample_lookup import Finder
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import DataError
from labelcycle.nn import encoders
from labelcycle.nn.encoders import ReadyMade
from labelcycle.nn.features_file import FeatureTable
from labelcycle.nn.progress import Progress

SHOWN = 3
"""Missing samples that an error names."""


def note(
    campaign: Campaign, name: str, values: Mapping[str, Any], show: Callable[[Progress], None]
) -> bool:
    """Write work/encoder/ for an encoder whose features are there already; False for any other.

    No image is looked at. Raises DataError if the features are not all there.

    name, values : of the encoder, and its own options
    """
    encoder = checked(campaign, name, values)
    if encoder is None:
        return False
    show(Progress(1, 1, note=described(encoder)))
    save_encoder(campaign.encoder, name, encoder)
    return True


def checked(
    campaign: Campaign, name: str, values: Mapping[str, Any], which: Which = "counting"
) -> ReadyMade | None:
    """The encoder whose features are there already; None for any other.

    Its file is looked for from the working folder. Raises DataError if they are not all there.

    which : samples that are to have features; all before a plan, with which all will count
    """
    module = encoders.get_ready_made(name)
    if module is None:
        return None
    encoder = module.ready_made(encoders.options_of(name, values))
    rows_of(campaign, encoder.table, sample_files.read_samples(campaign.samples, which=which))
    return encoder


def described(encoder: ReadyMade) -> str:
    """How much was read, and what people should know of it."""
    rows = len(encoder.table.features)
    how = "ids" if encoder.table.by_id else "paths"
    table = f"{counted(rows, 'row', spec=',')} of {counted(encoder.width, 'feature', spec=',')}"
    text = f"{table}, named by the images' {how}"
    return "; ".join(filter(None, (text, encoder.table.remark)))


def write(campaign: Campaign, encoder: ReadyMade, splits: Mapping[str, Sequence[Sample]]) -> None:
    """Write work/features/ of each split: (n, d) float32, rows in the order of its samples."""
    everyone = [sample for samples in splits.values() for sample in samples]
    rows = rows_of(campaign, encoder.table, everyone)
    # It tells of features that are an encoder's, which these replace.
    (campaign.features / layout.MADE_JSON).unlink(missing_ok=True)
    for split, samples in splits.items():
        picked = np.array([rows[sample.id] for sample in samples], dtype=np.int64)
        features = encoder.table.features[picked].astype(np.float32)
        numpy_files.write_array(campaign.split_features(split), features)


def rows_of(campaign: Campaign, table: FeatureTable, samples: Sequence[Sample]) -> dict[str, int]:
    """Row of the table for each sample id; rows of other images are left.

    Raises DataError that counts the samples without a row and names the first, or names two rows
    of one sample, or a row whose path several samples have.
    """
    finder = Finder(campaign, samples)
    rows: dict[str, int] = {}
    for row, name in enumerate(table.names):
        try:
            sample = finder.by_id.get(name) if table.by_id else finder.by_file(name)
        except DataError as error:
            raise DataError(f"features, row {row} (counted from 0): {error}") from error
        if sample is None or rows.setdefault(sample.id, row) == row:
            continue
        # one picture under two names has two rows, which say the same
        if not np.allclose(table.features[row], table.features[rows[sample.id]], rtol=1e-3):
            raise DataError(
                f"features: rows {rows[sample.id]} and {row} (counted from 0) are both of"
                f" {sample.source!r}: {table.names[rows[sample.id]]!r} and {name!r};"
                " leave one out"
            )
    _check_all(table, samples, rows)
    return rows


def _check_all(table: FeatureTable, samples: Sequence[Sample], rows: dict[str, int]) -> None:
    missing = [sample for sample in samples if sample.id not in rows]
    if not missing:
        return
    some = ", ".join(f"{s.source!r} (id {s.id})" for s in missing[:SHOWN])
    more = " and others" if len(missing) > SHOWN else ""
    how = "id of the sample" if table.by_id else "path of the image"
    raise DataError(
        f"no features for {len(missing)} of {counted(len(samples), 'sample')}: {some}{more};"
        " wanted a row for"
        f" every line of data/samples, named by the {how}; embed these images too and write"
        " the file anew (names are ids in an array `ids`, paths or file names in one `files`)"
    )
