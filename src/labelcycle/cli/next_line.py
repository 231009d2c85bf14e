"""The last line of a command that changed the campaign: what to do next."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from labelcycle.adapters.ports import AnnotationProgress


def say_next(root: Path, progress: "AnnotationProgress | None" = None) -> None:
    """Print what to do next, in the words of `labelcycle status`.

    The command has done its work: what is wrong with the campaign is the next thing to mend.

    progress : of the open round, if the command has looked
    """
    from labelcycle.cycle import next_step
    from labelcycle.errors import LabelcycleError
    from labelcycle.rounds import snapshots

    try:
        step = next_step.find(snapshots.read(root), progress)
    except LabelcycleError as error:
        step = f"mend this: {error}"
    click.echo(next_step.line(step))
