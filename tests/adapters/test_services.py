"""The local services' parts that need no server, and a small server of our own."""

import contextlib
import ipaddress
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from unittest import mock

import httpx
import psutil
import pytest

from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, server_checks
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import (
    database_templates,
    databases,
    health,
    processes,
    server_programs,
    service_record,
    services,
)
from labelcycle.adapters.local.server_programs import Server
from labelcycle.adapters.local.services import Services
from labelcycle.campaign import json_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import Busy, DataError, ServiceDown, ToolFailed

VARIABLES = (
    "LABEL_STUDIO_URL",
    "LABEL_STUDIO_API_KEY",
    "LABEL_STUDIO_HOST",
    "MLFLOW_TRACKING_URI",
    "PREFECT_API_URL",
    "PREFECT_API_AUTH_STRING",
)


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Campaign]:
    for name in VARIABLES:  # set first, so that the end of the test puts everything back
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    campaign = Campaign(tmp_path)
    yield campaign
    services.down(campaign)


def record(campaign: Campaign, **entries: int) -> None:
    """A record as `up` leaves it, of processes that ended."""
    found = {
        name: {
            "name": name,
            "title": name,
            "address": f"http://127.0.0.1:{port}",
            "public": f"http://192.0.2.7:{port}",
            "pid": 2**22 + 1,
            "created": 0.0,
            "log": "",
        }
        for name, port in entries.items()
    }
    known = {"token": "secret", "login": "a@b", "prefect": "labelcycle:pass"}
    service_record.write(campaign, {"services": found, **known})


# --- the environment -----------------------------------------------------------------------


def test_environment_comes_from_the_record(campaign: Campaign) -> None:
    record(campaign, label_studio=1, mlflow=2, prefect=3)
    services.load_environment(campaign)
    assert [os.environ[name] for name in VARIABLES] == [
        "http://127.0.0.1:1",
        "secret",
        "http://192.0.2.7:1",
        "http://127.0.0.1:2",
        "http://127.0.0.1:3/api",
        "labelcycle:pass",
    ]


def test_what_is_set_already_wins(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    record(campaign, label_studio=1, mlflow=2)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", "mine")
    services.load_environment(campaign)
    assert os.environ["MLFLOW_TRACKING_URI"] == "sqlite:///mine.db"
    assert os.environ["LABEL_STUDIO_API_KEY"] == "mine"
    assert os.environ["LABEL_STUDIO_URL"] == "http://127.0.0.1:1"


def test_whether_a_server_is_known_and_whose_it_is(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said() -> tuple[bool, bool]:
        name = "label_studio"
        return services.known(campaign, name), services.of_up(campaign, name)

    assert said() == (False, True)
    record(campaign, mlflow=2)
    assert said() == (False, True)
    record(campaign, label_studio=1)
    assert said() == (True, True)
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://127.0.0.1:1")
    assert said() == (True, True)
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://other.example")
    assert said() == (True, False)


def test_a_secret_is_not_given_to_another_server(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(campaign, label_studio=1, prefect=3)
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://other.example")
    monkeypatch.setenv("PREFECT_API_URL", "http://other.example/api")
    services.load_environment(campaign)
    assert "LABEL_STUDIO_API_KEY" not in os.environ
    assert "LABEL_STUDIO_HOST" not in os.environ
    assert "PREFECT_API_AUTH_STRING" not in os.environ


def test_without_a_record_nothing_is_set(campaign: Campaign) -> None:
    services.load_environment(campaign)
    assert not any(name in os.environ for name in VARIABLES)


def test_a_broken_record_is_named(campaign: Campaign) -> None:
    service_record.write(campaign, {"services": {"mlflow": {"pid": 1}}})
    with pytest.raises(DataError, match=r"services\.json: wanted the record of running services"):
        services.load_environment(campaign)
    campaign.services.unlink()


def test_people_are_told_where_and_how_to_get_in(campaign: Campaign) -> None:
    record(campaign, label_studio=1, mlflow=2, prefect=3)
    found = services.status(campaign)
    assert found
    assert found.summary_lines(("label_studio", 7)) == [
        "label_studio  http://192.0.2.7:1/projects/7/data?labeling=1",
        "mlflow        http://192.0.2.7:2",
        "prefect       http://192.0.2.7:3/runs",
        "log in to Label Studio as a@b with password None",
        "log in to Prefect with labelcycle:pass (all of it is the password)",
    ]
    assert found.summary_lines(None)[0] == "label_studio  http://192.0.2.7:1"
    assert found.summary_lines(None, "http://192.0.2.7:2/#/runs")[1] == (
        "mlflow        http://192.0.2.7:2/#/runs"
    )


def test_the_repr_shows_no_secret(campaign: Campaign) -> None:
    record(campaign, label_studio=1)
    found = services.status(campaign)
    assert repr(found) == "Services(http://192.0.2.7:1)"


# --- finding Label Studio ------------------------------------------------------------------


def test_label_studio_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(server_programs.EXECUTABLE, raising=False)
    wanted = (
        r"wanted \$LABELCYCLE_LABEL_STUDIO \(got not set\), .*\.venv-label-studio/bin/label-studio,"
        r" or label-studio on PATH; make it with `.* -m venv .*\.venv-label-studio` and"
        r" `.*/pip install label-studio=="
    )
    with pytest.raises(ToolFailed, match=wanted):
        server_programs.find_label_studio()


def test_label_studio_by_its_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def program(folder: str) -> Path:
        path = tmp_path / folder / "label-studio"
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        return path

    on_path, named = program("bin"), program("named")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.setenv("PATH", str(on_path.parent))
    monkeypatch.delenv(server_programs.EXECUTABLE, raising=False)
    assert server_programs.find_label_studio() == on_path
    beside = program(".venv-label-studio/bin")
    assert server_programs.find_label_studio() == beside
    monkeypatch.setenv(server_programs.EXECUTABLE, str(named))
    assert server_programs.find_label_studio() == named
    monkeypatch.setenv(server_programs.EXECUTABLE, str(tmp_path / "nothing"))
    with pytest.raises(ToolFailed, match=r"got .*/nothing\)"):
        server_programs.find_label_studio()


def test_label_studio_may_call_one_address_while_nobody_else_is_let_in(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(server_programs.EXECUTABLE, sys.executable)
    server = server_programs.label_studio(campaign, "a@b", "p", "t")
    assert server.at_address("0.0.0.0", 8080) == {}
    told = server.at_address("127.0.0.1", 8080)
    assert told["USE_DEFAULT_BANNED_SUBNETS"] == "false"
    banned = [ipaddress.ip_network(n) for n in told["USER_ADDITIONAL_BANNED_SUBNETS"].split(",")]
    for address in (
        *("10.1.2.3", "172.17.0.2", "192.168.1.1", "169.254.169.254", "192.0.0.170", "203.0.113.1"),
        *("127.0.0.1", "127.87.0.0", "127.87.0.2", "127.255.255.255"),
        *("::1", "fd00::1", "2002:7f00:1::", "100::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"),
    ):
        assert any(ipaddress.ip_address(address) in network for network in banned), address
    for address in (server_programs.WAKE, "93.184.215.14", "2606:2800:220:1::1"):
        assert not any(ipaddress.ip_address(address) in network for network in banned), address


def test_label_studio_is_told_the_address_of_a_proxy_and_no_other_variable(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(server_programs.EXECUTABLE, sys.executable)
    monkeypatch.delenv("CSRF_TRUSTED_ORIGINS", raising=False)
    plain = server_programs.label_studio(campaign, "a@b", "p", "t").environment
    assert "CSRF_TRUSTED_ORIGINS" not in plain
    monkeypatch.setenv("CSRF_TRUSTED_ORIGINS", "https://label.example.org")
    monkeypatch.setenv("DEBUG", "true")
    behind = server_programs.label_studio(campaign, "a@b", "p", "t").environment
    assert behind == {**plain, "CSRF_TRUSTED_ORIGINS": "https://label.example.org"}


# --- processes -----------------------------------------------------------------------------


def sleeper(folder: Path) -> processes.Process:
    code = "import time; print('ready', flush=True); time.sleep(600)"
    return processes.start([sys.executable, "-c", code], {}, folder, folder / "log")


def test_stop_ends_the_process_and_no_other(tmp_path: Path) -> None:
    process = sleeper(tmp_path)
    stranger = replace(process, created=process.created - 60)  # the id was given away since
    assert not processes.alive(stranger)
    assert not processes.stop(stranger)
    assert processes.alive(process)
    assert processes.stop(process)
    assert not processes.alive(process)
    assert not processes.stop(process)


@pytest.mark.slow
def test_stop_ends_what_the_process_started(tmp_path: Path) -> None:
    child = "import time; time.sleep(600)"
    code = f"""if True:
        import os, signal, subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-c", {child!r}])
        orphan = subprocess.check_output(
            [sys.executable, "-c", "import subprocess, sys; print(subprocess.Popen("
             "[sys.executable, '-c', {child!r}], stdout=subprocess.DEVNULL).pid)"])
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(child.pid, int(orphan), flush=True)
        time.sleep(600)
    """
    process = processes.start([sys.executable, "-c", code], {}, tmp_path, tmp_path / "log")
    while len((tmp_path / "log").read_text().split()) < 2:
        assert processes.alive(process)
        time.sleep(0.05)
    pids = [int(pid) for pid in (tmp_path / "log").read_text().split()]
    assert all(psutil.pid_exists(pid) for pid in pids)
    assert processes.stop(process, patience_s=0.5)
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            assert psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolFailed, match=r"cannot start .*/nothing: No such file"):
        processes.start([str(tmp_path / "nothing")], {}, tmp_path, tmp_path / "log")


def test_a_port_in_use_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert processes.free_port(port, "127.0.0.1") in processes.PORTS
    assert processes.free_port(port, "127.0.0.1") == port
    assert processes.free_port(0, "127.0.0.1") in processes.PORTS
    assert max(processes.PORTS) < 32_768 <= 49_152  # where those of connections begin


def test_a_computer_without_a_free_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PORTS", range(20_000, 20_100))
    monkeypatch.setattr(socket.socket, "bind", mock.Mock(side_effect=OSError))
    with pytest.raises(ToolFailed, match=r"no free port at 127\.0\.0\.1: wanted one, got none"):
        processes.free_port(0, "127.0.0.1")


def test_one_up_or_down_at_a_time(campaign: Campaign) -> None:
    lock = campaign.private / "services.lock"
    busy = pytest.raises(Busy, match="another command starts or stops the services of")
    with processes.exclusive(lock), busy, processes.exclusive(lock):
        pass


# --- up and down, with a server of our own -------------------------------------------------

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ok" else 404)
        self.end_headers()
        self.wfile.write(b"{}")
print("listening")
http.server.HTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""


@pytest.fixture
def small(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that takes the place of MLflow."""
    server = Server(
        name="mlflow",
        title="Small",
        version="2",
        port=0,
        folder=campaign.private / "small",
        database=campaign.private / "small" / "db",
        command=lambda host, port: [sys.executable, "-c", SERVER, host, str(port)],
        environment={},
        health="/ok",
        template=None,
    )
    monkeypatch.setattr(server_programs, "mlflow", lambda _: server)
    return server


def test_up_reuses_and_down_stops(campaign: Campaign, small: Server) -> None:
    said: list[str] = []
    first = services.up(campaign, only=["mlflow"], show=said.append)
    address = first.services["mlflow"].address
    assert health.answers(f"{address}/ok")
    assert campaign.services.stat().st_mode & 0o777 == 0o600
    again = services.up(campaign, only=["mlflow"], show=said.append)
    assert again.services == first.services
    assert "Small runs already" in said
    assert services.down(campaign, said.append) == 1
    assert not health.answers(f"{address}/ok")
    assert services.down(campaign) == 0
    third = services.up(campaign, only=["mlflow"], show=said.append)
    assert third.services["mlflow"].address == address  # links people keep go on working


def test_a_campaign_that_needs_no_server_is_sent_to_none_once_they_are_stopped(
    campaign: Campaign,
) -> None:
    record(campaign, mlflow=5000, prefect=4200)
    assert {"MLFLOW_TRACKING_URI", "PREFECT_API_URL"} <= services.environment(campaign).keys()
    services.down(campaign)
    assert services.environment(campaign) == {}
    record(campaign, label_studio=8080, mlflow=5000)
    services.down(campaign)
    assert "MLFLOW_TRACKING_URI" in services.environment(campaign)  # `up` is needed, and told


def test_a_copied_folder_leaves_the_services_of_the_original_alone(
    campaign: Campaign, small: Server, tmp_path: Path
) -> None:
    first = services.up(campaign, only=["mlflow"], show=lambda _: None)
    copy = Campaign(tmp_path / "copy")
    shutil.copytree(campaign.private, copy.private)
    assert services.environment(copy) == {}
    assert services.down(copy) == 0
    said: list[str] = []
    own = services.up(copy, only=["mlflow"], show=said.append)
    try:
        assert "this folder is a copy: the services of the original are left alone" in said
        assert own.services["mlflow"].address != first.services["mlflow"].address
        moved = campaign.root / "moved"
        copy.root.rename(moved)
        assert services.environment(Campaign(moved))
    finally:
        assert services.down(Campaign(campaign.root / "moved")) == 1
    assert services.environment(campaign)


def test_a_log_begins_anew_and_the_one_before_is_kept(campaign: Campaign, small: Server) -> None:
    for _ in range(3):
        services.up(campaign, only=["mlflow"], show=lambda _: None)
        services.down(campaign)
    assert sorted(p.name for p in small.folder.iterdir()) == ["mlflow.log", "mlflow.log.1"]


def test_a_server_that_ends_is_quoted(
    campaign: Campaign, small: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "print('first'); raise SystemExit('the disk is upside down')"
    broken = replace(small, command=lambda host, port: [sys.executable, "-c", code])
    monkeypatch.setattr(server_programs, "mlflow", lambda _: broken)
    wanted = r"^Small ended; its log ends with: .*the disk is upside down.*run `labelcycle up`$"
    with pytest.raises(ServiceDown, match=wanted):
        services.up(campaign, only=["mlflow"], show=lambda _: None)


def test_a_server_that_never_answers_is_stopped(
    campaign: Campaign, small: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "PATIENCE_S", 0.2)
    monkeypatch.setattr(server_programs, "mlflow", lambda _: replace(small, health="/never"))
    with pytest.raises(ServiceDown, match=r"Small was not ready after . s and was stopped; its"):
        services.up(campaign, only=["mlflow"], show=lambda _: None)
    assert services.down(campaign) == 0


def test_an_invitation_that_comes_late_is_asked_for_again(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [None, None, {"invite_url": "/user/signup/?token=new"}]
    monkeypatch.setattr(health, "ask", lambda url, headers: answers.pop(0))
    known: dict[str, object] = {"token": "t", "invite": "old", "services": {}}
    label_studio = mock.Mock(address="http://127.0.0.1:1")
    services._remember_invite(campaign, known, label_studio)
    assert known["invite"] == "/user/signup/?token=new"
    monkeypatch.setattr(health, "ask", lambda url, headers: None)
    services._remember_invite(campaign, known, label_studio)
    assert known["invite"] == "/user/signup/?token=new"


# --- prepared databases --------------------------------------------------------------------

MIGRATE = "import sqlite3; c = sqlite3.connect('db'); c.execute('create table t (x)'); c.commit()"


def template(folder: Path, code: str) -> database_templates.Template:
    return database_templates.Template(
        cache=folder / "share" / "small-1.sqlite3",
        database="db",
        command=lambda _: [sys.executable, "-c", code],
        environment=lambda _: {},
    )


def test_a_database_is_prepared_once(tmp_path: Path) -> None:
    made = template(tmp_path, MIGRATE)
    assert database_templates.provide(made, tmp_path / "one" / "db", lambda _: None)
    before = made.cache.stat().st_mtime_ns
    assert database_templates.provide(made, tmp_path / "two" / "db", lambda _: None)
    assert made.cache.stat().st_mtime_ns == before
    kept = {"small-1.sqlite3", ".small-1.sqlite3.lock"}
    assert {p.name for p in made.cache.parent.iterdir()} == kept
    connection = sqlite3.connect(tmp_path / "two" / "db")
    assert connection.execute("select name from sqlite_master").fetchall() == [("t",)]
    connection.close()


def test_two_at_once_prepare_a_database_once(tmp_path: Path) -> None:
    """The migrations of Label Studio take a minute of a processor."""
    runs = tmp_path / "runs"
    made = template(tmp_path, f"open({str(runs)!r}, 'a').write('x'); {MIGRATE}")
    targets = [tmp_path / str(number) / "db" for number in range(3)]
    with ThreadPoolExecutor(3) as pool:
        ask = database_templates.provide
        asked = [pool.submit(ask, made, target, lambda _: None) for target in targets]
        assert all(each.result() for each in asked)
    assert runs.read_text() == "x"
    assert all(target.exists() for target in targets)


def test_a_failed_preparation_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    made = template(tmp_path, "raise SystemExit('no luck')")
    assert not database_templates.provide(made, tmp_path / "db", said.append)
    assert said[-1] == "small-1: no prepared database (no luck); it makes its own"
    assert not made.cache.exists()
    assert not (tmp_path / "db").exists()


def test_a_database_gets_a_write_ahead_log(tmp_path: Path, small: Server) -> None:
    made = replace(small, template=template(tmp_path, MIGRATE))
    for mode in ("a new one", "DELETE"):
        if small.database.exists():
            with contextlib.closing(sqlite3.connect(small.database)) as connection:
                connection.execute(f"PRAGMA journal_mode={mode}")
        databases.ready(made, small.version, lambda _: None)
        with contextlib.closing(sqlite3.connect(small.database)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    small.database.write_bytes(b"no database")
    databases.ready(made, small.version, lambda _: None)  # the server says what is wrong with it


def opened(campaign: Campaign) -> str:
    return str(json_files.read_json(campaign.services)["versions"]["mlflow"])


def rows(path: Path) -> list[tuple[str]]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute("select x from t").fetchall()


@pytest.mark.slow
def test_a_database_is_kept_before_another_version_opens_it(
    campaign: Campaign, small: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    small.folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(small.database)) as connection:
        connection.executescript("create table t (x); insert into t values ('old')")
    change = (
        f"import sqlite3; c = sqlite3.connect({str(small.database)!r});"
        " c.execute(\"update t set x = 'new'\"); c.commit()"
    )
    newer = replace(small, version="3", upgrade=[sys.executable, "-c", change])
    for version in (small, small, newer, newer):
        monkeypatch.setattr(server_programs, "mlflow", lambda _, server=version: server)
        services.up(campaign, only=["mlflow"], show=said.append)
        assert opened(campaign) == version.version
        services.down(campaign)
    told = [line.rpartition(": ") for line in said if "opens a database" in line]
    assert [head for head, _, _ in told] == [
        "Small 2 opens a database of an unknown version; as it was",
        "Small 3 opens a database of 2; as it was",
    ]
    assert rows(small.database) == [("new",)]
    for _, _, copy in told:
        assert rows(Path(copy)) == [("old",)]
        assert Path(copy).stat().st_mode & 0o777 == 0o600


def test_an_upgrade_that_fails_names_the_copy(campaign: Campaign, small: Server) -> None:
    small.folder.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(small.database)) as connection:
        connection.executescript("create table t (x)")
    bad = replace(small, upgrade=[sys.executable, "-c", "raise SystemExit('no such revision')"])
    wanted = (
        r"Small 2 cannot bring its database .* up to date \(no such revision\); as it was: .*"
        r"db-1-.*; mend that and run `labelcycle up`, or install the older version"
    )
    with pytest.raises(ToolFailed, match=wanted):
        databases.ready(bad, "1", lambda _: None)
    small.database.write_bytes(b"no database")
    with pytest.raises(ToolFailed, match=r"no copy of it can be kept \(file is not a database"):
        databases.ready(bad, "1", lambda _: None)


# --- doctor --------------------------------------------------------------------------------


def test_check_says_what_is_missing(campaign: Campaign) -> None:
    every = [*server_checks.check({}), *health.check({})]
    lines = {name: (ok, detail, remedy) for name, ok, detail, remedy in every}
    assert list(lines) == ["Label Studio", "MLflow", "Prefect"]
    assert lines["Label Studio"][:2] == (None, "not running")
    remedy = "`labelcycle up` starts it; or set PREFECT_API_URL"
    assert lines["Prefect"] == (None, "not running", remedy)
    lost, *_ = server_checks.check({"LABEL_STUDIO_URL": "http://127.0.0.1:9"})
    assert lost[1:3] == (
        False,
        "nothing healthy answers at http://127.0.0.1:9 ([Errno 111] Connection refused)",
    )
    (_, ok, detail, _), *_ = (
        line for line in health.check({"MLFLOW_TRACKING_URI": "mlruns"}) if line[0] == "MLflow"
    )
    assert (ok, detail) == (True, "mlruns (no server)")


@pytest.mark.service
def test_the_page_of_prefect_asks_its_own_server(prefect_server: Services) -> None:
    """On any port: by default the page asks port 4200, whoever listens there."""
    address = prefect_server.services["prefect"].address
    assert not address.endswith(":4200")
    assert health.ask(f"{address}/ui-settings")["api_url"] == f"{address}/api"


@pytest.mark.service
def test_an_invitation_is_renewed(label_studio: Services, service_campaign: Campaign) -> None:
    environment = services.environment(service_campaign)
    backend = LabelStudioBackend(service_campaign, environment)
    api = LabelStudioApi(environment["LABEL_STUDIO_URL"], environment["LABEL_STUDIO_API_KEY"])
    old = backend.invitation(renew=False)
    assert old == label_studio.invite
    new = backend.invitation(renew=True)
    assert new == backend.invitation(renew=False) != old
    account = {"email": "late@localhost", "password": "password-1", "allow_newsletters": "false"}
    for link, made in ((old, False), (new, True)):
        with httpx.Client(timeout=60) as client:
            client.get(link)  # its form
            token = client.cookies.get("csrftoken", "")
            form = {**account, "csrfmiddlewaretoken": token}
            client.post(link, data=form, headers={"Referer": link})
        assert ("late@localhost" in api.users()) == made
