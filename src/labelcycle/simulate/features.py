"""From an experiment's sets to the problems that campaigns run on; what takes long is kept.

    cache/images/KEY/       squares of pixels
    cache/encoders/KEY/     the files of an encoder
    cache/features/KEY/     train.npy, test.npy

A key says all that went in, so that what lies under it is what would be made again.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcycle.campaign import encoder_files, json_files, layout, numpy_files
from labelcycle.core import digests
from labelcycle.nn import encoders, learners
from labelcycle.nn.device import best_device
from labelcycle.nn.progress import Progress
from labelcycle.simulate.comparison import Data, Features, Images, LabelSet, Problem, pool_rows
from labelcycle.simulate.experiment import DataOptions, EncoderOptions, Experiment
from labelcycle.simulate.load_sets import encoder_of, pool_size
from labelcycle.simulate.pixel_cache import Squares, squares
from labelcycle.simulate.progress_callback import Showing, Watching
from labelcycle.simulate.sets import BALANCED
from labelcycle.simulate.sets.chosen_set import Labels, Read
from labelcycle.stages import code_digests, pretrain_training
from labelcycle.stages.embed import features_of

BATCH = 256


@dataclass(frozen=True)
class Workspace:
    """Where an experiment is done, and how it says how far it is.

    source : folder of the experiment's file, to which paths are relative
    cache : what is made once
    """

    source: Path
    cache: Path
    showing: Showing
    watching: Watching | None = None


def problems(
    experiment: Experiment, options: DataOptions, read: Read, workspace: Workspace
) -> Iterator[tuple[Problem, list[int]]]:
    """The problems of one set, each with the seeds of its campaigns.

    Several only where each seed has an encoder of its own. Raises SettingsError or DataError.
    """
    seeds = list(range(experiment.seeds))
    seeing = any(learners.sees_images(learner.name) for learner in experiment.learners)
    encoder = encoder_of(experiment, options, read)
    if encoder is None:
        assert read.features is not None
        shown = _squares(read, options.size or read.side, workspace) if seeing else None
        yield _problem(experiment, options, read, read.features, shown), seeds
        return
    encoder_options = encoders.options_of(encoder.name, encoder.options)
    side = options.size or encoders.get_trainable(encoder.name).default_size(
        read.side, encoder_options
    )
    images = _squares(read, side, workspace)
    shown = images if seeing else None
    n = len(read.train.labels)
    for some in [[seed] for seed in seeds] if encoder.each_seed else [seeds]:
        rows: NDArray[np.int64] = np.arange(n)
        seed = encoder.seed
        if encoder.each_seed:
            rows, seed = pool_rows(n, experiment.pool or n, some[0]), some[0]
        features = _features(images, read.train.labels, rows, encoder, seed, workspace)
        yield _problem(experiment, options, read, features, shown), some


def _problem(
    experiment: Experiment,
    options: DataOptions,
    read: Read,
    features: tuple[Features, Features],
    images: Squares | None,
) -> Problem:
    data = Data(
        features[0],
        read.train.labels,
        features[1],
        read.test.labels,
        images.train if images else None,
        images.test if images else None,
        images.digest if images else "",
    )
    balanced = options.name in BALANCED if options.balanced is None else options.balanced
    source = LabelSet(options.text, data, balanced, read.names)
    pool = pool_size(experiment, read)
    initial, totals = experiment.totals(source.classes, pool)
    return Problem(source, pool, totals, initial, experiment.stage, experiment.features)


def _squares(read: Read, side: int, workspace: Workspace) -> Squares:
    key = _key([read.train.stamp, read.test.stamp, side, code_digests.code_of(squares.__module__)])
    return squares(read, side, workspace.cache / "images" / key, workspace.showing)


def _features(
    images: Squares,
    labels: Labels,
    rows: NDArray[np.int64],
    encoder: EncoderOptions,
    seed: int,
    workspace: Workspace,
) -> tuple[Features, Features]:
    """Of both splits, by an encoder that is fitted to the training images `rows`."""
    encoder_options = encoders.options_of(encoder.name, encoder.options)
    key = _key(
        [
            images.digest,
            code_digests.named_files(workspace.source, getattr(encoder_options, "file", None)),
            digests.digest(rows.tobytes()),
            encoder.name,
            encoder_options.model_dump(mode="json"),
            sorted(encoder_options.model_fields_set),  # what is given by name may count for more
            seed,
            encoder.threads,
            str(best_device()),
            code_digests.code_of(pretrain_training.__name__, f"{encoders.__name__}.{encoder.name}"),
        ]
    )
    files = [workspace.cache / "features" / key / f"{name}.npy" for name in ("train", "test")]
    if not all(file.is_file() for file in files):
        home = workspace.cache / "encoders" / key
        with contextlib.chdir(workspace.source):  # files that the options name lie there
            fitted = _encoder(images.train[rows], labels[rows], encoder, seed, home, workspace)
        for file, part in zip(files, (images.train, images.test), strict=True):
            numpy_files.write_array(file, _embedded(fitted, part, file.stem, workspace.showing))
    train, test = (numpy_files.read_array(file) for file in files)
    return train, test


def _encoder(
    images: Images,
    labels: Labels,
    encoder: EncoderOptions,
    seed: int,
    home: Path,
    workspace: Workspace,
) -> encoders.Encoder:
    """The encoder in the folder `home`; trained and put there if it is not."""
    if not (home / layout.ENCODER_JSON).is_file():
        encoder_options = encoders.options_of(encoder.name, encoder.options)
        checkpoint = home / "checkpoint" / "state.pt"
        watch = workspace.watching(labels) if workspace.watching else None
        with workspace.showing(f"encoder {encoder.name}") as show:
            show(Progress(0, 1, note=f"is fitted to {len(images):,} images, once for all"))

            def both(step: Progress) -> None:
                show(step)
                if watch:
                    watch(step)

            fitted = pretrain_training.trained(
                encoder.name, images, encoder_options, seed, encoder.threads, checkpoint, both
            )
        encoder_files.save_encoder(home, encoder.name, fitted)
        shutil.rmtree(checkpoint.parent, ignore_errors=True)
    return encoder_files.load_image_encoder(home)


def _embedded(
    encoder: encoders.Encoder, images: Images, name: str, showing: Showing
) -> NDArray[np.float32]:
    count = len(images)
    with showing(f"{name} features") as show:
        show(Progress(0, count, note=f"of {count:,} images, once for all"))
        return features_of(
            encoder,
            count,
            lambda part: images[part],
            BATCH,
            lambda done: show(Progress(done, count)),
        )


def _key(parts: list[Any]) -> str:
    return json_files.value_digest(parts)
