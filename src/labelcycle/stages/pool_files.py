"""The pool of a round as arrays, read from the files of a campaign."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.campaign import layout, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import read_all_labels
from labelcycle.core.class_names import meant
from labelcycle.core.counted_nouns import counted
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.errors import DataError


@contextmanager
def sound_pool() -> Iterator[None]:
    """Adds to what is wrong with a pool how its files are made anew."""
    try:
        yield
    except DataError as error:
        raise DataError(
            f"{error} (rows are those of data/samples without the hold-out, in order of id;"
            " `labelcycle stage embed` and `labelcycle stage train` make features and"
            " probabilities anew, `labelcycle run` all that is due)"
        ) from error


def read_features(campaign: Campaign, split: str) -> tuple[list[str], NDArray[np.floating]]:
    """Sample ids and features (n, d) of one split, row by row; memory-mapped, rows in id order.

    Raises DataError if the number of rows is not the number of samples.
    """
    ids = [sample.id for sample in sample_files.read_samples(campaign.samples, split)]
    path = campaign.split_features(split)
    features = numpy_files.read_array(path)
    _check_length(path, features, ids, "embed")
    return ids, features


def read_pool(
    campaign: Campaign,
    classes: Sequence[str],
    *,
    clusters: bool = False,
    probabilities: bool = False,
    own_features: bool = False,
) -> tuple[list[str], Pool]:
    """Sample ids and the pool, row by row in id order; the hold-out is not in it.

    clusters, probabilities : whether the stages' outputs are to be read too
    own_features : those of the model, where `train` wrote some, instead of the encoder's
    """
    ids, features = read_features(campaign, "pool")
    path = campaign.own_features
    if own_features and path.exists():  # it is not there before the first training
        own = numpy_files.read_array(path)
        if len(own):
            _check_length(path, own, ids, "train")
            features = own
    labels, available = label_columns(campaign, ids, classes)
    assignment = chances = None
    if clusters:
        assignment = numpy_files.read_arrays(campaign.clusters)["assignment"]
        _check_length(campaign.clusters, assignment, ids, "cluster")
    if probabilities:
        path = campaign.probabilities
        chances = numpy_files.read_array(path)
        _check_length(path, chances, ids, "train")
    return ids, Pool(features, labels, available, assignment, chances)


def label_columns(
    campaign: Campaign, ids: Sequence[str], classes: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Class index (-1 without an accepted label) and availability of each sample of the pool.

    A sample with an accepted label or a rejected one (skipped, unusable) is not available.
    Raises DataError for a label of a sample that the campaign does not have.
    """
    answers = read_all_labels(campaign)
    row_of = {identity: row for row, identity in enumerate(ids)}
    _check_known(campaign, [sample for sample in answers if sample not in row_of])
    labels = np.full(len(ids), UNLABELED, dtype=np.int64)
    available = np.ones(len(ids), dtype=np.bool_)
    for sample, answer in answers.items():
        if sample in row_of:
            available[row_of[sample]] = False
            if answer.label is not None:
                labels[row_of[sample]] = class_index(answer, classes)
    return labels, available


def class_index(answer: Label, classes: Sequence[str]) -> int:
    """Index of an accepted label. Raises DataError if it is none of the classes."""
    if answer.label in classes:
        return classes.index(answer.label)
    hint = meant(str(answer.label), classes) or "add it to campaign.classes"
    raise DataError(
        f"sample {answer.sample} has the label {answer.label!r}: wanted one of"
        f" {', '.join(classes)}; {hint}"
    )


def _check_known(campaign: Campaign, others: Sequence[str]) -> None:
    """Labels may be of other samples of the campaign, such as the hold-out, of nothing else."""
    if not others:
        return
    known = {sample.id for sample in sample_files.read_samples(campaign.samples)}
    unknown = sorted(set(others) - known)
    if unknown:
        raise DataError(
            f"{campaign.labels} has a label for sample {unknown[0]}, which is not in"
            f" {layout.SAMPLES}; restore the label files with git and DVC"
        )


def _check_length(path: Path, array: NDArray[Any], ids: Sequence[str], stage: str) -> None:
    if len(array) != len(ids):
        raise DataError(
            f"{path} has {counted(len(array), 'row')}: wanted {len(ids)}, one a sample;"
            f" run `labelcycle stage {stage}`"
        )


def rounded(value: Any) -> Any:
    """A value for JSON: floats with six significant digits, so that its text is the same anywhere.

    Arrays become lists, numpy scalars plain numbers; what is not a number (NaN) becomes null.
    """
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return rounded(value.tolist())
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value
