"""`labelcycle serve`: `collect` at regular times, the other flows on demand."""

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import click

from labelcycle.adapters import git
from labelcycle.adapters.local.environment import check_settings_here, prepare
from labelcycle.config import load
from labelcycle.rounds import snapshots
from labelcycle_flows.scheduled_looks import Looks, regular


def serve(
    root: Path, every: int, webhook: str | None, listen: str | None, ingest_every: int | None = None
) -> None:
    """Serve the flows of the campaign in `root` until interrupted.

    every : seconds between looks
    ingest_every : seconds between looks for new images; None: only when somebody asks
    webhook : address at which the annotation backend reaches this program, to be woken
    listen : HOST:PORT, where `webhook` does not say it

    Raises LabelcycleError if the campaign, Prefect's settings or the place are not as they must be.
    """
    git.check_usable(root)
    check_settings_here()
    snapshots.read(root)  # before anything is started for a clone that lacks its history
    name = load(root / "params.yaml").campaign.name
    # Nobody sits in front of a served run: what it says is kept by Prefect, as its log.
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "INFO")
    prepare(root)
    looks = Looks(root, name)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_elsewhere())
        if webhook:
            from labelcycle_flows.receiving import received, receiver_address

            stack.enter_context(received(root, looks, receiver_address(webhook, listen), every))
        _serve(root, name, looks, every, ingest_every)


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """Work in a folder that nobody else writes: Prefect imports flows from where it works first."""
    with contextlib.chdir("/"):
        yield


def _serve(
    root: Path, name: str, looks: Looks, every: int, ingest_every: int | None = None
) -> None:
    """Serve until interrupted, at most two runs at a time.

    Two are no harm, for the campaign's lock lets one work. More would pile up on a machine where
    looks take longer than the time between them.
    """
    # Prefect reads its settings when it is imported, so it must come after `prepare`.
    from prefect import serve
    from prefect.deployments.runner import RunnerDeployment
    from prefect.settings import PREFECT_UI_URL
    from prefect.types.entrypoint import EntrypointType

    from labelcycle_flows.ingesting import ingest_again
    from labelcycle_flows.rounds import close_round, collect, open_round

    page = PREFECT_UI_URL.value()
    deployments = []
    for flow, when in (
        (collect, f"every {every} s"),
        (open_round, "on demand"),
        (close_round, "on demand"),
        (ingest_again, f"every {ingest_every} s" if ingest_every else "on demand"),
    ):
        deployment = flow.to_deployment(
            name,
            tags=[name],
            parameters={"folder": str(root)},
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        if isinstance(deployment, RunnerDeployment):  # else a coroutine, which async callers get
            deployments.append(deployment)
            number = deployment.apply()  # so that the first look finds it
            click.echo(f"{flow.name:<12} {when:<12} {page}/deployments/deployment/{number}")
    with warnings.catch_warnings(), contextlib.ExitStack() as stack:
        # Not before: Prefect knows what is asked for since it was applied.
        stack.enter_context(regular(looks, every))
        if ingest_every:
            images = Looks(root, name, "ingest-again", "ingest")
            stack.enter_context(regular(images, ingest_every))
        # On SIGTERM Prefect 3.8.8 makes this coroutine and drops it; its exit does the stopping.
        never = "coroutine 'Runner.astop' was never awaited"
        warnings.filterwarnings("ignore", never, RuntimeWarning)
        serve(*deployments, limit=2, print_starting_message=False)
