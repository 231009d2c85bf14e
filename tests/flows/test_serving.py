"""How serving the flows begins and ends; no server."""

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import prefect
import pytest
from params import set_params
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner

from labelcycle.adapters.local.environment import check_settings_here, prepare
from labelcycle.errors import ServiceDown, StateError
from labelcycle_flows import serving
from labelcycle_flows.scheduled_looks import Looks, regular


class CountedLooks(Looks):
    """Looks that no server is asked for."""

    def __init__(self) -> None:
        self.flow, self.count, self.enough = "collect", 0, threading.Event()

    def start(self) -> None:
        self.count += 1
        if self.count == 1:
            raise ServiceDown("Prefect is away")
        self.enough.set()


def test_the_end_by_sigterm_prints_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    async def ended() -> None:
        Runner(name="tiny").handle_sigterm()

    def serve(*deployments: RunnerDeployment, limit: int, print_starting_message: bool) -> None:
        assert [one.entrypoint for one in deployments] == [
            *(
                f"labelcycle_flows.rounds.{name}"
                for name in ("collect", "open_round", "close_round")
            ),
            "labelcycle_flows.ingesting.ingest_again",
            "labelcycle_flows.checking.check",
        ]
        # Prefect would name the runs of a schedule with two drawn words
        assert not any(one.schedules for one in deployments)
        asyncio.run(ended())

    monkeypatch.setattr(prefect, "serve", serve)
    monkeypatch.setattr(RunnerDeployment, "apply", lambda deployment: "number")
    with pytest.raises(SystemExit, match="0"):
        serving._serve(tmp_path, "tiny", [(CountedLooks(), 300)])
    assert not [w for w in recwarn if "astop" in str(w.message)]


@pytest.mark.parametrize(
    ("every", "said"),
    [(90, "every 90 s"), (serving.DAY_S, "every day"), (7 * serving.DAY_S, "every 7 days")],
)
def test_long_times_are_said_in_days(every: int, said: str) -> None:
    assert serving.often(every) == said


def test_looks_go_on_when_one_was_not_started(capsys: pytest.CaptureFixture[str]) -> None:
    looks = CountedLooks()
    with regular(looks, 0.01):
        assert looks.enough.wait(10)
    assert capsys.readouterr().out == "no look was started: Prefect is away\n"


@pytest.mark.parametrize("ingest_every", [None, 3600])
def test_looks_begin_once_prefect_has_their_flows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ingest_every: int | None
) -> None:
    done: list[object] = []

    @contextlib.contextmanager
    def asking(looks: Looks, every_s: float) -> Iterator[None]:
        done.append((looks.flow, every_s))
        yield

    monkeypatch.setattr(serving, "regular", asking)
    monkeypatch.setattr(prefect, "serve", lambda *served, **settings: done.append("served"))
    monkeypatch.setattr(RunnerDeployment, "apply", lambda one: done.append(one.flow_name))
    monkeypatch.setattr(serving.git, "check_usable", lambda root: None)
    monkeypatch.setattr(serving.snapshots, "read", lambda root: None)
    monkeypatch.setattr(serving, "prepare", lambda root: None)
    monkeypatch.chdir(tmp_path)
    set_params(tmp_path, campaign={"name": "tiny"})
    serving.serve(tmp_path, 300, None, None, ingest_every)
    assert done == [
        *("collect", "open-round", "close-round", "ingest-again", "check"),
        ("collect", 300),
        ("check", 24 * 3600),
        *([("ingest-again", 3600)] if ingest_every else []),
        "served",
    ]


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("prefect.toml", "", True),
        (".env", "PREFECT_API_URL=http://evil.example/api", True),
        (".env", " export prefect_logging_settings_path = x", True),
        (".env", "AWS_DEFAULT_REGION=eu-north-1", False),
        ("pyproject.toml", "[tool.prefect.api]\nurl = 'http://evil.example/api'", True),
        ("pyproject.toml", 'tool."\\u0070refect".api.url = "http://evil.example/api"', True),
        ("pyproject.toml", "[tool.ruff]\nsrc = ['prefect']", False),
        ("pyproject.toml", "no TOML", True),
    ],
)
def test_files_of_the_working_folder_do_not_steer_prefect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str, refused: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    check_settings_here()
    (tmp_path / name).write_text(text)
    told = rf"{name} has settings of Prefect, which would come from whoever wrote"
    with pytest.raises(StateError, match=told) if refused else contextlib.nullcontext():
        check_settings_here()


def test_a_place_of_mlflow_holds_wherever_the_flows_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///own.db")
    with mock.patch.dict(os.environ):
        prepare(tmp_path / "campaign")
        assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/own.db"
