"""Where the receiver listens, and whom it asks for a look; no server."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from made_records import pushed
from params import set_params

from labelcycle.adapters import annotation
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import LabelcycleError, ServiceDown, SettingsError, StateError
from labelcycle_flows import receiving
from labelcycle_flows.receiving import ReceiverAddress, receiver_address
from labelcycle_flows.scheduled_looks import Looks


@pytest.mark.parametrize(
    ("url", "listen", "wanted"),
    [
        ("http://127.0.0.1:8090/", None, ("127.0.0.1", 8090)),
        ("http://localhost:8090/x", None, ("127.0.0.1", 8090)),
        ("http://127.87.0.1:8090/", None, ("127.87.0.1", 8090)),
        ("http://192.168.1.5:8090/", None, ("192.168.1.5", 8090)),
        ("http://[::1]:8090/", None, ("::1", 8090)),
        ("http://[fd00::5]/", None, ("fd00::5", 80)),
        ("http://127.1:8090/", None, ("127.0.0.1", 8090)),
        ("http://wake.localhost:8090/", None, ("127.0.0.1", 8090)),
        ("https://label.example/wake", "[::1]:8090", ("::1", 8090)),
        ("http://worker.internal:81/", None, ("0.0.0.0", 81)),
        ("http://worker.internal/", None, ("0.0.0.0", 80)),
        ("https://label.example/wake", "127.0.0.1:8090", ("127.0.0.1", 8090)),
        ("https://label.example/wake", ":8090", ("", 8090)),
    ],
)
def test_the_place_follows_from_the_address(
    url: str, listen: str | None, wanted: tuple[str, int]
) -> None:
    assert receiver_address(url, listen) == ReceiverAddress(url, *wanted)


@pytest.mark.parametrize(
    ("url", "listen"),
    [
        ("8090", None),
        ("127.0.0.1:8090", None),
        ("ftp://here/", None),
        ("http://:8090/", None),
        ("http://here:99999/", None),
        ("http://here:80/", "8090x"),
        ("http://here:80/", "8090"),
    ],
)
def test_a_place_that_cannot_be_read_is_named(url: str, listen: str | None) -> None:
    with pytest.raises(SettingsError, match=f"wanted an address such as .*, got '{url}' and"):
        receiver_address(url, listen)


def test_the_project_is_the_last_one_that_tasks_were_pushed_to(tmp_path: Path) -> None:
    campaign = Campaign(tmp_path)
    with pytest.raises(StateError, match="no project to be called about; round 0 makes it"):
        receiving._project(campaign)
    for number in (0, 1):
        pushed(project=7 + number).write(campaign.round(number) / "pushed.json")
    assert receiving._project(campaign) == ("files", 8)


def test_a_backend_that_calls_nobody_is_refused_at_once(tmp_path: Path) -> None:
    set_params(tmp_path, push={"backend": "files"})
    nobody = r"`serve --webhook`: nobody would call \(push\.backend in params\.yaml is files\)"
    where = ReceiverAddress("http://127.0.0.1:1/", "127.0.0.1", 1)
    with (
        pytest.raises(StateError, match=nobody),
        receiving.received(tmp_path, Looks(tmp_path, "tiny"), where, 1.0),
    ):
        pass


# --- the runs it asks for ------------------------------------------------------------------


class FakePrefect:
    """Prefect's API as far as `Looks` asks it; the state of all runs is `state`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.state: object = None
        self.error: Exception | None = None

    def read_flow_run(self, run: object) -> object:
        from prefect.exceptions import ObjectNotFound

        if self.state is None:
            raise ObjectNotFound(RuntimeError("no such run"))
        return SimpleNamespace(state=self.state)

    def read_deployment_by_name(self, name: str) -> object:
        if self.error:
            raise self.error
        return SimpleNamespace(id=name)

    def create_flow_run_from_deployment(self, deployment: str, name: str) -> object:
        assert name == "campaign, look"
        self.asked.append(deployment)
        return SimpleNamespace(id=uuid4())


@pytest.fixture
def prefect(monkeypatch: pytest.MonkeyPatch) -> FakePrefect:
    from prefect.client import orchestration

    fake = FakePrefect()
    monkeypatch.setattr(orchestration, "get_client", lambda sync_client: nullcontext(fake))
    return fake


def test_a_run_that_has_yet_to_begin_is_enough(prefect: FakePrefect) -> None:
    from prefect.states import Completed, Pending, Running, Scheduled

    lost = Pending(timestamp=datetime.now(UTC) - timedelta(minutes=11))
    looks = Looks(Path("campaign"), "tiny")
    looks.start()
    for state, asked in (
        (Scheduled(), 1),
        (Pending(), 1),
        (Running(), 2),
        (Completed(), 3),
        (lost, 4),
        (None, 5),
    ):
        prefect.state = state
        looks.start()
        assert prefect.asked == ["collect/tiny"] * asked


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        RuntimeError("no server"),
        TimeoutError("late"),
        ValueError("a page, no JSON"),  # from what stands before the server
    ],
)
def test_prefect_away_is_told(prefect: FakePrefect, error: Exception) -> None:
    prefect.error = error
    with pytest.raises(
        ServiceDown, match=rf"did not start collect/tiny \({error}\); the next look"
    ):
        Looks(Path("campaign"), "tiny").start()


# --- the webhook ---------------------------------------------------------------------------


def test_the_webhook_is_looked_after_and_what_is_new_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    away, gone = ServiceDown("Label Studio is away"), ServiceDown("it went away")
    results: list[LabelcycleError | None] = [away, away, None, None, away, None]
    kept = []

    class Backend:
        def keep_webhook(self, project: int, url: str, secret: str) -> None:
            kept.append((project, url, secret))
            if error := results.pop(0):
                raise error

        def remove_webhook(self, project: int) -> None:
            raise gone

    class Over(Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout == 300
            return not results

    pushed(backend="label_studio").write(tmp_path / "rounds" / "000" / "pushed.json")
    monkeypatch.setattr(annotation, "of", lambda campaign, name: Backend())
    receiving._keep(Campaign(tmp_path), "http://here/", "secret", 300, Over())
    assert kept == [(7, "http://here/", "secret")] * 6
    assert capsys.readouterr().out.splitlines() == [
        "no webhook yet: Label Studio is away",
        "Label Studio wakes us at http://here/",
        "no webhook yet: Label Studio is away",
        "Label Studio wakes us at http://here/",
        "the webhook to http://here/ stays: it went away",
    ]
