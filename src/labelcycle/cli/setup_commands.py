"""The commands that set a campaign up, bring a clone to work, and start and check the services."""

import csv
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labelcycle.cli.campaign_option import GivenPath, GivenText, campaign_in
from labelcycle.cli.next_line import say_next
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import LabelcycleError, SettingsError

if TYPE_CHECKING:
    from labelcycle.config import Config


@click.command()
@click.argument(
    "directory",
    type=GivenPath(file_okay=False, path_type=Path),
    help="The new folder of the campaign.",
)
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
    from labelcycle.adapters import git, lock
    from labelcycle.campaign.campaign_paths import Campaign
    from labelcycle.cycle import new_campaign
    from labelcycle.rounds import lease

    there = (directory / "params.yaml").exists()
    settings = None if there and not (name or classes) else _settings(directory, name, classes)
    if there and settings and not new_campaign.half_made(directory, settings):
        raise SettingsError(
            f"{directory} is a campaign already; --name and --classes are for a new one;"
            " edit its params.yaml"
        )
    # settings alone are no campaign yet
    known = there and settings is None and (directory / ".git").exists()
    click.echo(f"making git, DVC and the settings in {directory}")
    with ExitStack() as alone:
        if known:
            git.check_usable(directory)
            before = Campaign(directory)
            alone.enter_context(lock.exclusive(before.lock))
            alone.enter_context(lease.held(before, click.echo))
        campaign = new_campaign.init(directory, None if there else settings)
    if known:
        click.echo(
            f"{campaign.root} is a campaign already; its settings and rounds are as they were"
        )
        return
    click.echo(f"campaign in {campaign.root}")
    if not config.load(campaign.params).campaign.classes:
        todo = "write the class names into params.yaml, and look at its other settings"
    else:
        todo = "look at the settings in params.yaml"
    click.echo(
        f"next: {todo}, for the first ingest fixes the hold-out; then `labelcycle ingest PATH...`"
    )


def _settings(directory: Path, name: str | None, classes: str | None) -> "Config":
    """The settings of a new campaign."""
    from labelcycle import config

    listed = next(csv.reader([classes or ""], skipinitialspace=True), [])
    names = [part.strip() for part in listed if part.strip()]
    title = name or directory.resolve().name
    origin = "--name" if name else "the folder's name, as --name is not given"
    origin += " and --classes" if classes else ""
    return config.parse({"campaign": {"name": title, "classes": names}}, origin)


@click.command()
@click.argument("paths", nargs=-1, help="Where the images are.")
@click.option("--again", is_flag=True, help="Take what is new wherever images came from so far.")
@click.option(
    "--forget",
    "forgotten",
    metavar="SOURCE",
    type=GivenText(),
    help="Leave a path out of what --again looks at. Its images stay.",
)
@click.option("--follow-links", is_flag=True, help="Follow links that lead out of a folder given.")
@click.pass_obj
def ingest(
    root: Path, paths: tuple[str, ...], again: bool, forgotten: str | None, follow_links: bool
) -> None:
    """Take images into the pool: files, folders, patterns, addresses, or @LIST.

    An address is https://... of an image, s3://bucket/prefix of all below it, or file:///... of a
    file or folder. A list has one address a line, or a path relative to the list. Of @LIST.csv the
    column `url` is read. Hidden files are left out unless you name them.

    Every image is decoded. What cannot be used goes to data/quarantine.jsonl with its reason. A
    part of the images is drawn at random, held out, and then frozen.

    It can be given at any time. Once a round is planned, new images count from the next one on.
    """
    from labelcycle.adapters import git, lock
    from labelcycle.cli.progress_bar import shown
    from labelcycle.cycle import new_campaign
    from labelcycle.rounds import lease

    ways = [bool(paths), again, forgotten is not None]
    if sum(ways) != 1:
        raise SettingsError(
            "ingest: wanted paths of images, or --again, which looks wherever images came from so"
            f" far, or --forget SOURCE; got {'none of them' if not any(ways) else 'several'}"
        )
    git.check_usable(root)
    campaign = campaign_in(root)
    with (
        lock.exclusive(campaign.lock),
        lease.held(campaign, click.echo),
        shown("ingest") as show,
    ):
        if forgotten is not None:
            path = new_campaign.forget_source(root, forgotten)
            lines = [f"`ingest --again` looks no more at {path}; the images from it stay"]
        elif again:
            lines = new_campaign.add_images_again(root, show).summary_lines()
        else:
            report = new_campaign.add_images(root, paths, show, follow_links=follow_links)
            lines = report.summary_lines()
    for line in lines:
        click.echo(line)
    say_next(root)


@click.command("import-labels")
@click.argument(
    "file",
    type=GivenPath(exists=True, dir_okay=False, path_type=Path),
    help="The CSV file with the labels.",
)
@click.pass_obj
def import_labels(root: Path, file: Path) -> None:
    """Take labels owned already, before round 0: a CSV with `label` and `sample` or `file`."""
    from labelcycle.adapters import git, lock
    from labelcycle.cycle import new_campaign
    from labelcycle.rounds import lease

    git.check_usable(root)
    campaign = campaign_in(root)
    with lock.exclusive(campaign.lock), lease.held(campaign, click.echo):
        report = new_campaign.add_labels(root, file)
    click.echo(f"{counted(report.accepted, 'label')} accepted, {len(report.rejected)} rejected")
    for line in report.summary_lines():
        click.echo(f"  {line}")
    say_next(root)


@click.command()
@click.option(
    "--host", type=GivenText(), default="127.0.0.1", help="0.0.0.0 lets other computers in."
)
@click.pass_obj
def up(root: Path, host: str) -> None:
    """Start Label Studio, MLflow and Prefect on this computer, and print addresses and login.

    Label Studio only where `push.backend` is label_studio.
    """
    from labelcycle import config
    from labelcycle.adapters import annotation, git
    from labelcycle.adapters.local import services
    from labelcycle.adapters.mlflow import tracking_uri
    from labelcycle.rounds import snapshots

    campaign = campaign_in(root)
    git.check_usable(root)
    backend_service = annotation.service(config.load(campaign.params, parts=False).push.backend)
    service_names = [
        service for service in services.NAMES if service in (backend_service, "mlflow", "prefect")
    ]
    running = services.up(campaign, host=host, only=service_names, show=click.echo)
    services.load_environment(campaign)  # with what was started just now
    curves = tracking_uri.of_campaign(campaign)
    for line in running.summary_lines(snapshots.last_push(campaign), curves):
        click.echo(line)
    say_next(root)


@click.command()
@click.option("--renew", is_flag=True, help="Make a new link; the old one is good no more.")
@click.pass_obj
def invite(root: Path, renew: bool) -> None:
    """Print the link with which annotators make their own accounts.

    Whoever has it gets in, and every annotator can read it. Accounts made with an old link stay.
    """
    from labelcycle import config
    from labelcycle.adapters import annotation
    from labelcycle.adapters.ports import Inviting

    campaign = campaign_in(root)
    name = config.load(campaign.params, parts=False).push.backend
    backend = annotation.of(campaign, name)
    able = annotation.able(backend, Inviting, "`labelcycle invite`: nobody needs an account")
    click.echo(able.invitation(renew=renew))


@click.command()
@click.pass_obj
def down(root: Path) -> None:
    """Stop what `up` started. Nothing is lost."""
    from labelcycle.adapters.local import services

    stopped = services.down(campaign_in(root), show=click.echo)
    if not stopped:
        click.echo("nothing was running")


@click.command()
@click.pass_obj
def doctor(root: Path) -> None:
    """Check every precondition. Each failure comes with its remedy.

    A service that was not started is `off`, and the exit code is 1 too. A backend without a server
    needs none.
    """
    from labelcycle.cli import doctor_checks

    campaign_in(root)
    failed, off = 0, []
    for name, ok, detail, remedy in doctor_checks.all_checks(root):
        mark = {True: "ok  ", False: "FAIL", None: "off "}[ok]
        click.echo(f"{mark} {name}: {detail}{'' if ok else f' -> {remedy}'}")
        failed += ok is False
        off += [name] if ok is None else []
    problems = [f"not running: {', '.join(off)}; `labelcycle up` starts them"] if off else []
    if failed:
        problems.append(f"checks that failed: {failed}; each line above names its remedy")
    if problems:
        raise LabelcycleError("; ".join(problems))


@click.command()
@click.pass_obj
def trust(root: Path) -> None:
    """Let data go where this campaign says, if it came from elsewhere, as a clone does.

    That is the remote in .dvc/config, the bucket and the files outside the campaign in
    params.yaml, and the sources of images in data/cohorts.json. Look at these files before: what
    they name is used from then on, in this folder.
    """
    from labelcycle.adapters import git
    from labelcycle.rounds import trusted_places

    git.check_usable(root)
    said = trusted_places.confirm(campaign_in(root))
    for file, places in said.items():
        click.echo(f"trusted from now on, {file}: {places}")
    if not said:
        click.echo("nothing to trust: the campaign names no place outside it")


@click.command()
@click.pass_obj
def pull(root: Path) -> None:
    """In a clone: bring the campaign's data from the remote that .dvc/config names.

    It is `dvc pull`, but that no list of files may name one outside the campaign.
    """
    from labelcycle.adapters import git, lock
    from labelcycle.adapters.dvc import commands
    from labelcycle.rounds import snapshots

    git.check_usable(root)
    campaign = campaign_in(root)
    with lock.exclusive(campaign.lock):
        snapshots.check_safe(campaign)
        commands.pull(root)
    click.echo("all data of this commit are here")
    say_next(root)


@click.command()
@click.option(
    "--force",
    is_flag=True,
    help="Though the other's last work or its tasks are not here, or git's remote is away.",
)
@click.pass_obj
def resume(root: Path, force: bool) -> None:
    """Go on with a campaign on this computer: bring its data, find its tasks, do what is due.

    From then on, the computer that worked on it before is refused, until it has done the same. Who
    works on it is written into git's remote. `run` does this by itself in a new clone.
    """
    from labelcycle.adapters import git
    from labelcycle.cli.campaign_option import flows_of
    from labelcycle.cycle import resume_campaign

    git.check_usable(root)
    resume_campaign.resume(campaign_in(root), click.echo, force=force)
    flows_of(root).run(str(root))
    say_next(root)


COMMANDS = (init, trust, pull, resume, ingest, import_labels, up, invite, down, doctor)
"""In the order of `labelcycle --help`."""
