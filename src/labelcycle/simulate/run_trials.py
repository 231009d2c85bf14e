"""All campaigns of a comparison: those kept, and the others, which are played and kept."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from labelcycle.errors import Interrupted
from labelcycle.nn.progress import Progress
from labelcycle.simulate.cached_clusters import Folder, made
from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.finished_trials import Kept
from labelcycle.simulate.play_trial import play
from labelcycle.simulate.progress_callback import Showing
from labelcycle.simulate.result_rows import counted
from labelcycle.simulate.trial import Measured, Trial, read_by
from labelcycle.simulate.workers import Workers


def run(
    problem: Problem,
    trials: Sequence[Trial],
    kept: Kept,
    folder: Folder,
    jobs: int,
    showing: Showing,
) -> dict[Trial, Measured]:
    """What each campaign gave; clusters are kept in `folder`.

    Raises Interrupted where a person ends it, and says how many are kept.
    """
    todo = [each for each in trials if kept.get(each) is None]
    with (
        _interruptible(problem, trials, kept),
        Workers(problem, min(jobs, len(todo))) as workers,
    ):
        fixed = todo if problem.features == "encoder" else []  # else each round has its own
        rounds = made(problem, fixed, folder, workers, showing)
        tasks = []
        for each in todo:
            clusterer = read_by(each) if fixed else None
            clusters = rounds[clusterer.text, each.seed] if clusterer else None
            tasks.append((each, clusters))
        before = len(trials) - len(todo)
        with showing(f"campaigns beside {before} kept" if before else "campaigns") as show:
            if todo:
                show(Progress(0, len(todo), note=f"{len(todo)} are played"))
            for done, ((trial, _), found) in enumerate(workers.each(play, tasks), 1):
                kept.add(trial, found)
                show(Progress(done, len(todo)))
    return {each: found for each in trials if (found := kept.get(each))}


@contextmanager
def _interruptible(problem: Problem, trials: Sequence[Trial], kept: Kept) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        there = sum(kept.get(each) is not None for each in trials)
        raise Interrupted(
            f"interrupted: {there} of {counted(len(trials), 'campaign')} of"
            f" {problem.source.name} kept; the same command goes on"
        ) from error
