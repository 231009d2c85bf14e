"""Notices to whoever keeps the cycle running. None of this ever stops a round."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from prefect.context import FlowRunContext
from prefect.utilities.urls import url_for

from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.round_states import State
from labelcycle.errors import Busy, LabelcycleError, ServiceDown
from labelcycle.notify import notices
from labelcycle.notify.outbox import Outbox
from labelcycle.rounds.snapshots import Snapshot
from labelcycle_flows.reports import say

OUTAGE = timedelta(minutes=30)
"""A service that is away for less is being restarted, and worth nobody's time."""


def tell(snapshot: Snapshot, done: AnnotationProgress | None = None) -> None:
    """Tell what has happened and was not told yet, also that nothing happens.

    done : how far annotators are, if that was looked up
    """
    try:
        outbox = Outbox.read(snapshot.campaign)
        if outbox is None:  # what happened before anybody could be told is no news
            outbox = Outbox(told=[notice.key for notice in notices.past(snapshot)])
        for notice in notices.due(snapshot, done):
            outbox.add(notice)
        if snapshot.state is not State.DUE and (snapshot.state is not State.OPEN or done):
            still = outbox.still.lasts(notices.mark(snapshot, done))
            if still >= timedelta(hours=snapshot.config.notify.stuck_after_hours):
                outbox.add(notices.stuck(snapshot, done, still))
        outbox.deliver(snapshot.campaign, say)
    except LabelcycleError as error:
        say(f"nobody was told: {error}")


@contextmanager
def failures(campaign: Campaign) -> Iterator[None]:
    """Tell of a block that fails for good, where nobody sits in front of it: in a served run."""
    try:
        yield
    except Busy:
        raise
    except Exception as error:
        if _served():
            say(f"a step failed: {notices.reason(error)}")
            _tell_failure(campaign, error)
        raise
    else:
        if _served():
            _forget_failure(campaign)


def _served() -> bool:
    """True in a run that Prefect started."""
    context = FlowRunContext.get()
    return bool(context and context.flow_run and context.flow_run.deployment_id)


def _log() -> str:
    """Address of the run's page, which has its log; "" where Prefect has no page."""
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    return (run and url_for("flow-run", obj_id=run.id)) or ""


def _tell_failure(campaign: Campaign, error: Exception) -> None:
    try:
        outbox = Outbox.read(campaign) or Outbox()
        lasts = outbox.failing.lasts(type(error).__name__)
        if not isinstance(error, ServiceDown) or lasts >= OUTAGE:
            outbox.add(notices.failed(campaign, error, outbox.failing.at, _log()))
        outbox.deliver(campaign, say)
    except LabelcycleError as problem:
        say(f"nobody was told: {problem}")


def _forget_failure(campaign: Campaign) -> None:
    try:
        outbox = Outbox.read(campaign)
        if outbox and outbox.failing.what:
            outbox.failing.lasts("")
            outbox.write(campaign)
    except LabelcycleError as problem:
        say(f"the record of notices is not kept: {problem}")
