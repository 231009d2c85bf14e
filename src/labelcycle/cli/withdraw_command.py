"""The command that takes samples out of a campaign for good."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labelcycle.cli.campaign_option import GivenText, campaign_in
from labelcycle.cli.next_line import say_next
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import StateError

if TYPE_CHECKING:
    from labelcycle.adapters.ports import Tracker
    from labelcycle.campaign.campaign_paths import Campaign


@click.command()
@click.argument(
    "names",
    nargs=-1,
    metavar="SAMPLE...",
    help="Ids of samples, paths of their images, or @LIST with one a line.",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    type=GivenText(),
    help="All samples of a group, by its name.",
)
@click.option("--reason", type=GivenText(), help="Why, for the record. Do not name the person.")
@click.option("--yes", is_flag=True, help="Do not ask before it is done.")
@click.pass_obj
def withdraw(
    root: Path, names: tuple[str, ...], groups: tuple[str, ...], reason: str | None, yes: bool
) -> None:
    """Take samples out for good, as when somebody's consent is revoked.

    Their tasks, answers, labels, images and features go: from the backend, the campaign's folder,
    DVC's cache and default remote, for all earlier rounds too, and from MLflow. A tombstone stays
    (id, date, reason), so that no later ingest brings them back.

    It cannot be undone. If it was killed, it goes on when given again without a sample. In another
    clone, it is `git pull`, then `labelcycle withdraw`, that removes what this clone has.
    """
    from labelcycle.adapters import git, lock
    from labelcycle.cycle import withdraw_samples, withdrawn_names, withdrawn_remains
    from labelcycle.rounds import lease, snapshots

    git.check_usable(root)
    campaign = campaign_in(root)
    if (names or groups) and not reason:
        raise click.UsageError(
            "wanted --reason TEXT, which stays with the date as the record of it"
        )
    with lock.exclusive(campaign.lock), ExitStack() as alone:
        snapshot = snapshots.ready(root, parts=False, withdrawing=True)
        if not (names or groups or snapshot.records.withdrawn().samples):
            raise click.UsageError("nothing was withdrawn so far; wanted the samples to withdraw")
        samples = withdrawn_names.samples(snapshot, names, groups)
        withdraw_samples.check(snapshot, samples)
        # A clone that only removes what it still has needs no service.
        begun = bool(samples or snapshot.records.withdrawn().unfinished)
        tracker = _tracker(campaign, snapshot.number) if begun else None
        places = withdraw_samples.outside(snapshot, tracker, asked=begun)
        if begun:
            alone.enter_context(lease.held(campaign, click.echo, take=True))
        if samples:
            lines = withdrawn_remains.lines(snapshot, samples, places.stores)
            click.echo("\n".join(lines))
            if not yes:
                click.confirm(f"withdraw {counted(len(samples), 'sample')}", abort=True)
            withdraw_samples.begin(snapshot, samples, reason or "")
            snapshot = snapshots.renewed(snapshot)
        count = len(snapshot.records.withdrawn().unfinished)
        if count:
            click.echo("removing tasks, answers, labels, images and features, wherever they are")
        withdraw_samples.finish(snapshot, places, click.echo)
        withdraw_samples.remove_again(snapshots.renewed(snapshot), places, click.echo)
    click.echo(f"{counted(count, 'sample is', 'samples are')} withdrawn")
    say_next(root)


def _tracker(campaign: "Campaign", closed: int) -> "Callable[[], Tracker] | None":
    """Makes the tracker; None where nothing was logged.

    Raises StateError if rounds were logged and nobody says where.
    """
    import os

    from labelcycle.adapters.mlflow import tracking_uri

    if not os.environ.get(tracking_uri.VARIABLE):
        if closed and campaign.curves.exists():
            raise StateError(
                f"{tracking_uri.VARIABLE} is not set, and rounds were logged in MLflow: wanted its"
                " address, for the samples' answers are there, too; run `labelcycle up` or set it"
                f" (if that MLflow is gone for good, remove {campaign.curves})"
            )
        return None
    from labelcycle.adapters.mlflow.tracker import MlflowTracker

    return MlflowTracker


COMMANDS = (withdraw,)
"""In the order of `labelcycle --help`."""
