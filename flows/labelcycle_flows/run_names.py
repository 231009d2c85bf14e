"""What Prefect shows: runs called by campaign, round and step, and tagged with the first two."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import click
import httpx
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from labelcycle.errors import LabelcycleError
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import Snapshot

ROUND = "round "
"""Begins the tag of a round."""


def of(root: Path, step: str) -> str:
    """Name of a run that takes a step, such as `photos, round 3, close`."""
    try:
        snapshot = snapshots.read(root)
    except LabelcycleError:  # the run itself tells why
        return f"{root.name}, {step}"
    return f"{snapshot.config.campaign.name}, round {snapshot.number}, {step}"


def flow_name(step: str) -> Callable[[], str]:
    """For `flow_run_name`: the name of the run that begins, whoever asked for it."""

    def name() -> str:
        return of(Path(str(flow_run.parameters["folder"])), step)

    return name


def task_name(step: str) -> str:
    """For `task_run_name` of a task with a parameter `snapshot`."""
    return f"{{snapshot.config.campaign.name}}, round {{snapshot.number}}, {step}"


def tags(snapshot: Snapshot) -> set[str]:
    """Tags of a run."""
    return {snapshot.config.campaign.name, f"{ROUND}{snapshot.number}"}


def tag(snapshot: Snapshot) -> None:
    """Tag the run at work, if there is one.

    Its tasks get no tags: for each that has some, Prefect asks its server whether it may run.
    """
    at_work = FlowRunContext.get()
    if at_work and at_work.flow_run:
        present = set(at_work.flow_run.tags)
        run_tags = tags(snapshot) | {tag for tag in present if not tag.startswith(ROUND)}
        if run_tags != present:
            _tag(at_work.flow_run.id, run_tags)


def _tag(run: UUID, tags: set[str]) -> None:
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(run, tags=sorted(tags))
    except (httpx.HTTPError, PrefectException) as error:  # a tag is worth no round
        click.echo(f"Prefect took no tags: {error}", err=True)
