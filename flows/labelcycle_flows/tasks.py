"""What a flow has Prefect watch over: the stages, and whatever talks to a service."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State as RunState
from prefect.client.schemas.objects import TaskRun
from prefect.tasks import Task

from labelcycle.adapters.dvc import commands
from labelcycle.adapters.mlflow.tracker import MlflowTracker
from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.cycle import log_round, round_closing, round_opening
from labelcycle.errors import LabelcycleError, ServiceDown
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshots import Snapshot
from labelcycle_flows import run_names
from labelcycle_flows.reports import say

P = ParamSpec("P")
R = TypeVar("R")


def _may_pass(_task: Task[..., Any], _run: TaskRun, state: RunState[Any]) -> bool:
    """Try again only what another try may mend."""
    return isinstance(state.result(raise_on_failure=False), ServiceDown)


def _service(function: Callable[P, R]) -> Task[P, R]:
    """A task that talks to a service: retried while the service is down, never cached."""
    return task(
        task_run_name=run_names.task_name(function.__name__),
        retries=3,
        retry_delay_seconds=[2, 5, 15],
        retry_condition_fn=_may_pass,
        cache_policy=NO_CACHE,
    )(function)


@task(task_run_name=run_names.task_name("{stages}"), cache_policy=NO_CACHE)
def reproduce(snapshot: Snapshot, stages: str) -> None:
    """Let DVC bring stages up to date, in one call: each takes a second to look.

    stages : their names, as in `train, evaluate`
    """
    commands.repro(snapshot.campaign.root, *stages.split(", "))


@_service
def push(snapshot: Snapshot) -> None:
    """Hand the selection to annotators."""
    round_opening.push(snapshot, round_opening.backend(snapshot), say)


@_service
def look(snapshot: Snapshot) -> AnnotationProgress:
    """How far annotators are; a page that asks something else stops it, days before the close."""
    backend = pushed_tasks.backend(snapshot)
    done = round_closing.progress(snapshot, backend)
    round_closing.check_page(snapshot, backend)
    return done


@_service
def pull(snapshot: Snapshot) -> None:
    """Take the answers back."""
    round_closing.pull(snapshot, pushed_tasks.backend(snapshot))


def log_missing(snapshot: Snapshot) -> None:
    """Tell MLflow of the closed rounds it lacks; when it is away, a later run does."""
    try:
        if address := log_round.log_missing(snapshot, MlflowTracker(), say):
            say(f"logged in MLflow: {address}")
    except LabelcycleError as error:  # the rounds are closed all the same
        say(f"not logged yet: {error}")


log_rounds = task(
    name="log_rounds", task_run_name=run_names.task_name("log"), cache_policy=NO_CACHE
)(log_missing)
