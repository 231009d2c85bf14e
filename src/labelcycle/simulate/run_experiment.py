"""A whole experiment: its campaigns, then results.json and table.md in its folder.

    campaigns.jsonl     finished campaigns, one a line; they are not played again
    cache/              images, encoders, features, clusters: what is made once
    results.json        a row for each set, learner, clusterer, strategy and number of labels
    table.md            the same as tables
    *.png               figures, drawn from results.json and map-*.json

A campaign is known by all its settings, its features and the code it ran: changed code plays it
again. The same experiment and code give the same results.json and table.md, byte for byte, however
often it was interrupted.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

from labelcycle import __version__
from labelcycle.adapters import lock
from labelcycle.campaign import atomic_files, json_files, layout
from labelcycle.campaign.json_files import write_json
from labelcycle.core import clusterers, digests, strategies
from labelcycle.core.strategies import supclust
from labelcycle.errors import Interrupted
from labelcycle.nn import learners
from labelcycle.simulate import play_trial, pool_maps, run_trials, table_page
from labelcycle.simulate.cached_clusters import Folder
from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.experiment import DataOptions, Experiment
from labelcycle.simulate.features import Workspace, problems
from labelcycle.simulate.figures.drawing import Failed, draw, map_file
from labelcycle.simulate.finished_trials import FinishedTrials
from labelcycle.simulate.plug_in_choice import Choice
from labelcycle.simulate.progress_callback import Showing, Watching
from labelcycle.simulate.results import Row, rows_of
from labelcycle.simulate.sets.chosen_set import Read
from labelcycle.simulate.trial import Measured, Trial, needs
from labelcycle.stages import code_digests

RESULTS = "results.json"
TABLE = "table.md"
KINDS = ("strategies", "clusterers", "learners")


def run(
    experiment: Experiment,
    reads: Sequence[Read],
    source: Path,
    folder: Path,
    jobs: int,
    showing: Showing,
    watching: Watching | None = None,
    failed: Failed | None = None,
) -> dict[str, Any]:
    """Do the experiment in `folder`; what results.json holds.

    Results are written before any figure is made.

    reads : its sets, as `load_sets.opened` gives them
    source : folder of the experiment's file
    watching : beside `showing`, for the trainings of encoders
    failed : told of each figure that could not be made; None: the first such error is raised
    Raises SettingsError, DataError, Busy if somebody else is at work in the folder, or Interrupted
    where a person ends it.
    """
    folder = folder.absolute()
    with lock.exclusive(folder / layout.PRIVATE / "simulate.lock"):
        workspace = Workspace(source, folder / "cache", showing, watching)
        try:
            parts = [
                _of_set(experiment, options, read, folder, workspace, jobs)
                for options, read in zip(experiment.data, reads, strict=True)
            ]
        except KeyboardInterrupt as error:
            raise Interrupted(
                "interrupted between campaigns: all that is finished is kept; the same command"
                " goes on"
            ) from error
        results = {
            **_settings(experiment),
            "sets": [facts for facts, *_ in parts],
            "rows": [row for _, rows, _ in parts for row in rows],
        }
        write_json(folder / RESULTS, results)
        atomic_files.write_bytes(folder / TABLE, table_page.page(results).encode())
        for mapped in (mapped for *_, mapped in parts if mapped):
            try:
                mapped()
            except Exception as error:
                if failed is None:
                    raise
                failed(folder / "map-*.json", error)
        draw(folder, failed=failed)
    return results


def _settings(experiment: Experiment) -> dict[str, Any]:
    """What was played; not where the data lay."""
    parts = {
        kind: [{"label": part.text, **part.record()} for part in experiment.chosen(kind)]
        for kind in KINDS
    }
    return {
        "experiment": experiment.name,
        "version": __version__,
        "base": experiment.base,
        "settings": experiment.model_dump(mode="json", exclude={"data": {"__all__": {"path"}}}),
        **parts,
    }


def _of_set(
    experiment: Experiment,
    options: DataOptions,
    read: Read,
    folder: Path,
    workspace: Workspace,
    jobs: int,
) -> tuple[dict[str, Any], list[Row], Callable[[], None] | None]:
    """What there is to say about a set, its rows, and what writes its map if it has one."""
    parts = {key: experiment.chosen(key) for key in KINDS}
    by_trial: dict[Trial, Measured] = {}
    mapped = None
    for problem, seeds in problems(experiment, options, read, workspace):
        finished = FinishedTrials(
            folder / "campaigns.jsonl", problem, f"version {__version__}", _code
        )
        names = {each.name for each in parts["clusterers"]}
        codes = {name: _code_of(f"{clusterers.__name__}.{name}") for name in names}
        clusters = Folder(folder / "cache" / "clusters", problem, codes)
        grid = _grid(parts, seeds)
        by_trial |= run_trials.run(problem, grid, finished, clusters, jobs, workspace.showing)
        if seeds[0] == 0 and experiment.features == "encoder":  # else each round sees others
            mapped = partial(_map, problem, parts, by_trial, clusters, folder)
    rows = [
        row
        for learner, clusterer in product(parts["learners"], parts["clusterers"])
        for row in rows_of(
            problem, by_trial, parts["strategies"], clusterer, learner, experiment.base
        )
    ]
    return _facts(problem), rows, mapped


def _map(
    problem: Problem,
    parts: Mapping[str, Sequence[Choice]],
    measured: Mapping[Trial, Measured],
    clusters: Folder,
    folder: Path,
) -> None:
    """Write the map of seed 0's first round, if a strategy that it shows is there."""
    first = {each.name: each for each in reversed(parts["strategies"])}
    shown = [first[name] for name in pool_maps.STRATEGIES if name in first]
    if not shown:
        return
    clusterer, learner = parts["clusterers"][0], parts["learners"][0]
    picks = {e.text: measured[Trial(e, clusterer, learner, 0)].picks[0] for e in shown}
    names = list(problem.source.names)
    key = [names, problem.record(), clusterer.record(), [each.record() for each in shown], picks]
    digest = digests.digest(
        json_files.dump_json([*key, code_digests.code_of(pool_maps.__name__)]).encode()
    )
    path = map_file(folder, problem.source.name)
    if path.is_file() and json_files.read_json(path)["key"] == digest:
        return
    path.unlink(missing_ok=True)  # should this fail, another one's map is not drawn
    task = clusterer, 0, 0
    assignment = clusters.get(task)
    if assignment is None:
        assignment = play_trial.clustered(problem, *task)
    options = next((e.options for e in shown if isinstance(e.options, supclust.Options)), None)
    made = pool_maps.pool_map(problem, 0, assignment, options or supclust.Options(), picks)
    write_json(path, {"key": digest, "data": problem.source.name, "classes": names, **made})


def _grid(parts: Mapping[str, Sequence[Choice]], seeds: Sequence[int]) -> list[Trial]:
    """Every combination; a strategy that reads no clusters is played once for all clusterers."""
    every = product(seeds, parts["learners"], parts["clusterers"], parts["strategies"])
    return list(
        dict.fromkeys(
            Trial(strategy, clusterer if "clusters" in needs(strategy) else None, learner, seed)
            for seed, learner, clusterer, strategy in every
        )
    )


def _facts(problem: Problem) -> dict[str, Any]:
    data = problem.source.data
    return {
        "data": problem.source.name,
        "metric": "balanced accuracy" if problem.source.balanced else "accuracy",
        "classes": problem.source.classes,
        "train": len(data.train_labels),
        "test": len(data.test_labels),
        "pool": problem.pool,
        "initial": problem.initial,
        "budgets": list(problem.budgets),
    }


def _code(trial: Trial) -> str:
    """Digest of what a campaign runs: this package, the stages, its own parts, the libraries."""
    named = [(strategies, trial.strategy), (learners, trial.learner)]
    if trial.clusterer:
        named.append((clusterers, trial.clusterer))
    return _code_of(*(f"{package.__name__}.{part.name}" for package, part in named))


@cache
def _code_of(*modules: str) -> str:
    return digests.digest(
        json_files.dump_json(code_digests.code_of(play_trial.__name__, *modules)).encode()
    )
