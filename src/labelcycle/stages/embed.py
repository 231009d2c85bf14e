"""Stage `embed`: the features of every image, pool and hold-out, from the fitted encoder."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import json_files, layout, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import load_encoder
from labelcycle.campaign.sample_files import Sample, read_samples
from labelcycle.core.digests import file_digest
from labelcycle.errors import DataError
from labelcycle.nn.encoders import Encoder, ReadyMade
from labelcycle.nn.progress import Progress
from labelcycle.stages import ready_made_features
from labelcycle.stages.sample_images import load_images

SPLITS = ("pool", "holdout")


class Options(base.Options):
    """How images become features, and which features the rest reads."""

    batch: int = Field(256, ge=1, le=65536, description="images embedded at a time")
    features: Literal["encoder", "model"] = Field(
        "encoder",
        description="whose features clusters and strategy read; model: of the current model's own"
        " network, anew each round, for learners of images; the encoder's until there is one",
    )


def run(campaign: Campaign, batch: int, show: Callable[[Progress], None]) -> None:
    """Write work/features/pool.npy and holdout.npy: (n, d) float32, rows in order of sample id.

    batch : images embedded at a time

    Features of the backbone, not of the projection head, and not of unit length: a strategy that
    compares directions normalises them itself.

    Each cohort is embedded by itself, so its features do not depend on which others there are.
    Those of a cohort that the files have already are taken from there, bit by bit, if the encoder,
    the code and the batches are the same, and no byte of the files is another.
    """
    encoder = load_encoder(campaign.encoder)
    if isinstance(encoder, ReadyMade):
        splits = {name: read_samples(campaign.samples, name) for name in SPLITS}
        ready_made_features.write(campaign, encoder, splits)
        return
    made = _made(campaign, batch)
    known = _known(campaign, made)
    samples = {split: read_samples(campaign.samples, split) for split in SPLITS}
    blocks = {split: _new_blocks(samples[split], known) for split in SPLITS}
    total, done = sum(len(block) for each in blocks.values() for block in each), 0

    def read(block: Sequence[Sample], part: slice) -> NDArray[np.uint8]:
        return load_images(campaign, block[part], encoder.image_size)

    def show_done(before: int, count: int) -> None:
        show(Progress(before + count, total))

    arrays = {}
    for split in SPLITS:
        ids = _ids(samples[split])
        arrays[split] = np.empty((len(ids), encoder.width), dtype=np.float32)
        if known:
            old = numpy_files.read_array(campaign.split_features(split))
            arrays[split][np.searchsorted(ids, _ids(_of(campaign, split, known)))] = old
        for block in blocks[split]:
            features = features_of(
                encoder, len(block), partial(read, block), batch, partial(show_done, done)
            )
            arrays[split][np.searchsorted(ids, _ids(block))] = features
            done += len(block)
    # Killed between the files, their rows are nobody's: all of them are made anew.
    (campaign.features / layout.MADE_JSON).unlink(missing_ok=True)
    for split, array in arrays.items():
        numpy_files.write_array(campaign.split_features(split), array)
    made["files"] = _digests(campaign)
    json_files.write_json(campaign.features / layout.MADE_JSON, made)


def _ids(samples: Sequence[Sample]) -> NDArray[np.str_]:
    return np.array([sample.id for sample in samples], dtype=np.str_)


def _new_blocks(samples: Sequence[Sample], known: Collection[str]) -> list[list[Sample]]:
    """The samples of each cohort that is not known, each in order of id."""
    cohorts: dict[int, list[Sample]] = defaultdict(list)
    for sample in samples:
        cohorts[sample.cohort].append(sample)
    return [cohorts[number] for number in sorted(cohorts) if f"{number:03d}" not in known]


def _made(campaign: Campaign, batch: int) -> dict[str, Any]:
    """What the features of now are made of, and of which manifests, by cohort."""
    files = sorted(campaign.encoder.iterdir())
    code = json_files.read_json(campaign.code)["embed"] if campaign.code.exists() else {}
    numbers = sample_files.counted(campaign.samples)
    manifests = {n: sample_files.manifest(campaign.samples, n) for n in numbers}
    return {
        "encoder": {path.name: file_digest(path) for path in files},
        "code": code,
        "batch": batch,
        "cohorts": {f"{n:03d}": file_digest(path) for n, path in manifests.items()},
    }


def _digests(campaign: Campaign) -> dict[str, str]:
    """Digest of the file of each split. Raises OSError if one is not there."""
    return {split: file_digest(campaign.split_features(split)) for split in SPLITS}


def _known(campaign: Campaign, made: Mapping[str, Any]) -> frozenset[str]:
    """The cohorts whose features the files have, made of the same as `made`."""
    path = campaign.features / layout.MADE_JSON
    with contextlib.suppress(DataError, OSError, KeyError, TypeError, AttributeError):
        before = json_files.read_json(path)
        same = all(before[name] == made[name] for name in ("encoder", "code", "batch"))
        # DVC leaves the files in place as they are: damaged ones, too.
        if same and before["files"] == _digests(campaign):
            names = before["cohorts"].items() & made["cohorts"].items()
            known = frozenset(name for name, _ in names)
            # Rows are known by the manifests alone, so all that were there must be there.
            return known if len(known) == len(before["cohorts"]) else frozenset()
    return frozenset()


def _of(campaign: Campaign, split: str, cohorts: Collection[str]) -> list[Sample]:
    """The samples of some cohorts, in order of id."""
    manifests = (campaign.samples / f"{name}.jsonl" for name in cohorts)
    return sample_files.merged(map(sample_files.read_manifest, manifests), split)


def features_of(
    encoder: Encoder,
    count: int,
    read: Callable[[slice], NDArray[np.uint8]],
    batch: int,
    show: Callable[[int], None],
) -> NDArray[np.float32]:
    """(count, width) float32: the features of `count` images, `batch` of them read at a time.

    read : the images at these positions, (k, s, s, 3) uint8
    show : is called with the number of images done, after each batch

    Raises DataError if a feature is not finite.
    """
    features = np.empty((count, encoder.width), dtype=np.float32)
    for start in range(0, count, batch):
        part = slice(start, min(start + batch, count))
        features[part] = encoder.embed(read(part))
        if not np.isfinite(features[part]).all():
            raise DataError(
                "the encoder gives features that are not finite: its training diverged;"
                " lower the learning rate among the encoder's options, then give the command again"
            )
        show(part.stop)
    return features
