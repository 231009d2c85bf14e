"""Somebody's campaign, cloned and served: code and settings that lie in its folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from prefect_api import prefect_client

from attacks import Try, attack
from labelcycle.adapters.local import services
from labelcycle.campaign.campaign_paths import Campaign

NAMES = (
    *("labelcycle", "labelcycle_flows", "prefect", "click"),
    *("httpx", "random", "uvicorn", "yaml", "torch"),
)


def planted(root: Path) -> Path:
    """Modules that leave a trace where they are imported; where."""
    trace = root.parent / "trace"
    for name in NAMES:
        code = f"import os, sys; open({str(trace)!r}, 'a').write({name!r} + ' ')\n"
        (root / f"{name}.py").write_text(code + "raise ImportError('not the real one')\n")
    return trace


def cloned(folder: Path, **settings: str) -> Campaign:
    root = folder / "campaign"
    root.mkdir()
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    (root / "params.yaml").write_text("campaign: {name: theirs, classes: [a, b]}\n")
    for name, text in settings.items():
        (root / name).write_text(text)
    return Campaign(root)


EVIL = "http://evil.example"
ENTRY = {
    "name": "label_studio",
    "title": "Label Studio",
    "address": EVIL,
    "public": EVIL,
    "pid": 1,
    "created": 0.0,
    "log": "",
}

BELIEVED = """
import os, sys
from pathlib import Path
from labelcycle.adapters.local.environment import prepare
prepare(Path(sys.argv[1]))
print(os.environ.get("LABEL_STUDIO_URL"))
"""


def recorded(folder: Path) -> Campaign:
    """A campaign whose record of services names somebody else's Label Studio."""
    folder.mkdir()
    campaign = cloned(folder)
    campaign.private.mkdir()
    record = {"services": {"label_studio": ENTRY}, "token": "theirs"}
    campaign.services.write_text(json.dumps(record))
    campaign.services.chmod(0o600)
    return campaign


def committed(folder: Path) -> Path:
    """As git brings it."""
    theirs, ours = recorded(folder).root, folder / "clone"
    author = ["-c", "user.name=x", "-c", "user.email=x@localhost"]
    for words in (
        ["-C", str(theirs), "add", "-f", "."],
        ["-C", str(theirs), *author, "commit", "-q", "-m", "a campaign"],
        ["clone", "-q", str(theirs), str(ours)],
    ):
        subprocess.run(["git", *words], check=True)
    (ours / ".labelcycle" / "services.json").chmod(0o600)
    return ours


def packed(folder: Path) -> Path:
    """As an archive brings it, with its modes."""
    return Path(shutil.copytree(recorded(folder).root, folder / "unpacked"))


def linked(folder: Path) -> Path:
    """As a link to a file that git does track."""
    campaign = recorded(folder)
    shown = campaign.services.rename(campaign.root / "services.json")
    campaign.services.symlink_to(shown)
    return campaign.root


@attack("a cloned campaign names the servers that secrets go to", slow=True)
def by_record(folder: Path) -> Iterator[Try]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LABEL_STUDIO")}
    for way in (committed, packed, linked):
        root = way(folder / way.__name__)
        words = [sys.executable, "-c", BELIEVED, str(root)]
        done = subprocess.run(words, env=inherited, capture_output=True, text=True, check=False)
        yield Try(f"a record that is {way.__name__}", EVIL in done.stdout)


def serve(campaign: Campaign, *words: str) -> subprocess.Popen[bytes]:
    """The console command as its owner has it, started in the campaign's folder."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT", "PYTHON"))}
    program = Path(sys.executable).with_name("labelcycle")
    with (campaign.root.parent / "log").open("wb") as log:
        return subprocess.Popen(
            [str(program), *words],
            cwd=campaign.root,
            env=inherited | {"PREFECT_RUNNER_POLL_FREQUENCY": "1"},
            stdout=log,
            stderr=log,
        )


def ended(api: str, login: str) -> bool:
    """Has a run ended?"""
    user, _, password = login.partition(":")
    headers = {"Prefect-Csrf-Client": "us"}
    with prefect_client(api, auth=(user, password), headers=headers) as client:
        token = client.get("csrf-token?client=us").raise_for_status().json()["token"]
        found = client.post("flow_runs/filter", json={}, headers={"Prefect-Csrf-Token": token})
        runs = found.raise_for_status().json()
    return any(run["state_type"] in ("COMPLETED", "FAILED", "CRASHED") for run in runs)


@attack("modules of a cloned campaign run when it is served", servers=True)
def by_modules(folder: Path) -> Iterator[Try]:
    campaign = cloned(folder)
    trace = planted(campaign.root)
    try:
        services.up(campaign, only=["prefect"], ports={"prefect": 0}, show=lambda _: None)
        known = services.environment(campaign)
        serving = serve(campaign, "serve", "--every", "3600")
        try:
            end = time.monotonic() + 240
            api, login = f"{known['PREFECT_API_URL']}/", known["PREFECT_API_AUTH_STRING"]
            while not ended(api, login):
                assert serving.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < end, (folder / "log").read_text()
                time.sleep(1)
        finally:
            serving.terminate()
            serving.wait(60)
    finally:
        services.down(campaign)
    ran = trace.read_text() if trace.exists() else ""
    yield Try(f"a module of the folder ran: {ran}", bool(ran))


@attack("settings of a cloned campaign have Prefect log in elsewhere", slow=True)
def by_settings(folder: Path) -> Iterator[Try]:
    with socket.create_server(("127.0.0.1", 0)) as place:
        address = f"http://127.0.0.1:{place.getsockname()[1]}/api"
        for name, text in (
            (".env", f"PREFECT_API_URL={address}\n"),
            ("prefect.toml", f"[api]\nurl = '{address}'\n"),
            ("pyproject.toml", f"[tool.prefect.api]\nurl = '{address}'\n"),
        ):
            own = folder / name.strip(".")
            own.mkdir()
            serving = serve(cloned(own, **{name: text}), "serve")
            called = threading.Event()
            while serving.poll() is None and not called.is_set():
                place.settimeout(0.2)
                try:
                    place.accept()[0].close()
                    called.set()
                except TimeoutError:
                    continue
            serving.terminate()
            serving.wait(60)
            yield Try(f"by {name}", called.is_set())
