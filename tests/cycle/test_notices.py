"""Whole rounds, and who is told of them: over real HTTP, once each, whatever fails."""

import contextlib
import datetime
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from uuid import UUID

import pytest
from made_records import metrics, plan, pushed
from mailboxes import APPRISE_WARNS, Box, http_box

from labelcycle import config
from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.round_states import State
from labelcycle.errors import Busy, ServiceDown, ServiceRefused
from labelcycle.notify import outbox
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import Snapshot

COMPLETE = "tiny: round 0 is complete"
pytestmark = pytest.mark.filterwarnings(APPRISE_WARNS)


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    with http_box() as box:
        monkeypatch.setenv("LABELCYCLE_NOTIFY", box.url)
        yield box


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch):
    """The time by which lasting things are measured; `clock.hours += 1` lets one pass."""

    class Clock(datetime.datetime):
        hours = 0.0

        @classmethod
        def now(cls, tz=None):
            began = datetime.datetime(2026, 1, 1, tzinfo=tz)
            return began + datetime.timedelta(hours=Clock.hours)

    class Module:
        UTC, timedelta = datetime.UTC, datetime.timedelta
        datetime = Clock

    monkeypatch.setattr(outbox, "datetime", Module)
    return Clock


@pytest.fixture
def send_notices() -> ModuleType:
    from labelcycle_flows import send_notices  # brings Prefect, which takes seconds

    return send_notices


@pytest.fixture
def tell(send_notices: ModuleType) -> Callable[..., None]:
    return send_notices.tell


@pytest.fixture
def served(send_notices: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send_notices, "_served", lambda: True)


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """A campaign whose round 0 is open with ten tasks; just its files, no git."""
    settings = {"campaign": {"name": "tiny", "classes": ["a", "b"], "rounds": 2}}
    found = Snapshot(Campaign(tmp_path), config.parse(settings), frozenset(), 0, State.OPEN)
    kinds = ["selected"] * 4 + ["holdout"] * 6
    tasks = [PushedTask(f"k/{n}", f"{n}", n, n, kind) for n, kind in enumerate(kinds)]
    recorded = pushed(tasks, backend="label_studio", url="http://there/7")
    recorded.write(found.folder / "pushed.json")
    return found


def done(answered: int, skipped: int = 0, given: int = 0) -> AnnotationProgress:
    return AnnotationProgress(10, answered, skipped, given=given or answered + skipped)


def closed(snapshot: Snapshot, **more: object) -> Snapshot:
    """The same campaign once its round is closed."""
    plan().write(snapshot.folder / "plan.json")
    metrics(**more).write(snapshot.folder / "metrics.json")
    return replace(snapshot, number=snapshot.number + 1, state=State.DUE)


# --- whole rounds --------------------------------------------------------------------------


@pytest.mark.slow
def test_a_round_is_told_from_open_to_closed_and_each_once(campaign, flows, box, answer_all):
    for _ in range(3):
        flows.run(str(campaign.root))
    assert box.titles == ["tiny: round 0 is open"]
    answer_all()
    for _ in range(3):
        flows.run(str(campaign.root))
    assert box.titles[1:] == ["tiny: round 0 is complete", "tiny: round 0 is closed"]
    opened, complete, closed = [message["message"] for message in box.got]
    assert opened == (
        "4 samples and 6 of the hold-out wait for annotators.\n"
        f"The campaign's files: {campaign.private.as_uri()}/annotation.sqlite3\n"
        "Next: fill in what `labelcycle tasks` lists, or run `labelcycle annotate`."
    )
    assert complete.startswith("10 of 10 tasks done.\nThe campaign's files: file://")
    assert re.fullmatch(
        r"4 labels more, 0 rejected; 4 labels in all\.\n"
        r"Accuracy \d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)\.\n"
        r"Next: open the next round with `labelcycle open`\.",
        closed,
    )
    assert campaign.notices.stat().st_mode & 0o777 == 0o600
    assert box.path not in campaign.notices.read_text()


@pytest.mark.slow
def test_after_a_kill_before_the_telling_it_is_told_by_the_next_look(
    send_notices, campaign, flows, box, monkeypatch
):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(send_notices, "tell", die)
        with pytest.raises(Killed):
            flows.run(str(campaign.root))
    assert snapshots.read(campaign.root).state is State.OPEN
    flows.run(str(campaign.root))
    assert box.titles == ["tiny: round 0 is open"]


@pytest.mark.slow
def test_a_close_that_was_killed_before_the_telling_is_told_by_the_next_run(
    send_notices, campaign, flows, box, answer_all, monkeypatch
):
    def killed(*_):
        raise KeyboardInterrupt

    flows.run(str(campaign.root))
    answer_all()
    with monkeypatch.context() as patch:
        patch.setattr(flows, "log_rounds", killed)
        with pytest.raises(KeyboardInterrupt):
            flows.run(str(campaign.root))
    assert list(snapshots.read(campaign.root).closed) == [0]
    for _ in range(2):
        flows.run(str(campaign.root))
    assert box.titles.count("tiny: round 0 is closed") == 1


@pytest.mark.slow
def test_a_failure_is_told_of_a_served_look_and_not_of_a_persons(
    send_notices, campaign, flows, backend, box, monkeypatch
):
    flows.run(str(campaign.root))
    backend.down = True
    monkeypatch.setattr(send_notices, "OUTAGE", datetime.timedelta(0))
    for served in (False, True):
        monkeypatch.setattr(send_notices, "_served", lambda served=served: served)
        with pytest.raises(ServiceDown, match="does not answer"):
            flows.collect(str(campaign.root))
    assert box.titles == ["tiny: round 0 is open", "campaign: a step failed"]


# --- one look at a time --------------------------------------------------------------------


def test_an_address_that_fails_gets_its_notices_later_and_the_others_nothing_twice(
    tell, snapshot, box, monkeypatch, capsys
):
    with http_box() as other:
        other.path, other.status = "another-token", 500
        monkeypatch.setenv("LABELCYCLE_NOTIFY", f"{other.url} {box.url}")
        tell(snapshot)
        tell(snapshot, done(10))
        assert (box.titles, other.titles) == (["tiny: round 0 is open", COMPLETE], [])
        lines = [x for x in capsys.readouterr().out.splitlines() if x.startswith("not told yet")]
        wanted = (
            r"not told yet that tiny: round 0 is open: address 1 of LABELCYCLE_NOTIFY \(json\) was"
            r" not reached \(.*error=500\.\); tried again at the next look"
        )
        assert len(lines) == 2  # one a look: what does not answer is not asked for each notice
        assert all(re.fullmatch(wanted, line) for line in lines)
        other.status = 200
        tell(closed(snapshot))
    told = ["tiny: round 0 is open", COMPLETE, "tiny: round 0 is closed"]
    assert (box.titles, other.titles) == (told, told)
    assert json.loads(snapshot.campaign.notices.read_text())["waiting"] == []


def test_a_notice_that_waits_for_an_address_that_was_taken_away_is_done(
    tell, snapshot, monkeypatch, box
):
    box.status = 500
    tell(snapshot)
    monkeypatch.setenv("LABELCYCLE_NOTIFY", "")
    tell(snapshot)
    monkeypatch.setenv("LABELCYCLE_NOTIFY", box.url)
    box.status = 200
    tell(snapshot)
    assert box.got == []


@pytest.mark.parametrize("broken", ["{", "[]", '{"told": [], "waiting": [{}]}'])
def test_what_stands_in_the_way_of_a_notice_stops_no_round(
    tell, snapshot, monkeypatch, capsys, broken
):
    monkeypatch.setenv("LABELCYCLE_NOTIFY", "bogus://hunter2")
    tell(snapshot)
    assert "wanted an address that apprise understands" in (out := capsys.readouterr().out)
    assert "hunter2" not in out
    snapshot.campaign.notices.write_text(broken)
    tell(snapshot)
    assert re.search(r"nobody was told: .*notices\.json", capsys.readouterr().out)


def test_what_happened_before_anybody_could_be_told_is_no_news(tell, snapshot, box, monkeypatch):
    monkeypatch.delenv("LABELCYCLE_NOTIFY")
    tell(snapshot)
    tell(closed(snapshot))
    monkeypatch.setenv("LABELCYCLE_NOTIFY", box.url)
    tell(closed(snapshot))
    snapshot.campaign.notices.unlink()  # as in a campaign that is older than its notices
    tell(closed(snapshot))
    assert box.titles == []


@pytest.mark.parametrize(
    ("rounds", "open_next", "cancelled", "wanted"),
    [
        (2, False, False, r"closed\n.*Next: open the next round with `labelcycle open`\.$"),
        (2, True, False, r"closed\n.*Next: nothing; the next round opens by itself\.$"),
        (1, True, False, r"closed\n.*Next: nothing; all 1 rounds of campaign\.rounds are closed"),
        (1, False, True, r"cancelled\n.*Next: open the next round with `labelcycle open`\.$"),
    ],
)
def test_a_closed_round_says_what_is_next(
    tell, snapshot, box, rounds, open_next, cancelled, wanted
):
    tell(snapshot)
    settings = {"name": "tiny", "rounds": rounds, "open_next": open_next}
    tell(
        replace(closed(snapshot, cancelled=cancelled), config=config.parse({"campaign": settings}))
    )
    assert re.search(wanted, f"{box.got[1]['title']}\n{box.got[1]['message']}", re.S)


def test_a_round_without_new_answers_is_stuck_and_told_once_for_each_time(
    tell, snapshot, box, clock
):
    tell(snapshot, done(0))
    clock.hours += 47.9
    tell(snapshot, done(0))
    assert box.titles == ["tiny: round 0 is open"]
    clock.hours += 0.2
    for _ in range(3):
        tell(snapshot, done(0))
        clock.hours += 30
    assert box.titles[1:] == ["tiny: round 0 is stuck"]
    assert box.got[1]["message"] == (
        "No new answer for 48 hours: 0 of 10 tasks done.\n"
        "Label Studio: http://there/7\n"
        "Next: ask the annotators; or end the round with `labelcycle close --incomplete`, which"
        " returns the rest to the pool; or give it up with `labelcycle cancel`."
    )
    tell(snapshot, done(0, skipped=1))
    clock.hours += 47
    tell(snapshot, done(0, skipped=1))
    assert len(box.got) == 2
    clock.hours += 1
    tell(snapshot, done(0, skipped=1))
    assert box.got[2]["message"].startswith("No new answer for 48 hours: 1 of 10 tasks done")


def test_a_second_answer_of_three_moves_a_round(tell, snapshot, box, clock):
    tell(snapshot, done(0, given=10))  # one person of three has seen everything
    for given in (11, 15, 19):
        clock.hours += 30
        tell(snapshot, done(0, given=given))
    assert box.titles == ["tiny: round 0 is open"]


def test_a_clock_that_was_put_back_makes_nothing_stuck(tell, snapshot, box, clock):
    tell(snapshot, done(0))
    clock.hours -= 1000
    tell(snapshot, done(0))
    clock.hours += 47
    tell(snapshot, done(0))
    assert box.titles == ["tiny: round 0 is open"]
    clock.hours += 1
    tell(snapshot, done(0))
    assert box.titles[1:] == ["tiny: round 0 is stuck"]


def test_a_step_nobody_goes_on_with_is_stuck_and_a_round_nobody_opened_is_not(
    tell, snapshot, box, clock
):
    selected = replace(snapshot, state=State.SELECTED)
    tell(selected)
    clock.hours += 49
    tell(selected)
    assert [message["message"] for message in box.got] == [
        "It has been selected for 49 hours.\nNext: go on with `labelcycle run`."
    ]
    due = replace(snapshot, state=State.DUE)
    tell(due)
    clock.hours += 1000
    tell(due)
    assert len(box.got) == 1


# --- failures ------------------------------------------------------------------------------


@pytest.fixture
def fail(send_notices: ModuleType) -> Callable[[Snapshot, Exception | None], None]:
    """A look that ends so."""

    def fail(snapshot: Snapshot, error: Exception | None) -> None:
        with (
            contextlib.nullcontext() if error is None else pytest.raises(type(error)),
            send_notices.failures(snapshot.campaign),
            send_notices.failures(snapshot.campaign),  # a flow in a flow
        ):
            if error is not None:
                raise error

    return fail


def test_a_step_that_fails_for_good_is_told_once_until_it_works_again(
    fail, snapshot, box, clock, served
):
    wrong = ServiceRefused("refuses the token; set LABEL_STUDIO_API_KEY to it")
    for _ in range(3):
        fail(snapshot, wrong)
        clock.hours += 1
    name, root = snapshot.campaign.root.name, snapshot.campaign.root
    assert box.titles == [f"{name}: a step failed"]
    assert box.got[0]["message"] == (
        "refuses the token; set LABEL_STUDIO_API_KEY to it.\n"
        "It failed first at 2026-01-01T00:00:00+00:00.\n"
        f"Next: mend this, then `labelcycle run` in {root} goes on where it stopped."
    )
    fail(snapshot, None)
    fail(snapshot, wrong)
    assert len(box.got) == 2


def test_a_service_that_is_away_is_told_only_if_it_stays_away(fail, snapshot, box, clock, served):
    away = ServiceDown("Label Studio does not answer")
    fail(snapshot, away)
    clock.hours += 0.4
    fail(snapshot, away)
    fail(snapshot, None)
    clock.hours += 0.4
    fail(snapshot, away)
    assert box.titles == []
    clock.hours += 0.5
    fail(snapshot, away)
    fail(snapshot, away)
    assert len(box.got) == 1


def test_an_error_of_others_is_told_by_its_kind_alone(fail, snapshot, box, clock, served, capsys):
    fail(snapshot, RuntimeError("http://ann:hunter2@example.com"))
    assert "RuntimeError, see the log of the flow run in Prefect.\n" in box.got[0]["message"]
    assert "hunter2" not in box.got[0]["message"]
    said = capsys.readouterr().out
    assert "a step failed: RuntimeError, see the log of the flow run in Prefect\n" in said
    assert "hunter2" not in said


def test_a_failed_step_is_told_with_the_address_of_its_log(
    fail, snapshot, box, clock, served, send_notices, monkeypatch
):
    run = SimpleNamespace(id=UUID(int=7), deployment_id=UUID(int=8))
    context = SimpleNamespace(flow_run=run)
    monkeypatch.setattr(send_notices.FlowRunContext, "get", lambda: context)
    monkeypatch.setattr(send_notices, "say", lambda text: None)
    from prefect.settings import PREFECT_UI_URL, temporary_settings

    with temporary_settings({PREFECT_UI_URL: "http://127.0.0.1:4200"}):
        fail(snapshot, RuntimeError("odd"))
    page = "http://127.0.0.1:4200/runs/flow-run/00000000-0000-0000-0000-000000000007"
    assert f"\nLog: {page}\nNext: mend this" in box.got[0]["message"]


def test_each_failed_look_says_why_in_the_log_and_a_persons_own_does_not(
    fail, snapshot, send_notices, monkeypatch, capsys
):
    monkeypatch.delenv("LABELCYCLE_NOTIFY", raising=False)
    fail(snapshot, ServiceDown("Label Studio does not answer"))
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(send_notices, "_served", lambda: True)
    for _ in range(2):
        fail(snapshot, ServiceDown("Label Studio does not answer"))
        assert "a step failed: Label Studio does not answer\n" in capsys.readouterr().out


def test_another_process_at_work_is_no_failure(fail, snapshot, box, clock, served):
    fail(snapshot, Busy("in use by process 7"))
    assert box.got == []


def test_a_record_that_cannot_be_read_hides_no_failure(fail, snapshot, box, served, capsys):
    snapshot.campaign.private.mkdir(exist_ok=True)
    snapshot.campaign.notices.write_text("{")
    fail(snapshot, ServiceRefused("no"))
    fail(snapshot, None)
    assert "nobody was told: " in (out := capsys.readouterr().out)
    assert "the record of notices is not kept: " in out
