"""All campaigns of a comparison: those kept, and the others, which are played and kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from labelcycle.core.counted_nouns import counted
from labelcycle.errors import Interrupted
from labelcycle.nn.progress import Progress
from labelcycle.simulate.cached_clusters import Folder, made
from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.finished_trials import FinishedTrials
from labelcycle.simulate.play_trial import play
from labelcycle.simulate.progress_callback import Showing
from labelcycle.simulate.trial import Measured, Trial, read_by
from labelcycle.simulate.workers import Workers


def run(
    problem: Problem,
    trials: Sequence[Trial],
    finished: FinishedTrials,
    folder: Folder,
    jobs: int,
    showing: Showing,
) -> dict[Trial, Measured]:
    """What each campaign gave; clusters are kept in `folder`.

    Raises Interrupted where a person ends it, and says how many are kept.
    """
    todo = [trial for trial in trials if finished.get(trial) is None]
    with (
        _interruptible(problem, trials, finished),
        Workers(problem, min(jobs, len(todo))) as workers,
    ):
        fixed = todo if problem.features == "encoder" else []  # else each round has its own
        rounds = made(problem, fixed, folder, workers, showing)
        tasks = []
        for trial in todo:
            clusterer = read_by(trial) if fixed else None
            clusters = rounds[clusterer.text, trial.seed] if clusterer else None
            tasks.append((trial, clusters))
        before = len(trials) - len(todo)
        with showing(f"campaigns beside {before} kept" if before else "campaigns") as show:
            if todo:
                show(Progress(0, len(todo), note=f"{len(todo)} are played"))
            for done, ((trial, _), measured) in enumerate(workers.each(play, tasks), 1):
                finished.add(trial, measured)
                show(Progress(done, len(todo)))
    return {trial: measured for trial in trials if (measured := finished.get(trial))}


@contextmanager
def _interruptible(
    problem: Problem, trials: Sequence[Trial], finished: FinishedTrials
) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        there = sum(finished.get(trial) is not None for trial in trials)
        raise Interrupted(
            f"interrupted: {there} of {counted(len(trials), 'campaign', spec=',')} of"
            f" {problem.source.name} kept; the same command goes on"
        ) from error
