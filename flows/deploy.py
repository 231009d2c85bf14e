"""Serves the flows of one campaign: `collect` on a schedule, the others on demand.

python -m flows.deploy --campaign DIR --every 300
"""

from pathlib import Path

import click
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

from flows.rounds import close_round, collect, open_round
from labelcycle.adapters import git
from labelcycle.config import load


@click.command()
@click.option(
    "--campaign",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="folder of the campaign",
)
@click.option("--every", type=click.IntRange(min=30), default=300, help="seconds between looks")
def main(campaign: Path, every: int) -> None:
    """Serve `collect` every so many seconds, and `open-round`, `close-round` on demand."""
    root = campaign.resolve()
    git.check_usable(root)
    name = load(root / "params.yaml").campaign.name
    parameters = {"folder": str(root)}
    # One at a time: a look that comes while another one works is not needed.
    alone = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)
    serve(
        collect.to_deployment(name, interval=every, parameters=parameters, concurrency_limit=alone),
        open_round.to_deployment(name, parameters=parameters),
        close_round.to_deployment(name, parameters=parameters),
    )


if __name__ == "__main__":
    main()
