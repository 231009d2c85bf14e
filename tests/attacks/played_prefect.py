"""Whoever gets into Prefect has served flows run commands: pages of the web, other accounts."""

import base64
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from prefect_api import prefect_client
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from attacks import Try, attack, running_servers
from labelcycle.adapters.local import services
from labelcycle.campaign.campaign_paths import Campaign

PAGE = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
"""What a browser adds to the requests of a foreign page; it has no password to send."""

ACCOUNT: dict[str, str] = {}
"""Another account of this computer sends what it likes, but has no password either."""

STEPS = {"pull_steps": [{"prefect.deployments.steps.run_shell_script": {"script": "id"}}]}

EPHEMERAL = """
import sys
from pathlib import Path
from labelcycle.adapters.local.environment import prepare
prepare(Path(sys.argv[1]))
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    print(client.api_url, flush=True)
    sys.stdin.read()
"""


def served(api: str, login: str | None) -> str:
    """A deployment as served flows make it; its id."""
    token = base64.b64encode((login or "nobody:").encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Prefect-Csrf-Client": "us"}
    with prefect_client(api, headers=headers) as client:
        csrf = client.get("csrf-token?client=us")
        if csrf.is_success:
            client.headers["Prefect-Csrf-Token"] = csrf.json()["token"]
        flow = client.post("flows/", json={"name": "collect"}).raise_for_status().json()["id"]
        made = {"name": "photos", "flow_id": flow, "entrypoint": "labelcycle_flows.rounds.collect"}
        return str(client.post("deployments/", json=made).raise_for_status().json()["id"])


def allowed(client: httpx.Client, method: str, path: str) -> bool:
    """Does a browser send this request of a page? Only after a preflight that lets it."""
    if "Origin" not in client.headers:
        return True
    asked = {"Access-Control-Request-Method": method}
    asked["Access-Control-Request-Headers"] = "content-type,prefect-csrf-client,prefect-csrf-token"
    answer = client.options(path, headers=asked)
    origin = answer.headers.get("access-control-allow-origin")
    return answer.is_success and origin in ("*", client.headers["Origin"])


def orders(api: str, deployment: str, headers: Mapping[str, str], who: str) -> Iterator[Try]:
    """Try to have a command run, and to read what there is."""
    with prefect_client(api, headers=dict(headers)) as client:
        csrf = client.get("csrf-token?client=evil")
        if csrf.is_success:
            client.headers["Prefect-Csrf-Client"] = "evil"
            client.headers["Prefect-Csrf-Token"] = csrf.json()["token"]

        def send(method: str, path: str, body: object) -> bool:
            if not allowed(client, method, path):
                return False
            return client.request(method, path, json=body).is_success

        path = f"deployments/{deployment}"
        yield Try(f"{who}: a shell step", send("PATCH", path, STEPS))
        yield Try(f"{who}: a run", send("POST", f"{path}/create_flow_run", {}))
        yield Try(f"{who}: all runs", send("POST", "flow_runs/filter", {}))
        # what no preflight is asked for: a form's kind of text
        kind = {"Content-Type": "text/plain"}
        plain = client.post(f"{path}/create_flow_run", content=b"{}", headers=kind)
        yield Try(f"{who}: a run by a plain form", plain.is_success)
        rebound = {"Host": f"evil.example:{urlsplit(api).port}"}
        settings = client.get("admin/settings", headers=rebound)
        yield Try(f"{who}: the settings by another name", settings.is_success)


EVENT = {
    "id": "00000000-0000-0000-0000-000000000001",
    "occurred": "2026-01-01T00:00:00Z",
    "event": "evil",
    "resource": {"prefect.resource.id": "evil"},
}

SOCKETS = {
    "/events/out": {"type": "filter", "filter": {}},
    "/events/in": EVENT,
    "/logs/out": {"type": "filter", "filter": {}},
    "/task_runs/subscriptions/scheduled": {"type": "subscribe", "keys": ["evil"]},
}
"""What is said there after the password."""


def listens(api: str, path: str, origin: str | None, words: list[str]) -> bool:
    """Does a websocket let somebody in who knows no password?"""
    first = {"type": "auth", "token": None}
    with contextlib.suppress(WebSocketException, OSError, TimeoutError):
        url = api.replace("http://", "ws://") + path
        with connect(url, origin=origin, subprotocols=words or None) as socket:
            if words:
                socket.send(json.dumps(first))
                json.loads(socket.recv(timeout=10))
            socket.send(json.dumps(SOCKETS[path]))
            with contextlib.suppress(TimeoutError):
                socket.recv(timeout=3)
            return True
    return False


def all_ways(api: str, deployment: str) -> Iterator[Try]:
    yield from orders(api, deployment, PAGE, "a page of the web")
    yield from orders(api, deployment, ACCOUNT, "another account")
    for path in SOCKETS:
        for words in ([], ["prefect"]):
            found = listens(api, path, PAGE["Origin"], words)
            yield Try(f"a page of the web: the socket {path} {' '.join(words)}".strip(), found)


@attack("strangers order commands from Prefect of `labelcycle up`", servers=True)
def of_up(folder: Path) -> Iterator[Try]:
    del folder
    _, known = running_servers.up("prefect")
    api = f"{known['PREFECT_API_URL']}/"
    deployment = served(api, known.get("PREFECT_API_AUTH_STRING"))
    yield from all_ways(api.rstrip("/"), deployment)


@attack("strangers order commands from the Prefect of one run", servers=True)
def of_one_run(folder: Path) -> Iterator[Try]:
    Campaign(folder).params.touch()
    services.embedded(Campaign(folder), show=lambda _: None)  # its database, migrated
    running = subprocess.Popen(
        [sys.executable, "-c", EPHEMERAL, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout
        api = running.stdout.readline().strip().rstrip("/")
        assert api.startswith("http://127.0.0.1:"), api
        yield from all_ways(api, "00000000-0000-0000-0000-000000000000")
    finally:
        running.communicate("")
