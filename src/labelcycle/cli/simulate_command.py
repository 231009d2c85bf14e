"""The command that plays whole campaigns against known labels: simulate."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labelcycle.cli.campaign_option import GivenPath, campaign_in
from labelcycle.errors import DataError, ServiceDown, ServiceRefused, ToolFailed

if TYPE_CHECKING:
    from labelcycle.simulate.experiment import Experiment
    from labelcycle.simulate.sets.chosen_set import Read


@click.command()
@click.argument(
    "file",
    type=GivenPath(dir_okay=False, path_type=Path),
    metavar="EXPERIMENT.yaml",
    help="The file of the experiment.",
)
@click.option(
    "--into",
    type=GivenPath(file_okay=False, path_type=Path),
    help="Folder of results (default: simulated/NAME).",
)
@click.option(
    "--data",
    "place",
    type=GivenPath(),
    metavar="PATH",
    help="Where the data is, instead of data.path.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Processes (default: one a core).")
@click.option(
    "--mlflow/--no-mlflow",
    default=None,
    help="Log to MLflow (default: if MLFLOW_TRACKING_URI is set).",
)
@click.option("--json", "as_json", is_flag=True, help="Print results.json.")
@click.pass_obj
def simulate(
    root: Path,
    file: Path,
    into: Path | None,
    place: str | None,
    jobs: int | None,
    mlflow: bool | None,
    as_json: bool,
) -> None:
    """Play the campaigns of an experiment against known labels, and print tables and figures.

    No campaign is needed. What was interrupted goes on when the same command is given again.
    """
    from labelcycle.adapters import private_folder

    settings, reads = _opened(file, place)
    folder = into or Path("simulated") / settings.name
    _check_writable(folder)
    private_folder.keep_compiled(private_folder.closed(folder / ".compiled"))
    from labelcycle.cli.pretrain_curves import of_experiment
    from labelcycle.cli.progress_bar import shown
    from labelcycle.core.threads import cores
    from labelcycle.simulate import run_experiment  # imports torch

    source = file.absolute().parent
    logged = mlflow or (mlflow is None and bool(os.environ.get("MLFLOW_TRACKING_URI")))
    if logged:
        campaign_in(root)  # addresses of what `up` started here
    watching = of_experiment(settings.name) if logged else None
    failed: dict[str, Exception] = {}
    results = run_experiment.run(
        settings,
        reads,
        source,
        folder,
        jobs or cores(),
        shown,
        watching,
        lambda path, error: failed.update({path.name: error}),
    )
    if logged:
        _log(results)
    if as_json:
        click.echo(json.dumps(results, indent=2))
    else:
        click.echo((folder / run_experiment.TABLE).read_text())
        click.echo(f"results in {folder}")
    if failed:
        raise _undrawn(failed, folder)


def _check_writable(folder: Path) -> None:
    """Raise DataError before anything slow if results could not be written to the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(
            f"cannot write results to {folder}: {error.strerror}; give a folder of yours with"
            " --into"
        ) from error


def _undrawn(failed: Mapping[str, Exception], folder: Path) -> ToolFailed:
    texts = [
        f"{name} ({type(error).__name__}: {' '.join(str(error).split())})"
        for name, error in failed.items()
    ]
    return ToolFailed(
        f"the results are complete in {folder}, but for figures that could not be made:"
        f" {'; '.join(texts)}; `python -m labelcycle.simulate.figures {folder}` draws them again"
    )


def _opened(file: Path, place: str | None) -> "tuple[Experiment, list[Read]]":
    """The experiment and its data, checked without the imports that playing it takes."""
    from labelcycle.simulate import experiment, load_sets

    settings = experiment.load(file, place)
    if load_sets.reads_files(settings):  # longer than the imports of this check
        load_sets.check_options(settings, file.name)
    reads = load_sets.opened(settings, file.absolute().parent)
    for remark in load_sets.remarks(settings, reads):
        click.echo(remark, err=True)
    load_sets.check_options(settings, file.name)
    return settings, reads


def _log(found: dict[str, Any]) -> None:
    """Log the results; where MLflow is away or refuses, it is told and the results stand."""
    from labelcycle.adapters.mlflow.simulated_runs import SimulatedTracker

    try:
        click.echo(f"logged: {SimulatedTracker().log(found)}", err=True)
    except (ServiceDown, ServiceRefused) as error:
        click.echo(f"not logged: {error}", err=True)


COMMANDS = (simulate,)
"""In the order of `labelcycle --help`."""
