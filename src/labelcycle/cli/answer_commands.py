"""The commands to answer without a server: tasks, answer. They are for `push.backend: files`."""

import getpass
from pathlib import Path

import click

from labelcycle.cli.campaign_option import GivenPath, campaign_in
from labelcycle.cli.next_line import say_next
from labelcycle.core.counted_nouns import counted


@click.command()
@click.pass_obj
def tasks(root: Path) -> None:
    """Print what waits for people, as CSV to be filled in, with `push.backend: files`.

    The column `image` says which file to look at. Write a class into the column `answer`, or skip,
    or why there is none: none of these, several of these, cannot be judged.
    """
    from labelcycle.cycle import answer_table
    from labelcycle.rounds import snapshots

    campaign_in(root)
    click.echo(answer_table.text(snapshots.read(root)), nl=False)


@click.command()
@click.argument(
    "table",
    type=GivenPath(exists=True, dir_okay=False, path_type=Path),
    help="The CSV file with the answers.",
)
@click.option("--by", "person", help="Whose answers they are (default: the name you log in with).")
@click.pass_obj
def answer(root: Path, table: Path, person: str | None) -> None:
    """Take answers out of a TABLE that `labelcycle tasks` printed and somebody filled in.

    Lines without an answer are left out. A second table of the same person changes what differs.
    """
    from labelcycle.cycle import answer_table
    from labelcycle.rounds import snapshots

    campaign_in(root)
    who = person or getpass.getuser()
    snapshot = snapshots.read(root)
    taken = answer_table.take(snapshot, table, who)
    click.echo(
        f"{counted(taken['answers'], 'answer')} and {counted(taken['skips'], 'skip')} of {who}"
        " taken"
    )
    progress = answer_table.progress(snapshot)
    click.echo(f"round {snapshot.number}: {progress.summary}")
    say_next(root, progress)


COMMANDS = (tasks, answer)
"""In the order of `labelcycle --help`."""
