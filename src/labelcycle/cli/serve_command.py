"""The command that keeps a cycle running: serve."""

from pathlib import Path

import click

from labelcycle.cli.campaign_option import GivenText


@click.command()
@click.option("--every", type=click.IntRange(min=1), default=300, help="Seconds between looks.")
@click.option(
    "--webhook", type=GivenText(), help="Look at once when the backend calls this address of ours."
)
@click.option(
    "--listen",
    type=GivenText(),
    help="HOST:PORT for --webhook, where the address does not say it.",
)
@click.option(
    "--ingest-every",
    type=click.IntRange(min=1),
    help="Seconds between looks for new images, as `labelcycle ingest --again` takes them.",
)
@click.pass_obj
def serve(
    root: Path, every: int, webhook: str | None, listen: str | None, ingest_every: int | None
) -> None:
    """Let Prefect run the cycle: looks at regular times, until Ctrl+C.

    A look closes a round that is complete. Once a day, a share of what is stored is read back, as
    by `labelcycle check --read 0.15`. `open-round`, `close-round` and `ingest-again` are there to
    be started by hand, on Prefect's page.
    """
    from labelcycle_flows import serving

    serving.serve(root, every, webhook, listen, ingest_every)


COMMANDS = (serve,)
"""In the order of `labelcycle --help`."""
