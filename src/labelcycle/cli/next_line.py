"""The last line of a command that changed the campaign: what to do next."""

from pathlib import Path

import click


def say_next(root: Path) -> None:
    """Print what to do next, in the words of `labelcycle status`.

    The command has done its work: what is wrong with the campaign is the next thing to mend.
    """
    from labelcycle.cycle import next_step
    from labelcycle.errors import LabelcycleError
    from labelcycle.rounds import snapshots

    try:
        step = next_step.find(snapshots.read(root))
    except LabelcycleError as error:
        step = f"mend this: {error}"
    click.echo(next_step.line(step))
