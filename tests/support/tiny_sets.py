"""A small set of features, and experiments on it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from labelcycle.nn.progress import Progress
from labelcycle.simulate import experiment, load_sets, run_experiment


@contextmanager
def silent(name: str) -> Iterator[Callable[[Progress], None]]:
    """Shows nothing."""
    yield lambda step: None


def blobs_in(folder: Path) -> Path:
    """Three classes, one of them rare, 100 rows in each split, as an .npz of features."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], (50, 40, 10))
    features = (rng.standard_normal((100, 4)) + 2 * np.eye(4)[labels]).astype(np.float32)
    path = folder / "blobs.npz"
    np.savez(path, train=features, train_labels=labels, test=features, test_labels=labels)
    return path


def settings(path: Path, **more: Any) -> dict[str, Any]:
    """An experiment of seconds, as its file has it; without the keys that are None."""
    given = {
        "name": "blobs",
        "data": {"name": "npz", "path": str(path)},
        "pool": 60,
        "rounds": 2,
        "seeds": 2,
        "strategies": ["random", "typiclust"],
        **more,
    }
    return {key: value for key, value in given.items() if value is not None}


def done(folder: Path, path: Path, failed: Any = None, **more: Any) -> dict[str, Any]:
    """The experiment, played in this process in `folder`; failed : as for `run_experiment.run`."""
    given = experiment.parse(settings(path, **more), "blobs.yaml")
    reads = load_sets.opened(given, path.parent)
    return run_experiment.run(given, reads, path.parent, folder, 1, silent, failed=failed)
