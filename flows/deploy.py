"""Serves the flows of one campaign: `collect` on a schedule, the others on demand.

python -m flows.deploy --campaign DIR --every 300
"""

from pathlib import Path
from typing import cast

import click
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment

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
    every_so_often = collect.to_deployment(
        name, interval=every, parameters=parameters, concurrency_limit=alone
    )
    on_demand = [f.to_deployment(name, parameters=parameters) for f in (open_round, close_round)]
    # The signature speaks of coroutines, which only an async caller would get.
    serve(*cast(list[RunnerDeployment], [every_so_often, *on_demand]))


if __name__ == "__main__":
    main()
