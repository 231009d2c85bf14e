"""What Prefect keeps of a round: nothing twice; no server."""

import json
import logging
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import made_records
import pytest
from prefect.artifacts import Artifact
from prefect.exceptions import MissingContextError
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.states import Failed

from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.round_states import METRICS, PLAN, PUSHED, SELECTION, State
from labelcycle.core.metrics import Estimate
from labelcycle.errors import ServiceDown, ServiceRefused
from labelcycle_flows import reports, rounds, tasks


def test_a_table_is_shown_again_only_when_it_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Artifact] = []

    def create(table: object, key: str, description: str) -> None:
        shown.append(Artifact(key=key, data=json.dumps(table), description=description))

    monkeypatch.setattr(reports, "create_table_artifact", create)
    monkeypatch.setattr(Artifact, "get", lambda key: shown[-1] if shown else None)
    for answered, url in ((0, "a"), (0, "a"), (1, "a"), (1, "a"), (1, "b")):
        reports._show_table("round-000-progress", [{"answered": answered}], url)
    assert [(json.loads(str(one.data)), one.description) for one in shown] == [
        ([{"answered": 0}], "a"),
        ([{"answered": 1}], "a"),
        ([{"answered": 1}], "b"),
    ]


def test_the_columns_of_tables_are_words_for_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = made_records.snapshot(tmp_path, State.OPEN, 1)
    made_records.pushed().write(now.folder / PUSHED)
    made_records.selection(["s"]).write(now.folder / SELECTION)
    made_records.metrics(round=0, accuracy=Estimate(0.7, 0.6, 0.8)).write(
        now.campaign.round(0) / METRICS
    )
    made_records.plan().write(now.campaign.round(0) / PLAN)
    shown: dict[str, list[dict[str, object]]] = {}

    def show(key: str, rows: list[dict[str, object]], description: str) -> None:
        shown[key] = rows

    monkeypatch.setattr(reports, "_show_table", show)
    monkeypatch.setattr(reports, "create_link_artifact", lambda **given: None)
    monkeypatch.setattr(
        reports,
        "create_table_artifact",
        lambda table, key, description: show(key, table, description),
    )
    reports.announce(now)
    reports.progress(now, AnnotationProgress(10, 3, 1, partly=2, given=7, strangers=1))
    reports.closed(now, 0)
    assert shown == {
        "round-001-selection": [{"place": 1, "sample": "s", "score": 1.0}],
        "round-001-progress": [
            {
                "round": 1,
                "tasks": 10,
                "done": 4,
                "waiting for another person": 2,
                "answers and skips": 7,
                "tasks not of this campaign": 1,
            }
        ],
        "rounds": [
            {
                **{"round": 0, "strategy": "random", "labels": 4, "accuracy": 0.7},
                **{"interval from": 0.6, "interval to": 0.8},
            }
        ],
    }


@pytest.mark.parametrize(
    ("level", "logged", "printed"),
    [(None, [], "done\n"), (logging.CRITICAL, [], "done\n"), (logging.INFO, ["done"], "")],
)
def test_a_line_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    level: int | None,
    logged: list[str],
    printed: str,
) -> None:
    lines: list[str] = []

    def logger() -> object:
        if level is None:
            raise MissingContextError
        return SimpleNamespace(isEnabledFor=lambda asked: asked >= level, info=lines.append)

    monkeypatch.setattr(reports, "get_run_logger", logger)
    reports.say("done")
    assert (lines, capsys.readouterr().out) == (logged, printed)


class Guarded(BaseHTTPRequestHandler):
    """A Prefect whose health everybody may ask, and nothing else."""

    def do_POST(self) -> None:
        self.send_response(401)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 401)
        self.end_headers()

    def log_message(self, *said: object) -> None:
        del said


@pytest.mark.slow
def test_a_wrong_password_is_named_and_so_is_a_server_that_is_away() -> None:
    server = HTTPServer(("127.0.0.1", 0), Guarded)
    thread = Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/api"
    with temporary_settings({PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: "a:b"}):
        try:
            wanted = r"does not let us in \(401\); wanted its password; mend PREFECT_API_AUTH_ST"
            with pytest.raises(ServiceRefused, match=wanted):
                rounds._require_prefect()
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
        with pytest.raises(ServiceDown, match=r"does not answer .*run `labelcycle up`"):
            rounds._require_prefect()


def test_tasks_are_called_by_campaign_round_and_step() -> None:
    from prefect._internal.engine import resolve_custom_task_run_name

    campaign = SimpleNamespace(name="photos {x}")
    snapshot = SimpleNamespace(config=SimpleNamespace(campaign=campaign), number=3)
    named = {
        resolve_custom_task_run_name(task, {"snapshot": snapshot, "stages": "train, evaluate"})
        for task in (tasks.push, tasks.look, tasks.pull, tasks.log_rounds, tasks.reproduce)
    }
    assert named == {
        f"photos {{x}}, round 3, {step}"
        for step in ("push", "look", "pull", "log", "train, evaluate")
    }


@pytest.mark.parametrize("error", [ServiceDown("away"), ServiceRefused("wrong token")])
def test_a_task_tries_again_only_what_another_try_may_mend(error: Exception) -> None:
    state = Failed(data=error)
    for task in (tasks.push, tasks.look, tasks.pull):
        assert task.retries == len(task.retry_delay_seconds)
        again = task.retry_condition_fn(task, SimpleNamespace(), state)
        assert again == isinstance(error, ServiceDown)
