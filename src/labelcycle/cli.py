"""The command `labelcycle`. Errors become one line and an exit code."""

import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import click

from labelcycle import __version__, listing, schema
from labelcycle.errors import LabelcycleError, ServiceDown, ServiceRefused, SettingsError
from labelcycle.warned import print_notices

STAGES = ("pretrain", "embed", "train", "cluster", "query", "evaluate")


class _Commands(click.Group):
    """Lists the commands in the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "--campaign",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder of the campaign (default: here).",
)
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context, folder: Path) -> None:
    """Recurring image-labelling cycles on a small budget.

    A new campaign, in short: `init`, write the class names into params.yaml, `ingest`, `up`,
    `run`; annotators answer in Label Studio; `run` again. To see all of it at work on sample
    data: `demo`.

    Exit codes: 0 done, 1 an error that is explained in one line, 2 wrong usage, 75 somebody else
    is at work in this campaign.
    """
    context.obj = folder.resolve()


def _campaign(root: Path) -> Any:
    from labelcycle.environment import prepare

    return prepare(root)


def _flows(root: Path) -> Any:
    from labelcycle.adapters import git

    git.check_usable(root)
    _campaign(root)  # Prefect reads its settings when it is imported
    from flows import rounds

    return rounds


# --- setting up ----------------------------------------------------------------------------


@cli.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="Name of the campaign (default: the folder's).")
@click.option(
    "--classes", help="The class names, separated by commas; else write them into params.yaml."
)
def init(directory: Path, name: str | None, classes: str | None) -> None:
    """Make a new campaign in DIRECTORY, a new folder: git, DVC, params.yaml, dvc.yaml.

    Images come in later, by `ingest`, from wherever they are.
    """
    from labelcycle import config
    from labelcycle.cycle import setup

    names = [part.strip() for part in (classes or "").split(",") if part.strip()]
    title = name or directory.resolve().name
    settings = config.parse({"campaign": {"name": title, "classes": names}}, "--name, --classes")
    if (name or classes) and (directory / "params.yaml").exists():
        raise SettingsError(
            f"{directory} is a campaign already; --name and --classes are for a new one;"
            " edit its params.yaml"
        )
    campaign = setup.init(directory, settings)
    click.echo(f"campaign in {campaign.root}")
    if not config.load(campaign.params).campaign.classes:
        todo = "write the class names into params.yaml, and look at its other settings"
    else:
        todo = "look at the settings in params.yaml"
    click.echo(f"next: {todo}: ingest freezes the hold-out; then `labelcycle ingest PATH...`")


@cli.command()
@click.argument("paths", nargs=-1, required=True)
@click.pass_obj
def ingest(root: Path, paths: tuple[str, ...]) -> None:
    """Take images into the pool: files, folders, patterns, addresses, or @LIST.

    An address is https://... of an image, or s3://bucket/prefix of all below it. A list has an
    address, or a path relative to the list, a line; of @LIST.csv the column `url` is read. Hidden
    files are left out unless named.
    Every image is decoded. What cannot be used goes to data/quarantine.jsonl with its reason.
    The hold-out is drawn at random and then frozen.
    """
    from labelcycle.adapters import git, lock
    from labelcycle.cycle import setup
    from labelcycle.progress import shown

    git.check_usable(root)
    with lock.exclusive(_campaign(root).lock), shown("ingest") as show:
        report = setup.add_images(root, paths, show)
    click.echo(
        f"{report.found} files: {report.added} new samples, {report.known} known already,"
        f" {report.duplicates} duplicates, {report.quarantined} in quarantine"
    )
    click.echo(f"now {report.pool} in the pool, {report.holdout} in the hold-out")
    if report.quarantined:
        click.echo("see data/quarantine.jsonl for what could not be used, and why")


@cli.command("import-labels")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_labels(root: Path, file: Path) -> None:
    """Take labels owned already, before round 0: a CSV with `label` and `sample` or `file`."""
    from labelcycle.adapters import git, lock
    from labelcycle.cycle import setup

    git.check_usable(root)
    with lock.exclusive(_campaign(root).lock):
        report = setup.add_labels(root, file)
    click.echo(f"{report.accepted} labels accepted, {len(report.rejected)} rejected")
    for line in report.rejected:
        click.echo(f"  {line}")


@cli.command()
@click.option("--host", default="127.0.0.1", help="0.0.0.0 lets other computers in.")
@click.pass_obj
def up(root: Path, host: str) -> None:
    """Start Label Studio, MLflow and Prefect on this computer; print addresses and login."""
    from labelcycle.adapters import git, services

    campaign = _campaign(root)
    git.check_usable(root)
    running = services.up(campaign, host=host, show=click.echo)
    _addresses(running)


def _addresses(running: Any) -> None:
    for service in running.services.values():
        click.echo(f"{service.title:<13} {service.public}")
    click.echo(f"log in to Label Studio as {running.login} with password {running.password}")
    if running.invite:
        click.echo(f"annotators make their own account at {running.invite}")


@cli.command()
@click.pass_obj
def down(root: Path) -> None:
    """Stop what `up` started; nothing is lost."""
    from labelcycle.adapters import services

    stopped = services.down(_campaign(root), show=click.echo)
    if not stopped:
        click.echo("nothing was running")


@cli.command()
@click.pass_obj
def doctor(root: Path) -> None:
    """Check every precondition; each failure comes with its remedy.

    A service that was not started is `off`, which no round can do with: the exit code is 1 too.
    """
    from labelcycle import checks

    _campaign(root)
    failed, off = 0, []
    for name, ok, detail, remedy in checks.all_checks(root):
        mark = {True: "ok  ", False: "FAIL", None: "off "}[ok]
        click.echo(f"{mark} {name}: {detail}{'' if ok else f' -> {remedy}'}")
        failed += ok is False
        off += [name] if ok is None else []
    problems = [f"not running: {', '.join(off)}; `labelcycle up` starts them"] if off else []
    if failed:
        problems.append(f"checks that failed: {failed}; each line above names its remedy")
    if problems:
        raise LabelcycleError("; ".join(problems))


# --- the cycle -----------------------------------------------------------------------------


@cli.command()
@click.pass_obj
def run(root: Path) -> None:
    """Do whatever is due, up to where people are needed. Safe to repeat at any time."""
    _flows(root).run(str(root))


@cli.command("open")
@click.pass_obj
def open_round(root: Path) -> None:
    """Open the next round: bring the stages up to date, hand the selection to annotators."""
    _flows(root).open_now(str(root))


@cli.command()
@click.pass_obj
def collect(root: Path) -> None:
    """Look at the open round; close it if every task has an answer or a skip."""
    _flows(root).collect_now(str(root))


@cli.command()
@click.option("--incomplete", is_flag=True, help="Close though tasks are unanswered.")
@click.pass_obj
def close(root: Path, incomplete: bool) -> None:
    """Close the round: take answers back, train, evaluate, commit, tag.

    With --incomplete, unanswered tasks are withdrawn from Label Studio and their samples return
    to the pool; every answer given counts.
    """
    flows = _flows(root)
    if incomplete:
        flows.end_early(str(root), "incomplete")
    else:
        flows.close_now(str(root))


@cli.command()
@click.option("--reason", default="", help="Why, for the record.")
@click.option(
    "--abandon", is_flag=True, help="Its tasks are gone from Label Studio: do not ask there."
)
@click.pass_obj
def cancel(root: Path, reason: str, abandon: bool) -> None:
    """End the round without training: unanswered tasks are withdrawn, answers given are kept."""
    _flows(root).end_early(str(root), "cancel", reason, abandon)


@cli.command()
@click.argument("name", type=click.Choice(STAGES))
@click.pass_obj
def stage(root: Path, name: str) -> None:
    """Run one pure stage here, as DVC calls it."""
    from labelcycle.progress import shown
    from labelcycle.running import run_stage
    from labelcycle.watching import watcher

    _campaign(root)
    watch = watcher(name, root)
    with shown(name) as show:

        def both(step: Any) -> None:
            show(step)
            if watch:
                watch(step)

        run_stage(name, root, both)


# --- looking -------------------------------------------------------------------------------


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def status(root: Path, as_json: bool) -> None:
    """Rounds, states, labels in and wanted, accuracy with its interval, what to do next."""
    from labelcycle.cycle import report, standing

    _campaign(root)
    now = report.status(standing.read(root))
    click.echo(json.dumps(now, indent=2) if as_json else report.as_text(now), nl=True)


for _command in listing.COMMANDS:
    cli.add_command(_command)
cli.add_command(schema.schema)


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="EXPERIMENT.yaml")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of results (default: simulated/NAME).",
)
@click.option("--data", "place", metavar="PATH", help="Where the data is, instead of data.path.")
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
    """Play the campaigns of an experiment against known labels; tables and figures.

    No campaign is needed. What was interrupted goes on when the same command is given again.
    """
    from labelcycle.core.threads import cores
    from labelcycle.progress import shown
    from labelcycle.simulate import experiment, opening

    given, source = experiment.load(file, place), file.absolute().parent
    if opening.reads_files(given):  # longer than the imports of this check
        opening.check_options(given, file.name)
    reads = opening.opened(given, source)
    for remark in opening.remarks(given, reads):
        click.echo(remark, err=True)
    opening.check_options(given, file.name)
    from labelcycle.simulate import running  # imports torch
    from labelcycle.watching import of_experiment

    folder = into or Path("simulated") / given.name
    logged = mlflow or (mlflow is None and bool(os.environ.get("MLFLOW_TRACKING_URI")))
    if logged:
        _campaign(root)  # addresses of what `up` started here
    watching = of_experiment(given.name) if logged else None
    found = running.run(given, reads, source, folder, jobs or cores(), shown, watching)
    if logged:
        _log_simulated(found)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo((folder / running.TABLE).read_text())
    click.echo(f"results in {folder}")


def _log_simulated(found: Any) -> None:
    """Log the results; where MLflow is away or refuses, it is told and the results stand."""
    from labelcycle.adapters.mlflow_simulated import SimulatedTracker

    try:
        click.echo(f"logged: {SimulatedTracker().log(found)}", err=True)
    except (ServiceDown, ServiceRefused) as error:
        click.echo(f"not logged: {error}", err=True)


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--holdout", is_flag=True, help="With the hold-out's labels.")
@click.option("--rejected", is_flag=True, help="With what was rejected, and why.")
@click.pass_obj
def export(root: Path, file: Path, holdout: bool, rejected: bool) -> None:
    """Write the accepted labels with their votes as CSV ('-': to standard output)."""
    from labelcycle import owned
    from labelcycle.store import write_bytes

    text = owned.export(_campaign(root), holdout=holdout, rejected=rejected)
    if str(file) == "-":
        click.echo(text, nl=False)
    else:
        write_bytes(file, text.encode())
        click.echo(f"{max(0, len(text.splitlines()) - 1)} rows in {file}")


@cli.command()
@click.argument("tag", required=False)
@click.option(
    "--from",
    "start",
    type=click.Choice(["train", "pretrain"]),
    default="train",
    help="pretrain: from the images on, on the same kind of device.",
)
@click.pass_obj
def verify(root: Path, tag: str | None, start: str) -> None:
    """Rebuild a closed round (default: the last) from its inputs and compare."""
    from labelcycle import rounds
    from labelcycle.cycle import history, standing

    _campaign(root)
    now = standing.read(root)
    number = history.number_of(now, tag or rounds.round_tag(now.number - 1))
    history.verify(now, number, start == "pretrain", click.echo)
    click.echo(f"round {number} is reproduced")


@cli.command()
@click.option(
    "--truth",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="CSV with the true classes: `label` and `sample` or `file`.",
)
@click.option("--annotators", type=click.IntRange(min=1), default=2, help="How many people.")
@click.option("--error-rate", type=click.FloatRange(0, 1), default=0.0, help="Share of errors.")
@click.option("--skip-rate", type=click.FloatRange(0, 1), default=0.0, help="Share of skips.")
@click.option("--seed", type=click.IntRange(min=0), default=0)
@click.pass_obj
def annotate(
    root: Path, truth: Path, annotators: int, error_rate: float, skip_rate: float, seed: int
) -> None:
    """Let simulated people answer the open round through Label Studio's own API."""
    from labelcycle.cycle import people, standing

    _campaign(root)
    done = people.answer(
        standing.read(root),
        truth,
        annotators=annotators,
        error_rate=error_rate,
        skip_rate=skip_rate,
        seed=seed,
        show=click.echo,
    )
    click.echo(f"{done.answered} answered ({done.wrong} wrongly), {done.skipped} skipped")


@cli.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path), default="demo")
@click.option("--stop", is_flag=True, help="Stop the services at the end.")
def demo(directory: Path, stop: bool) -> None:
    """All of it on the sample data: three rounds with simulated people, in DIRECTORY."""
    from labelcycle import demo as show

    show.run(directory, stop=stop)


def main() -> None:
    """Run the command; deliberate errors become one line on standard error."""
    try:
        with warnings.catch_warnings():
            print_notices()
            cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except LabelcycleError as error:
        click.echo(f"labelcycle: {error}", err=True)
        sys.exit(error.exit_code)
