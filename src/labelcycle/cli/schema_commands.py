"""The commands `labelcycle schema ...`: what annotators choose from, and changes of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path

import click

from labelcycle.cli.campaign_option import campaign_in
from labelcycle.cli.next_line import say_next
from labelcycle.core import class_migrations
from labelcycle.core.class_migrations import Change, Table
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import SettingsError


@click.group(invoke_without_command=True)
@click.pass_context
def schema(context: click.Context) -> None:
    """List the classes with hot keys and labels and how they changed, or change them.

    Classes are changed while no round is open. The labels there are go along: what was labelled
    with an old name counts as the new one, and what was labelled with a removed class is rejected.
    """
    if context.invoked_subcommand is None:
        _print(context.obj)


@schema.command()
@click.argument("name", help="The name of the new class.")
@click.option(
    "--after", metavar="NAME", help="The class that it stands behind (default: the last)."
)
@click.pass_obj
def add(root: Path, name: str, after: str | None) -> None:
    """One more class. A removed one comes back with its labels."""
    _migrate(root, lambda classes, table: class_migrations.add(classes, name, after, table))


@schema.command()
@click.argument("old", help="The name that the class has.")
@click.argument("new", help="The name that it gets.")
@click.pass_obj
def rename(root: Path, old: str, new: str) -> None:
    """Another name for the class OLD. Its labels go along."""
    _migrate(root, lambda classes, table: class_migrations.rename(classes, old, new, table))


@schema.command()
@click.argument(
    "names", nargs=-1, required=True, metavar="NAME...", help="The classes that become one."
)
@click.option("--into", required=True, metavar="NAME", help="One of the classes, or a new name.")
@click.pass_obj
def merge(root: Path, names: tuple[str, ...], into: str) -> None:
    """One class in place of several. Their labels go along."""
    _migrate(root, lambda classes, table: class_migrations.merge(classes, names, into, table))


@schema.command()
@click.argument("name", help="The class that goes.")
@click.pass_obj
def remove(root: Path, name: str) -> None:
    """One class less. What was labelled with it is rejected, and not asked again."""
    _migrate(root, lambda classes, _table: class_migrations.remove(classes, name))


def _migrate(root: Path, change: Callable[[Sequence[str], Table], Change]) -> None:
    """Do a change, and say what it means for the labels."""
    from labelcycle.adapters import git, lock
    from labelcycle.campaign.labels import read_all_labels
    from labelcycle.cycle import class_changes
    from labelcycle.rounds import lease

    git.check_usable(root)
    campaign = campaign_in(root)
    with lock.exclusive(campaign.lock), lease.held(campaign, click.echo):
        before = read_all_labels(campaign)
        migration = class_changes.migrate(root, partial(_changed, change))
    after = read_all_labels(campaign)
    changed = sum(before[key].label != after[key].label for key in before)
    words = counted(changed, "label changes with it", "labels change with it")
    click.echo(f"{migration}: {words}")
    click.echo(f"classes: {', '.join(migration.after)}")
    click.echo(f"annotators see it when round {migration.round} opens")
    say_next(root)


def _changed(
    change: Callable[[Sequence[str], Table], Change], classes: Sequence[str], table: Table
) -> Change:
    """What `change` makes of the classes; its errors name the commands that may help."""
    try:
        return change(classes, table)
    except SettingsError as error:
        commands = ", ".join(f"`labelcycle schema {name}`" for name in schema.commands)
        raise SettingsError(
            f"{error} ({commands}; `labelcycle schema` lists all classes)"
        ) from error


def _print(root: Path) -> None:
    from labelcycle.adapters import annotation
    from labelcycle.rounds import snapshots

    snapshot = snapshots.read(root)
    classes = snapshot.config.classes
    counts = Counter(label.label for label in snapshot.records.labels().values())
    width = max(map(len, ("class", *classes)))
    keys = annotation.hot_keys(snapshot.config.push.backend)
    rows = [("key", "class", "labels")]
    rows += [
        (key, name, str(counts[name]))
        for key, name in zip_longest(keys[: len(classes)], classes, fillvalue="")
    ]
    for key, name, number in rows:
        line = f"{name:<{width}}  {number:>6}"
        click.echo(f"{key:<3}  {line}" if keys else line)
    migrations = snapshot.records.migrations()
    click.echo("\nchanges:" if migrations else "\nno changes so far")
    for migration in migrations:
        click.echo(f"  before round {migration.round}, {migration.at}: {migration}")


COMMANDS = (schema,)
"""In the order of `labelcycle --help`."""
