"""The flows of a round. Prefect decides when; DVC decides whether; the steps decide what.

`open_round` brings the stages up to date and hands the selection to annotators; `collect` looks
and starts the close once the round is complete; `close_round` takes the answers back, trains,
evaluates, commits and tags. No flow waits for people. Each flow looks at the round's files, does
the step that is due until its end is reached, and may be run again at any time.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.events.worker import EventsWorker
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    temporary_settings,
)

from labelcycle import config
from labelcycle.adapters import git, lock, warm_programs
from labelcycle.adapters.address_logins import text_without_logins, without_login
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.ending_record import How
from labelcycle.campaign.records.rollback_record import LaterAnswers
from labelcycle.campaign.records.round_records import Memory
from labelcycle.campaign.round_states import BEFORE_OPEN, State
from labelcycle.cycle import (
    campaign_rollback,
    cohort_drift,
    encoder_choice,
    round_closing,
    round_opening,
    task_plan,
)
from labelcycle.errors import ServiceDown, ServiceRefused, StateError
from labelcycle.rounds import code_json, deadline, lease, pushed_tasks, snapshots
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages import declaration
from labelcycle_flows import reports, run_names, send_notices
from labelcycle_flows.reports import say
from labelcycle_flows.tasks import log_missing, log_rounds, look, pull, push, reproduce


@flow(name="open-round", flow_run_name=run_names.flow_name("open"))
def open_round(folder: str) -> int:
    """Bring the stages up to date, hand the selection to annotators; the round's number."""
    with _at_work(folder) as (campaign, memory):
        snapshot = snapshots.ready(campaign.root, memory=memory)
        if snapshot.state in (State.DUE, State.PLANNED):
            round_opening.backend(snapshot).check()  # better told now than after the training
        if snapshot.state is State.DUE:
            round_opening.check_wishes(snapshot)
            if encoder_choice.settle(snapshot, say):  # last, for other images may change it
                snapshot = snapshots.ready(campaign.root, memory=memory)  # its options are checked
        if snapshot.state in (State.DUE, State.PLANNED):
            warm_programs.start(declaration.names(declaration.OPENING))
            code_json.refresh_code(campaign, snapshot.config)
        if snapshot.state is State.DUE:
            for line in round_opening.plan(snapshot):
                say(line)
            snapshot = snapshots.renewed(snapshot)
        if snapshot.state is State.PLANNED:
            round_opening.check_plan(snapshot)
            _bring_up_to_date(snapshot, declaration.OPENING)
            for line in cohort_drift.lines(snapshot):
                say(line)
            round_opening.record_selection(snapshot)
            snapshot = snapshots.renewed(snapshot)
        if snapshot.state is State.SELECTED:
            round_opening.check_plan(snapshot)
            _check_held(campaign)
            say(f"round {snapshot.number}: making the tasks")
            push(snapshot)
            snapshot = snapshots.renewed(snapshot)
        if snapshot.state is State.PUSHED:
            _check_held(campaign)
            _say_of_remote(snapshot)
            round_opening.mark_open(snapshot)
            snapshot = snapshots.renewed(snapshot)
        reports.announce(snapshot)
        send_notices.tell(snapshot)
        return snapshot.number


@flow(name="close-round", flow_run_name=run_names.flow_name("close"))
def close_round(folder: str) -> int:
    """Take the answers back, train, evaluate, commit and tag; the round's number."""
    with _at_work(folder) as (campaign, memory):
        snapshot = snapshots.ready(campaign.root, memory=memory)
        number = snapshot.number
        if snapshot.state in BEFORE_OPEN:
            raise StateError(
                f"round {number} is {snapshot.state}; wanted an open round to close;"
                f" {round_states.NEXT[snapshot.state]}"
            )
        code_json.refresh_code(campaign, snapshot.config)
        round_closing.check_settings(
            snapshot, _settings_at(snapshot, round_states.open_tag(number))
        )
        warm_programs.start(declaration.names(declaration.CLOSING))
        if snapshot.state in (State.OPEN, State.ENDING):
            say(f"round {number}: taking the answers back")
            pull(snapshot)
            snapshot = snapshots.renewed(snapshot)
        if snapshot.state is State.PULLED:
            round_closing.accept(snapshot)
            snapshot = snapshots.renewed(snapshot)
        if snapshot.state is State.LABELED:
            if round_closing.ending(snapshot) == "cancel":
                round_closing.version_labels(snapshot)
            else:
                _bring_up_to_date(snapshot, declaration.CLOSING)
            round_closing.measure(snapshot)
            snapshot = snapshots.renewed(snapshot)
        if snapshot.state is State.MEASURED:
            _check_held(campaign)
            _say_of_remote(snapshot)
            round_closing.close(snapshot)
        snapshot = snapshots.renewed(snapshot)
        log_rounds(snapshot)
        reports.closed(snapshot, number)
        send_notices.tell(snapshot)
        return number


@flow(name="collect", flow_run_name=run_names.flow_name("look"))
def collect(folder: str) -> bool:
    """Look at the open round; close it if it is complete, or due with a quorum. True if it was.

    With `campaign.open_next` the next round is opened, too, by a later look if need be.
    """
    with _at_work(folder) as (campaign, memory):
        snapshot = snapshots.read(campaign.root, memory)
        if snapshot.state in BEFORE_OPEN:
            if snapshot.number > 0 and _opens(snapshot):
                open_round(folder)  # as the look that closed the last one could not
                return False
            say(f"round {snapshot.number} is {snapshot.state}: nothing to collect")
            send_notices.tell(snapshot)
            return False
        if snapshot.state is State.OPEN:
            done = look(snapshot)
            reports.progress(snapshot, done)
            send_notices.tell(snapshot, done)
            if not done.done:
                if not (deadline.passed(snapshot) and deadline.quorum(snapshot, done)):
                    return False
                say(f"round {snapshot.number} is past its deadline, and enough of it is done")
                round_closing.end_early(snapshot, "deadline")
        else:
            send_notices.tell(snapshot)
        close_round(folder)
        if _opens(snapshots.renewed(snapshot)):
            open_round(folder)
        return True


def run(folder: str) -> None:
    """Do whatever is due, up to where people are needed."""
    with _at_work(folder) as work:
        snapshot = _checked(work)
        _require_backend(snapshot)
        if snapshot.closed:
            log_missing(snapshot)  # outside a flow, for no flow may be due
        while True:
            snapshot = snapshots.renewed(snapshot)
            if snapshot.state is State.DUE:
                if not _opens(snapshot):
                    send_notices.tell(snapshot)  # a close that was killed may not have come so far
                    return
                open_round(folder)
            elif snapshot.state in BEFORE_OPEN:
                open_round(folder)
            elif not collect(folder):
                return


def open_now(folder: str) -> None:
    """Open the next round, whatever `campaign.open_next` says."""
    with _at_work(folder) as work:
        snapshot = _checked(work)
        if snapshot.state not in BEFORE_OPEN:
            raise StateError(
                f"round {snapshot.number} is {snapshot.state}; wanted it closed before the next one"
                f" opens; {round_states.NEXT[snapshot.state]}"
            )
        if snapshot.state is State.DUE and snapshot.finished >= snapshot.config.campaign.rounds:
            raise StateError(
                f"all rounds are closed: campaign.rounds is {snapshot.config.campaign.rounds};"
                " raise it in params.yaml to go on"
            )
        open_round(folder)


def collect_now(folder: str) -> None:
    """Look at the open round, and close it if it is complete."""
    with _at_work(folder) as work:
        # The close checks the parts; most looks close nothing.
        _require_backend(_checked(work, parts=False))
        collect(folder)


def close_now(folder: str) -> None:
    """Close the open round, which must be complete."""
    with _at_work(folder) as work:
        _require_backend(_checked(work))
        close_round(folder)


def end_early(folder: str, how: How, reason: str = "", abandon: bool = False) -> None:
    """End a stuck round: `incomplete` trains and measures too, `cancel` keeps the answers only."""
    with _at_work(folder) as work:
        snapshot = _checked(work)
        if how == "cancel" and snapshot.state in (State.PLANNED, State.SELECTED):
            if abandon or not _asked(snapshot):
                round_opening.drop(snapshot)
                say(f"round {snapshot.number}: its plan was dropped; nobody had been asked")
                return
            open_round(folder)  # a push that died half way: people may have answered already
            snapshot = snapshots.renewed(snapshot)
        if snapshot.state in (State.OPEN, State.ENDING):
            round_closing.end_early(snapshot, how, reason, abandon)
        else:
            raise StateError(
                f"round {snapshot.number} is {snapshot.state}; wanted an open round to end;"
                f" {round_states.NEXT[snapshot.state]}"
            )
        close_round(folder)


def roll_back(folder: str, tag: str, answers: LaterAnswers, reason: str = "") -> None:
    """Have the campaign stand again where a round was closed; a round at work is given up first."""
    with _at_work(folder) as work:
        snapshot = snapshots.read(work.campaign.root, work.memory)
        to = campaign_rollback.target(snapshot, tag)
        if campaign_rollback.done(snapshot, to, answers):
            say(f"the campaign stands where round {to} was closed already")
        else:
            campaign_rollback.check(snapshot, to, answers)
            if not snapshots.half_rolled_back(snapshot):
                snapshot = _checked(work, parts=False)
                snapshot = _given_up(folder, snapshot, f"rolled back to {tag}")
            snapshot = campaign_rollback.roll_back(snapshot, to, answers, reason, say)
        log_missing(snapshot)


def _given_up(folder: str, snapshot: Snapshot, reason: str) -> Snapshot:
    """No round is at work any more. What people answered is recorded, as of a cancelled round."""
    number = snapshot.number
    if snapshot.state is State.PUSHED:
        open_round(folder)
        snapshot = snapshots.renewed(snapshot)
    if snapshot.state in (State.PLANNED, State.SELECTED, State.OPEN, State.ENDING):
        end_early(folder, "cancel", reason)
    elif snapshot.state is not State.DUE:
        close_round(folder)
    snapshot = snapshots.renewed(snapshot)
    if snapshot.number > number:
        say(f"round {number} was given up; its answers are recorded")
    return snapshot


def _say_of_remote(snapshot: Snapshot) -> None:
    """Say that data go to the remote: much may have come in since the last time."""
    if commands.has_remote(snapshot.campaign.root):
        say(f"round {snapshot.number}: pushing data to DVC's remote")


def _bring_up_to_date(snapshot: Snapshot, phase: declaration.Phase) -> None:
    named = ", ".join(declaration.names(phase))
    say(f"round {snapshot.number}: {named}")
    reproduce(snapshot, named)


# --- conditions ----------------------------------------------------------------------------


class Work(NamedTuple):
    """A campaign at work; memory : the records that were read since its lock was taken."""

    campaign: Campaign
    memory: Memory


_outer: ContextVar[Work | None] = ContextVar("work", default=None)
"""The work that a flow was started in: a flow takes what Prefect can show, which no memory is."""


@contextmanager
def _at_work(folder: str) -> Iterator[Work]:
    """The campaign, with its lock held while a flow is at work."""
    campaign, outer = Campaign(Path(folder)), _outer.get()
    git.check_usable(campaign.root)
    same = outer is not None and outer.campaign.root == campaign.root
    work = Work(campaign, outer.memory if outer and same else Memory())
    with (
        lock.exclusive(campaign.lock),
        send_notices.failures(campaign),
        _by_hand(),
        nullcontext() if outer and same else lease.held(campaign, say, take=True),
    ):
        run_names.tag(snapshots.read(campaign.root, work.memory))
        token = _outer.set(work)
        try:
            yield work
        finally:
            _outer.reset(token)


def _by_hand() -> AbstractContextManager[object]:
    """No signs of life of flows that somebody at a terminal waits for: the last costs a second."""
    if FlowRunContext.get():
        return nullcontext()
    # At the end of a command it says how many events are still on their way.
    logging.getLogger(EventsWorker.__name__).setLevel(logging.ERROR)
    return temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})


def _check_held(campaign: Campaign) -> None:
    """Raise StateError if another computer took the campaign over: a training may last hours."""
    lease.check(campaign, say, take=True)


def _asked(snapshot: Snapshot) -> bool:
    """True if any task of a round whose push is not recorded is with the annotators."""
    if snapshot.state is State.PLANNED:
        return False
    prefix = task_plan.task_key(snapshot, snapshot.number, "")
    return bool(round_opening.backend(snapshot).pushed(snapshot.key, prefix))


def _opens(snapshot: Snapshot) -> bool:
    """Whether the next round is opened without being asked for."""
    settings = snapshot.config.campaign
    first = snapshot.number == 0
    return snapshot.finished < settings.rounds and (first or settings.open_next)


def _settings_at(snapshot: Snapshot, revision: str) -> dict[str, Any]:
    text = git.show(snapshot.campaign.root, revision, "params.yaml")
    return config.parse(yaml.safe_load(text), parts=False).model_dump(mode="json")


def _checked(work: Work, *, parts: bool = True) -> Snapshot:
    """Where the campaign stands; what is wrong is told before Prefect starts anything."""
    snapshot = snapshots.ready(work.campaign.root, parts=parts, memory=work.memory)
    _require_prefect()
    return snapshot


def _require_backend(snapshot: Snapshot) -> None:
    """Raise if people are asked and their answers cannot be: whoever waits is told at once.

    In a flow a task tries again for half a minute, as a served look should.
    """
    if snapshot.state is State.OPEN:
        pushed_tasks.backend(snapshot).check()


def _require_prefect() -> None:
    """Raise if an address of Prefect's API is set and nobody answers there, or lets us in."""
    url = PREFECT_API_URL.value()
    if not url:
        return
    try:
        with get_client(sync_client=True) as client:
            client.read_flow_runs(limit=1)
    except PrefectHTTPStatusError as error:
        if error.response.status_code not in (401, 403):
            raise _away(url, error) from error
        raise ServiceRefused(
            f"Prefect at {without_login(url)} does not let us in ({error.response.status_code});"
            " wanted its password; mend PREFECT_API_AUTH_STRING (`name:password`), or unset it to"
            " use that of `labelcycle up`"
        ) from error
    except (httpx.HTTPError, OSError, RuntimeError) as error:
        raise _away(url, error) from error


def _away(url: str, error: Exception) -> ServiceDown:
    why = text_without_logins(str(error))
    return ServiceDown(
        f"Prefect at {without_login(url)} does not answer ({why}); run `labelcycle up`, or mend"
        " PREFECT_API_URL"
    )
