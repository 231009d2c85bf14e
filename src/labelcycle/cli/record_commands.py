"""The commands about what closed rounds recorded: export, verify."""

from pathlib import Path

import click

from labelcycle.cli.campaign_option import GivenPath, campaign_in
from labelcycle.core.counted_nouns import counted
from labelcycle.stages import declaration


@click.command()
@click.argument(
    "file", type=GivenPath(dir_okay=False, path_type=Path), help="The CSV file to write, or -."
)
@click.option("--holdout", is_flag=True, help="With the hold-out's labels.")
@click.option(
    "--rejected",
    is_flag=True,
    help="With what was rejected, and why (class names of that time).",
)
@click.option(
    "--raw", is_flag=True, help="For programs: no ' before cells that spreadsheets would run."
)
@click.pass_obj
def export(root: Path, file: Path, holdout: bool, rejected: bool, raw: bool) -> None:
    """Write the accepted labels with their votes as CSV ('-': to standard output)."""
    from labelcycle.campaign import label_csv
    from labelcycle.campaign.atomic_files import write_bytes

    made = label_csv.export(campaign_in(root), holdout=holdout, rejected=rejected, raw=raw)
    if str(file) == "-":
        click.echo(made.text, nl=False)
    else:
        write_bytes(file, made.text.encode())
        click.echo(f"{counted(made.rows, 'row')} in {file}")
    if made.guarded:
        click.echo(
            f"{counted(made.guarded, 'cell begins', 'cells begin')} as a formula does: a '"
            " before each keeps spreadsheets"
            " from running it; `import-labels` takes it away; --raw leaves it out",
            err=True,
        )


@click.command()
@click.argument("tag", required=False, help="Tag of the round, such as round/003.")
@click.option(
    "--from",
    "start",
    type=click.Choice([declaration.TRAIN, declaration.PRETRAIN]),
    default=declaration.TRAIN,
    help="pretrain: from the images on, on the same kind of device.",
)
@click.pass_obj
def verify(root: Path, tag: str | None, start: str) -> None:
    """Rebuild a closed round (default: the last) from its inputs and compare."""
    from labelcycle.campaign import round_states
    from labelcycle.cycle import verify_round
    from labelcycle.rounds import snapshots

    campaign_in(root)
    snapshot = snapshots.read(root)
    number = verify_round.number_of(snapshot, tag or round_states.round_tag(snapshot.number - 1))
    verify_round.verify(snapshot, number, start == declaration.PRETRAIN, click.echo)
    click.echo(f"round {number} is reproduced")


COMMANDS = (export, verify)
"""In the order of `labelcycle --help`."""
