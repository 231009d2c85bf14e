"""The sets of an experiment, found and checked before anything slow is imported or done."""

import os
from pathlib import Path

from labelcycle.core import length_variance
from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import encoders, learners
from labelcycle.simulate.experiment import DataOptions, EncoderOptions, Experiment
from labelcycle.simulate.sets import OF_FILES, SETS, class_folders
from labelcycle.simulate.sets.chosen_set import Read

GROUPED = "folder"
"""The set whose images can be in groups that a user names."""


def opened(experiment: Experiment, source: Path) -> list[Read]:
    """The sets, in the order of `experiment.data`.

    source : folder of the experiment's file
    Raises SettingsError or DataError if one is not there, or does not suit the experiment.
    """
    return [
        _checked(experiment, set_options, _read(set_options, source))
        for set_options in experiment.data
    ]


def reads_files(experiment: Experiment) -> bool:
    """Whether a set is files of images, all of which `opened` reads: that may take minutes."""
    return any(set_options.name in OF_FILES for set_options in experiment.data)


def pool_size(experiment: Experiment, read: Read) -> int:
    """Training rows that a seed draws: `pool`, or all where there are no more."""
    n = len(read.train.labels)
    return min(experiment.pool or n, n)


def remarks(experiment: Experiment, reads: list[Read]) -> list[str]:
    """What is legal, and may be other than was meant."""
    lengths = [
        f"{options.text}: {text}; `normalise: false` in `cluster` and in the options of strategies"
        " and learners that have it lets lengths count"
        for options, read in zip(experiment.data, reads, strict=True)
        if read.features and (text := length_variance.remark(read.features[0]))
    ]
    return lengths + [
        f"{options.text}: pool is {experiment.pool}, and there are {n} training samples: all of"
        " them are the pool of every seed"
        for options, read in zip(experiment.data, reads, strict=True)
        if (n := len(read.train.labels)) < (experiment.pool or 0)
    ]


def encoder_of(experiment: Experiment, options: DataOptions, read: Read) -> EncoderOptions | None:
    """What makes features of a set; None if it has some. Raises SettingsError."""
    encoder = options.encoder or experiment.encoder
    if encoder and read.features:
        raise SettingsError(
            f"encoder: {options.text} has features already; give `encoder` to sets of images"
        )
    if not encoder and not read.features:
        when = "" if experiment.features == "encoder" else ", while the model knows no two classes"
        raise SettingsError(
            f"encoder: wanted one for the images of {options.text}, got none; its features are what"
            f" clusters and strategies read{when}: write encoder: patches"
        )
    return encoder


def check_options(experiment: Experiment, source: str) -> None:
    """Check the options of encoders and learners, whose modules may take seconds to import.

    source : name of the file. Raises SettingsError for a wrong option.
    """
    try:
        for encoder in (
            experiment.encoder,
            *(set_options.encoder for set_options in experiment.data),
        ):
            if encoder:
                encoders.options_of(encoder.name, encoder.options)
        for each in experiment.chosen("learners"):
            if getattr(each.options, "start", "scratch") == "encoder":
                raise SettingsError(
                    f"learners: {each.text} starts from a campaign's encoder, which an experiment"
                    " does not hand on; write start: scratch"
                )
    except SettingsError as error:
        raise SettingsError(f"{source}: {error}") from error


def _checked(experiment: Experiment, options: DataOptions, read: Read) -> Read:
    encoder_of(experiment, options, read)
    if not read.pictured:
        for learner in experiment.learners:
            where = f"learners, for {options.text} has features only"
            learners.must_see("features", learner.name, where, "take a set of images")
    classes = 1 + int(max(read.train.labels.max(), read.test.labels.max()))
    if classes < 2:
        raise DataError(f"{options.path}: wanted labels of at least two classes, got one")
    experiment.totals(classes, pool_size(experiment, read))
    return read


def _read(options: DataOptions, source: Path) -> Read:
    if options.path is None:
        raise SettingsError(f"data: wanted the path of {options.text}; write data.path")
    text = os.path.expandvars(os.path.expanduser(options.path))  # noqa: PTH111
    if "$" in text:
        raise SettingsError(
            f"data.path: {options.path} names a variable that the environment does not have; set it"
        )
    if options.group is None:
        read = SETS[options.name](source / text, options.test)
    elif options.name != GROUPED or options.group.column is not None:
        raise SettingsError(
            f"data.group: wanted {{folder: 1}} or {{path: EXPRESSION}}, of the set {GROUPED}, got"
            f" {options.group.text} of {options.name}; leave it out"
        )
    else:
        read = class_folders.folder(source / text, options.test, options.group)
    return read.thinned(options.factor) if options.factor else read
