"""The clusters of simulated campaigns, made once for all strategies and kept in a folder."""

from collections.abc import Sequence
from pathlib import Path

from labelcycle.campaign import json_files, numpy_files
from labelcycle.nn.progress import Progress
from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.play_trial import Assignment, clustered
from labelcycle.simulate.plug_in_choice import Choice
from labelcycle.simulate.progress_callback import Showing
from labelcycle.simulate.trial import Trial, read_by
from labelcycle.simulate.workers import Workers

Rounds = dict[tuple[str, int], list[Assignment]]
"""By what the clusterer is called and seed, the clusters of each round."""

ClusterTask = tuple[Choice, int, int]
"""Clusterer, seed, number of the round."""


class Folder:
    """Clusters as files; without a path nothing is kept.

    code : of a clusterer, so that changed code makes other files
    """

    def __init__(self, path: Path | None, problem: Problem, code: dict[str, str]) -> None:
        self._path = path
        self._problem = problem.record()
        self._code = code

    def get(self, task: ClusterTask) -> Assignment | None:
        """The clusters, if they are there."""
        path = self._file(task)
        return numpy_files.read_array(path) if path and path.is_file() else None

    def add(self, task: ClusterTask, assignment: Assignment) -> None:
        """Keep the clusters."""
        if path := self._file(task):
            numpy_files.write_array(path, assignment)

    def _file(self, task: ClusterTask) -> Path | None:
        if self._path is None:
            return None
        clusterer, seed, number = task
        shared = {key: self._problem[key] for key in ("fingerprint", "pool", "stage")}
        then = self._problem["budgets"][number]
        key = [shared, clusterer.record(), self._code.get(clusterer.name), seed, number, then]
        return self._path / f"{json_files.value_digest(key)}.npy"


def made(
    problem: Problem,
    trials: Sequence[Trial],
    folder: Folder,
    workers: Workers,
    showing: Showing,
) -> Rounds:
    """The clusters that these campaigns are going to read."""
    groups = {(c.text, trial.seed): c for trial in trials if (c := read_by(trial))}
    numbers = [number for number, _ in problem.rounds()]
    keys = [(c, seed, n) for (_, seed), c in groups.items() for n in numbers]
    by_key = {(c.text, seed, n): folder.get((c, seed, n)) for c, seed, n in keys}
    missing = [task for task in keys if by_key[task[0].text, *task[1:]] is None]
    with showing("clusters") as show:
        if missing:
            show(Progress(0, len(missing), note=f"{len(missing)} are made, once for all"))
        for done, (task, assignment) in enumerate(workers.each(clustered, missing), 1):
            folder.add(task, assignment)
            by_key[task[0].text, *task[1:]] = assignment
            show(Progress(done, len(missing)))
    return {
        (text, seed): [a for n in numbers if (a := by_key[text, seed, n]) is not None]
        for text, seed in groups
    }
