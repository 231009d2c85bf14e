"""Serves the flows of one campaign: `collect` on a schedule, the others on demand.

python -m flows.deploy --campaign DIR --every 300 --webhook http://127.0.0.1:8090/
"""

import contextlib
import warnings
from pathlib import Path

import click

from labelcycle.adapters import git
from labelcycle.config import load
from labelcycle.environment import prepare
from labelcycle.errors import LabelcycleError


@click.command()
@click.option(
    "--campaign",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="folder of the campaign",
)
@click.option("--every", type=click.IntRange(min=1), default=300, help="seconds between looks")
@click.option("--webhook", help="look at once when Label Studio calls this address of ours")
@click.option("--listen", help="HOST:PORT for --webhook, where the address does not say it")
def main(campaign: Path, every: int, webhook: str | None, listen: str | None) -> None:
    """Serve `collect` every so many seconds, and `open-round`, `close-round` on demand."""
    root = campaign.resolve()
    with contextlib.ExitStack() as stack:
        try:
            git.check_usable(root)
            name = load(root / "params.yaml").campaign.name
            prepare(root)
            if webhook:
                from flows.receiving import place, received

                stack.enter_context(received(root, name, place(webhook, listen), every))
        except LabelcycleError as error:
            raise click.ClickException(str(error)) from error
        _serve(root, name, every)


def _serve(root: Path, name: str, every: int) -> None:
    """Serve until interrupted, at most two runs at a time.

    Two are no harm, for the campaign's lock lets one work. More would pile up on a machine where
    looks take longer than the time between them.
    """
    # Prefect reads its settings when it is imported, so it must come after `prepare`.
    from prefect import serve
    from prefect.deployments.runner import RunnerDeployment
    from prefect.types.entrypoint import EntrypointType

    from flows.rounds import close_round, collect, open_round

    deployments = []
    for flow, interval in ((collect, every), (open_round, None), (close_round, None)):
        deployment = flow.to_deployment(
            name,
            interval=interval,
            parameters={"folder": str(root)},
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        if isinstance(deployment, RunnerDeployment):  # else a coroutine, which async callers get
            deployments.append(deployment)
    with warnings.catch_warnings():
        # On SIGTERM Prefect 3.8.8 makes this coroutine and drops it; its exit does the stopping.
        never = "coroutine 'Runner.astop' was never awaited"
        warnings.filterwarnings("ignore", never, RuntimeWarning)
        serve(*deployments, limit=2)


if __name__ == "__main__":
    main()
