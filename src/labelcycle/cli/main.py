"""The command `labelcycle`. Errors become one line and an exit code."""

import errno
import os
import sys
import warnings
from pathlib import Path

import click

from labelcycle import __version__
from labelcycle.cli import (
    answer_commands,
    correction_commands,
    cycle_commands,
    list_commands,
    record_commands,
    schema_commands,
    serve_command,
    setup_commands,
    simulate_command,
    trial_commands,
    withdraw_command,
)
from labelcycle.cli.campaign_option import GivenPath
from labelcycle.core import garbage_collection
from labelcycle.core.one_line_warnings import print_notices
from labelcycle.errors import EXIT_CODES, LabelcycleError

PARTS = (
    *(
        setup_commands,
        cycle_commands,
        serve_command,
        answer_commands,
        correction_commands,
        list_commands,
        schema_commands,
    ),
    *(simulate_command, record_commands, withdraw_command, trial_commands),
)
"""In the order of `labelcycle --help`."""


DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
"""What a disk says that is full, or broken. Any other error of the system is a mistake of ours."""


class _Commands(click.Group):
    """Lists the commands in the order in which a newcomer needs them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self.commands)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Exit codes: {'; '.join(f'{code} {text}' for code, text in EXIT_CODES.items())}.",
)
@click.option(
    "-C",
    "--campaign",
    "folder",
    type=GivenPath(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder of the campaign (default: here).",
)
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context, folder: Path) -> None:
    """Label images in rounds, on a small budget.

    A new campaign, in short: `init`, write the class names into params.yaml, `ingest`, `up`,
    `run`. Annotators answer in Label Studio. Then `run` again. `demo` shows all of it on sample
    data.
    """
    context.obj = folder.resolve()


for _part in PARTS:
    for _command in _part.COMMANDS:
        cli.add_command(_command)


def main() -> None:
    """Run the command; deliberate errors become one line on standard error."""
    garbage_collection.collect_less()
    os.environ["PYTHONSAFEPATH"] = "1"  # no process of ours takes modules from the folder it is in
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
    except OSError as error:
        if error.errno not in DISK:
            raise
        where = f"{error.filename}: " if error.filename else ""
        click.echo(
            f"labelcycle: the disk refused: {where}{error.strerror}; free some space or mend it,"
            " then run the same command again",
            err=True,
        )
        sys.exit(1)
