"""The commands that set a campaign up: init, ingest, import-labels, up, down, doctor."""

import csv
from pathlib import Path
from typing import Any

import click

from labelcycle.commands.shared import campaign_in
from labelcycle.errors import LabelcycleError, SettingsError


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", help="Name of the campaign (default: the folder's).")
@click.option(
    "--classes",
    help="The class names, separated by commas; else write them into params.yaml.",
)
def init(directory: Path, name: str | None, classes: str | None) -> None:
    """Make a new campaign in DIRECTORY, a new folder: git, DVC, params.yaml, dvc.yaml.

    Images come in later, by `ingest`, from wherever they are.
    """
    from labelcycle import config
    from labelcycle.cycle import setup

    listed = next(csv.reader([classes or ""], skipinitialspace=True), [])
    names = [part.strip() for part in listed if part.strip()]
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


@click.command()
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
    with lock.exclusive(campaign_in(root).lock), shown("ingest") as show:
        report = setup.add_images(root, paths, show)
    click.echo(
        f"{report.found} files: {report.added} new samples, {report.known} known already,"
        f" {report.duplicates} duplicates, {report.quarantined} in quarantine"
    )
    click.echo(f"now {report.pool} in the pool, {report.holdout} in the hold-out")
    if report.quarantined:
        click.echo("see data/quarantine.jsonl for what could not be used, and why")


@click.command("import-labels")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.pass_obj
def import_labels(root: Path, file: Path) -> None:
    """Take labels owned already, before round 0: a CSV with `label` and `sample` or `file`."""
    from labelcycle.adapters import git, lock
    from labelcycle.cycle import setup

    git.check_usable(root)
    with lock.exclusive(campaign_in(root).lock):
        report = setup.add_labels(root, file)
    click.echo(f"{report.accepted} labels accepted, {len(report.rejected)} rejected")
    for line in report.told():
        click.echo(f"  {line}")


@click.command()
@click.option("--host", default="127.0.0.1", help="0.0.0.0 lets other computers in.")
@click.pass_obj
def up(root: Path, host: str) -> None:
    """Start Label Studio, MLflow and Prefect on this computer; print addresses and login."""
    from labelcycle.adapters import git, services

    campaign = campaign_in(root)
    git.check_usable(root)
    running = services.up(campaign, host=host, show=click.echo)
    _addresses(running)


def _addresses(running: Any) -> None:
    for service in running.services.values():
        click.echo(f"{service.title:<13} {service.public}")
    click.echo(f"log in to Label Studio as {running.login} with password {running.password}")
    if running.invite:
        click.echo(f"annotators make their own account at {running.invite}")


@click.command()
@click.pass_obj
def down(root: Path) -> None:
    """Stop what `up` started; nothing is lost."""
    from labelcycle.adapters import services

    stopped = services.down(campaign_in(root), show=click.echo)
    if not stopped:
        click.echo("nothing was running")


@click.command()
@click.pass_obj
def doctor(root: Path) -> None:
    """Check every precondition; each failure comes with its remedy.

    A service that was not started is `off`, which no round can do with: the exit code is 1 too.
    """
    from labelcycle import checks

    campaign_in(root)
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


COMMANDS = (init, ingest, import_labels, up, down, doctor)
"""In the order of `labelcycle --help`."""
