"""Curves of a pretraining under way, in MLflow, for whoever waits for it.

The stage itself knows neither MLflow nor labels, so its result hangs on neither.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from labelcycle import config
from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.core.knn_probe import leave_one_out
from labelcycle.core.pool import UNLABELED
from labelcycle.errors import LabelcycleError
from labelcycle.nn import process_rank
from labelcycle.nn.progress import Progress
from labelcycle.rounds import campaign_key
from labelcycle.stages import declaration
from labelcycle.stages.pool_files import label_columns

EVERY_S = 5.0
"""Least time between two points of the loss."""
LEAST = 20
"""Labels, of two classes or more, from which the features are probed."""
MOST = 2000
"""Labels that a probe takes; more cost time and say little more."""


def watcher(name: str, root: Path) -> Callable[[Progress], None] | None:
    """A function to call with each step of stage `name`, or None where nobody watches.

    Of `pretrain` it logs the loss, and after each pass over the pool the accuracy of nearest
    neighbours among the labelled samples, where there are some, if MLFLOW_TRACKING_URI is set. A
    server that is away is told once, on standard error, and the stage goes on.
    """
    rank = process_rank.own()
    first = rank is None or rank.number == 0
    if name != declaration.PRETRAIN or not first or not os.environ.get("MLFLOW_TRACKING_URI"):
        return None
    return _Curves(partial(_of_campaign, Campaign(root))).show


def of_experiment(name: str) -> Callable[[NDArray[np.int64]], Callable[[Progress], None]]:
    """From the classes (n,) of its images, a function to call with each step of a pretraining.

    It logs as `watcher` does, beside the results of the simulated experiment of that name.
    """

    def watch(labels: NDArray[np.int64]) -> Callable[[Progress], None]:
        # from all over: a set may be in the order of its classes
        rows = np.unique(np.linspace(0, len(labels) - 1, MOST).astype(np.int64))

        def opened() -> _Run:
            from labelcycle.adapters.mlflow.tracker import MlflowTracker  # seconds

            return MlflowTracker().training(f"simulate {name}", name), rows, labels[rows]

        return _Curves(opened).show

    return watch


_Log = Callable[[dict[str, float], int, bool], None]
_Run = tuple[_Log, NDArray[np.int64], NDArray[np.int64]]
"""What logs, and the rows of the images that a probe takes, with their classes."""


class _Curves:
    """A run of MLflow, opened with the first step, as long as the server takes it."""

    def __init__(self, opened: Callable[[], _Run]) -> None:
        self._opened = opened
        self._log: _Log | None = None
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)
        self._labels: NDArray[np.int64] = np.empty(0, np.int64)
        self._epoch = 0
        self._logged = -EVERY_S
        self._away = False

    def show(self, progress: Progress) -> None:
        """Log what is due after this step."""
        if self._away or progress.epoch is None:
            return
        try:
            self._show(progress)
        except LabelcycleError as error:
            self._away = True
            click.echo(f"pretrain: its curves are not logged: {error}", err=True)

    def _show(self, progress: Progress) -> None:
        if self._log is None:
            self._log, self._rows, self._labels = self._opened()
            self._epoch = 0 if progress.step == 1 else progress.epoch or 0  # else: goes on
        ended = progress.step == progress.total
        values: dict[str, float] = {}
        if progress.loss is not None and (ended or time.monotonic() - self._logged >= EVERY_S):
            values["pretrain_loss"] = progress.loss
        if progress.epoch != self._epoch and progress.features is not None and len(self._rows):
            accuracy = leave_one_out(progress.features(self._rows), self._labels)
            values["pretrain_knn_accuracy"] = accuracy
        self._epoch = progress.epoch or 0
        if values or ended:
            self._log(values, progress.step, ended)
            self._logged = time.monotonic()


def _of_campaign(campaign: Campaign) -> _Run:
    from labelcycle.adapters.mlflow.tracker import MlflowTracker  # seconds

    settings = config.load(campaign.params, parts=False).campaign
    rows, labels = labelled(campaign, settings.classes)
    key = campaign_key.of(campaign.root)
    return MlflowTracker().training(key, settings.name), rows, labels


def labelled(
    campaign: Campaign, classes: tuple[str, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the pool that have a label, at most `MOST`, and their classes.

    Empty where fewer than `LEAST` have one, or all the same.
    """
    ids = [sample.id for sample in sample_files.read_samples(campaign.samples, "pool", "encoder")]
    labels, _ = label_columns(campaign, ids, classes)
    rows = np.flatnonzero(labels != UNLABELED)[:MOST]  # ids are digests: no order of the images
    if len(rows) < LEAST or len(set(labels[rows].tolist())) < 2:
        return rows[:0], rows[:0]
    return rows, labels[rows]
