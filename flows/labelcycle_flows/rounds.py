"""The flows of a round. Prefect decides when; DVC decides whether; the steps decide what.

`open_round` brings the stages up to date and hands the selection to annotators; `collect` looks
and starts the close once the round is complete; `close_round` takes the answers back, trains,
evaluates, commits and tags. No flow waits for people. Each flow looks at the round's files, does
the step that is due until its end is reached, and may be run again at any time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL

from labelcycle import config
from labelcycle.adapters import git, lock
from labelcycle.adapters.address_logins import bare, without_logins
from labelcycle.campaign import round_states
from labelcycle.campaign.round_states import BEFORE_OPEN, State
from labelcycle.campaign.store import Campaign
from labelcycle.cycle import round_closing, round_opening, task_plan
from labelcycle.errors import ServiceDown, ServiceRefused, StateError
from labelcycle.rounds import code_file, deadline, snapshot
from labelcycle.rounds.snapshot import Standing
from labelcycle_flows import names, reports, telling
from labelcycle_flows.reports import say
from labelcycle_flows.tasks import log_missing, log_rounds, look, pull, push, reproduce

OPENING = ("pretrain", "embed", "train", "cluster", "query")
CLOSING = ("train", "evaluate")


@flow(name="open-round", flow_run_name=names.flow_name("open"))
def open_round(folder: str) -> int:
    """Bring the stages up to date, hand the selection to annotators; the round's number."""
    with _at_work(folder) as campaign:
        now = snapshot.ready(campaign.root)
        if now.state in (State.DUE, State.PLANNED):
            round_opening.backend(now).check()  # better told now than after the training
            code_file.refresh_code(campaign, now.config)
        if now.state is State.DUE:
            round_opening.plan(now)
            now = snapshot.read(campaign.root)
        if now.state is State.PLANNED:
            round_opening.check_plan(now)
            _bring_up_to_date(now, OPENING)
            round_opening.record_selection(now)
            now = snapshot.read(campaign.root)
        if now.state is State.SELECTED:
            round_opening.check_plan(now)
            push(now)
            now = snapshot.read(campaign.root)
        if now.state is State.PUSHED:
            round_opening.mark_open(now)
            now = snapshot.read(campaign.root)
        reports.announce(now)
        telling.tell(now)
        return now.number


@flow(name="close-round", flow_run_name=names.flow_name("close"))
def close_round(folder: str) -> int:
    """Take the answers back, train, evaluate, commit and tag; the round's number."""
    with _at_work(folder) as campaign:
        now = snapshot.ready(campaign.root)
        number = now.number
        if now.state in BEFORE_OPEN:
            raise StateError(
                f"round {number} is {now.state}; wanted an open round to close;"
                f" {round_states.NEXT[now.state]}"
            )
        code_file.refresh_code(campaign, now.config)
        round_closing.check_settings(now, _settings_at(now, round_states.open_tag(number)))
        if now.state in (State.OPEN, State.ENDING):
            pull(now)
            now = snapshot.read(campaign.root)
        if now.state is State.PULLED:
            round_closing.accept(now)
            now = snapshot.read(campaign.root)
        if now.state is State.LABELED:
            round_closing.version_labels(now)
            if round_closing.ending(now) != "cancel":
                _bring_up_to_date(now, CLOSING)
            round_closing.measure(now)
            now = snapshot.read(campaign.root)
        if now.state is State.MEASURED:
            round_closing.close(now)
        now = snapshot.read(campaign.root)
        log_rounds(now)
        reports.closed(now, number)
        telling.tell(now)
        return number


@flow(name="collect", flow_run_name=names.flow_name("look"))
def collect(folder: str) -> bool:
    """Look at the open round; close it if it is complete, or due with a quorum. True if it was.

    With `campaign.open_next` the next round is opened, too, by a later look if need be.
    """
    with _at_work(folder) as campaign:
        now = snapshot.read(campaign.root)
        if now.state in BEFORE_OPEN:
            if now.number > 0 and _why_not_open(now) is None:
                open_round(folder)  # as the look that closed the last one could not
                return False
            say(f"round {now.number} is {now.state}: nothing to collect")
            telling.tell(now)
            return False
        if now.state is State.OPEN:
            done = look(now)
            reports.progress(now, done)
            telling.tell(now, done)
            if not done.done:
                if not (deadline.passed(now) and deadline.quorum(now, done)):
                    return False
                say(f"round {now.number} is past its deadline, and enough of it is done")
                round_closing.end_early(now, "deadline")
        else:
            telling.tell(now)
        close_round(folder)
        if _why_not_open(snapshot.read(campaign.root)) is None:
            open_round(folder)
        return True


def run(folder: str) -> None:
    """Do whatever is due, up to where people are needed."""
    with _at_work(folder) as campaign:
        now = _checked(campaign)
        if now.closed:
            log_missing(now)  # outside a flow, for no flow may be due
        while True:
            now = snapshot.read(campaign.root)
            if now.state is State.DUE:
                reason = _why_not_open(now)
                if reason:
                    say(reason)
                    return
                open_round(folder)
            elif now.state in BEFORE_OPEN:
                open_round(folder)
            elif not collect(folder):
                return


def open_now(folder: str) -> None:
    """Open the next round, whatever `campaign.open_next` says."""
    with _at_work(folder) as campaign:
        now = _checked(campaign)
        if now.state not in BEFORE_OPEN:
            raise StateError(
                f"round {now.number} is {now.state}; wanted it closed before the next one opens;"
                f" {round_states.NEXT[now.state]}"
            )
        if now.state is State.DUE and now.finished >= now.config.campaign.rounds:
            raise StateError(
                f"all rounds are closed: campaign.rounds is {now.config.campaign.rounds};"
                " raise it in params.yaml to go on"
            )
        open_round(folder)


def collect_now(folder: str) -> None:
    """Look at the open round, and close it if it is complete."""
    with _at_work(folder) as campaign:
        _checked(campaign, parts=False)  # the close checks them; most looks close nothing
        collect(folder)


def close_now(folder: str) -> None:
    """Close the open round, which must be complete."""
    with _at_work(folder) as campaign:
        _checked(campaign)
        close_round(folder)


def end_early(folder: str, how: str, reason: str = "", abandon: bool = False) -> None:
    """End a stuck round: `incomplete` trains and measures too, `cancel` keeps the answers only."""
    with _at_work(folder) as campaign:
        now = _checked(campaign)
        if how == "cancel" and now.state in (State.PLANNED, State.SELECTED):
            if abandon or not _asked(now):
                round_opening.drop(now)
                say(f"round {now.number}: its plan was dropped; nobody had been asked")
                return
            open_round(folder)  # a push that died half way: people may have answered already
            now = snapshot.read(campaign.root)
        if now.state in (State.OPEN, State.ENDING):
            round_closing.end_early(now, how, reason, abandon)
        else:
            raise StateError(
                f"round {now.number} is {now.state}; wanted an open round to end;"
                f" {round_states.NEXT[now.state]}"
            )
        close_round(folder)


def _bring_up_to_date(now: Standing, stages: tuple[str, ...]) -> None:
    named = ", ".join(stages)
    say(f"round {now.number}: {named}")
    reproduce(now, named)


# --- conditions ----------------------------------------------------------------------------


@contextmanager
def _at_work(folder: str) -> Iterator[Campaign]:
    """The campaign, with its lock held while a flow is at work."""
    campaign = Campaign(Path(folder))
    git.check_usable(campaign.root)
    with (
        lock.exclusive(campaign.lock),
        telling.failures(campaign),
        names.tagged(snapshot.read(campaign.root)),
    ):
        yield campaign


def _asked(now: Standing) -> bool:
    """True if any task of a round whose push is not recorded is with the annotators."""
    if now.state is State.PLANNED:
        return False
    prefix = task_plan.task_key(now, now.number, "")
    return bool(round_opening.backend(now).pushed(now.key, prefix))


def _why_not_open(now: Standing) -> str | None:
    """Why the next round is not opened, or None if it is."""
    wanted = now.config.campaign.rounds
    if now.finished >= wanted:
        return f"all {wanted} rounds of campaign.rounds are closed; nothing is due"
    if now.number > 0 and not now.config.campaign.open_next:
        return f"round {now.number} is due: open it with `labelcycle open`"
    return None


def _settings_at(now: Standing, revision: str) -> dict[str, Any]:
    text = git.show(now.campaign.root, revision, "params.yaml")
    return config.parse(yaml.safe_load(text)).model_dump(mode="json")


def _checked(campaign: Campaign, *, parts: bool = True) -> Standing:
    """Where the campaign stands; what is wrong is told before Prefect starts anything."""
    now = snapshot.ready(campaign.root, parts=parts)
    _require_prefect()
    return now


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
            f"Prefect at {bare(url)} does not let us in ({error.response.status_code}); wanted its"
            " password; mend PREFECT_API_AUTH_STRING (`name:password`), or unset it to use that of"
            " `labelcycle up`"
        ) from error
    except (httpx.HTTPError, OSError, RuntimeError) as error:
        raise _away(url, error) from error


def _away(url: str, error: Exception) -> ServiceDown:
    why = without_logins(str(error))
    return ServiceDown(
        f"Prefect at {bare(url)} does not answer ({why}); run `labelcycle up`, or mend"
        " PREFECT_API_URL"
    )
