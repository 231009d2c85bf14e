"""`labelcycle serve`: `collect` and `check` at regular times, the other flows on demand."""

import contextlib
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from labelcycle.adapters import git
from labelcycle.adapters.local.environment import check_settings_here, prepare
from labelcycle.config import load
from labelcycle.rounds import snapshots
from labelcycle_flows.scheduled_looks import Looks, regular

DAY_S = 24 * 3600
"""A share of what is stored is read back each day."""


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
        timetable = [(looks, every), (Looks(root, name, "check", "check"), DAY_S)]
        if ingest_every:
            timetable.append((Looks(root, name, "ingest-again", "ingest"), ingest_every))
        _serve(root, name, timetable)


@contextlib.contextmanager
def _elsewhere() -> Iterator[None]:
    """Work in a folder that nobody else writes: Prefect imports flows from where it works first."""
    with contextlib.chdir("/"):
        yield


def often(every: int) -> str:
    """How often that is, for people; every : seconds.

    >>> often(300), often(86400), often(604800)
    ('every 300 s', 'every day', 'every 7 days')
    """
    days, rest = divmod(every, DAY_S)
    if rest:
        return f"every {every} s"
    return "every day" if days == 1 else f"every {days} days"


def _serve(root: Path, name: str, timetable: Sequence[tuple[Looks, int]]) -> None:
    """Serve until interrupted, at most two runs at a time.

    timetable : looks, and the seconds between two; other flows run on demand

    Two are no harm, for the campaign's lock lets one work. More would pile up on a machine where
    looks take longer than the time between them.
    """
    # Prefect reads its settings when it is imported, so it must come after `prepare`.
    from prefect import serve
    from prefect.deployments.runner import RunnerDeployment
    from prefect.settings import PREFECT_UI_URL
    from prefect.types.entrypoint import EntrypointType

    from labelcycle_flows.checking import check
    from labelcycle_flows.ingesting import ingest_again
    from labelcycle_flows.rounds import close_round, collect, open_round

    page = PREFECT_UI_URL.value()
    deployments = []
    times = {looks.flow: every for looks, every in timetable}
    for flow in (collect, open_round, close_round, ingest_again, check):
        deployment = flow.to_deployment(
            name,
            tags=[name],
            parameters={"folder": str(root)},
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        if isinstance(deployment, RunnerDeployment):  # else a coroutine, which async callers get
            deployments.append(deployment)
            number = deployment.apply()  # so that the first look finds it
            when = often(times[flow.name]) if flow.name in times else "on demand"
            click.echo(f"{flow.name:<12} {when:<12} {page}/deployments/deployment/{number}")
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        for looks, every in timetable:
            stack.enter_context(regular(looks, every))
        # On SIGTERM Prefect 3.8.8 makes this coroutine and drops it; its exit does the stopping.
        never = "coroutine 'Runner.astop' was never awaited"
        warnings.filterwarnings("ignore", never, RuntimeWarning)
        serve(*deployments, limit=2, print_starting_message=False)
