"""The local services of a campaign: Label Studio, MLflow and Prefect, brought up and down.

MLflow knows no accounts, and Prefect runs commands for whoever knows its one password. So both
listen on loopback whatever `host` is.
"""

import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from labelcycle.adapters import private_folder
from labelcycle.adapters.local import databases, health, processes, server_programs, service_record
from labelcycle.adapters.local.server_programs import LOOPBACK, Server
from labelcycle.adapters.local.service_record import Service
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import ServiceDown, StateError

NAMES = ("label_studio", "mlflow", "prefect")
ADDRESSES = {
    "label_studio": "LABEL_STUDIO_URL",
    "mlflow": "MLFLOW_TRACKING_URI",
    "prefect": "PREFECT_API_URL",
}
"""The variable that holds each one's address."""

PATIENCE_S = 600
"""For one server to become ready: migrations on a slow, busy machine included."""

INVITE_TRIES = 6
"""An `up` that did not hear the invitation would show the one before, or none."""


@dataclass(frozen=True)
class Services:
    """What `up` brought up, by name, and how a person gets in.

    login, password : to Label Studio
    invite : address at which an annotator makes an account of their own, None if unknown
    prefect : what Prefect's page asks for
    """

    services: Mapping[str, Service]
    login: str | None = None
    password: str | None = None
    invite: str | None = None
    prefect: str | None = None

    def summary_lines(self, pushed: tuple[str, int] | None, curves: str | None = None) -> list[str]:
        """What a person needs to know: each service's page, and how to get in.

        pushed : backend and project of the campaign, if it has one: its page opens the next task
        curves : address of the campaign's curves in MLflow, None for its front page
        """
        pages = {"prefect": "/runs"}
        if pushed and pushed[0] == "label_studio":
            pages["label_studio"] = f"/projects/{pushed[1]}/data?labeling=1"
        lines = [
            f"{service.title:<13} "
            + ((name == "mlflow" and curves) or service.public + pages.get(name, ""))
            for name, service in self.services.items()
        ]
        if "label_studio" in self.services:
            lines.append(f"log in to Label Studio as {self.login} with password {self.password}")
        if "prefect" in self.services:
            lines.append(f"log in to Prefect with {self.prefect} (all of it is the password)")
        if self.invite:
            lines.append(f"annotators make their own account at {self.invite}")
        return lines

    def __repr__(self) -> str:
        return f"Services({', '.join(s.public for s in self.services.values())})"


def up(
    campaign: Campaign,
    *,
    host: str = LOOPBACK,
    only: Iterable[str] = NAMES,
    ports: Mapping[str, int] | None = None,
    show: Callable[[str], None],
) -> Services:
    """The services, running and ready; those that run already are used as they are.

    host : where Label Studio listens; 0.0.0.0 lets annotators on other computers in
    only : names of the services wanted, of `NAMES`
    ports : name -> port wanted; another one is taken if it is in use
    show : called with lines of progress

    Raises ToolFailed (a program is missing), ServiceDown (a server did not become ready; the
    text quotes its log), StateError (Label Studio runs already, but not for other computers),
    Busy (another `up` or `down` is at work).
    """
    private_folder.secure(campaign)
    with processes.exclusive(campaign.services_lock):
        record = service_record.read(campaign)
        if service_record.copied(campaign):
            show("this folder is a copy: the services of the original are left alone")
        servers = [_server(name, campaign, record) for name in NAMES if name in set(only)]
        campaign.media.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(len(NAMES)) as pool:  # each may run migrations of its own
            prepared = {pool.submit(_prepare, s, record, show): s for s in servers}
            for future in as_completed(prepared):
                future.result()
                server = prepared[future]
                port = (ports or {}).get(server.name, server.port)
                _start(campaign, record, replace(server, port=port), host, show)
        started = {server.name: _wait(record, server, show) for server in servers}
        _remember_invite(campaign, record, started.get("label_studio"))
        return _services(record, started)


def down(campaign: Campaign, show: Callable[[str], None] = lambda _: None) -> int:
    """The number of services stopped. Their data, the login and the token stay."""
    with processes.exclusive(campaign.services_lock):
        record = service_record.read(campaign)
        stopped = 0
        for name in reversed(NAMES):
            entry = record["services"].get(name)
            if entry and processes.stop(Service(**entry).process):
                show(f"{entry['title']} stopped")
                stopped += 1
        if record["services"] and "label_studio" not in record["services"]:
            # Such a campaign works without servers: nobody is sent to those that are gone.
            service_record.write(campaign, record | {"off": True})
    return stopped


def embedded(
    campaign: Campaign, show: Callable[[str], None], prefect_made: Callable[[], None] = lambda: None
) -> Path:
    """Databases as `up` would give them to Prefect and MLflow, to be used without servers.

    Path of MLflow's, which is made last. Prefect finds its own.

    prefect_made : called once Prefect can begin with its own
    """
    private_folder.secure(campaign)
    with processes.exclusive(campaign.services_lock):
        record = service_record.read(campaign)
        for name in ("prefect", "mlflow"):
            server = _server(name, campaign, record)
            server.folder.mkdir(parents=True, exist_ok=True)
            _prepare(server, record, show)
            record.setdefault("versions", {})[name] = server.version
            if name == "prefect":
                prefect_made()
        service_record.write(campaign, record)
    return server.database


def environment(campaign: Campaign) -> dict[str, str]:
    """Where the recorded services are and how to get in, by the tools' own variables."""
    record = service_record.read(campaign)
    services_there = {} if record.get("off") else service_record.services(record)
    values: dict[str, str] = {}
    if "label_studio" in services_there:
        values |= {
            "LABEL_STUDIO_URL": services_there["label_studio"].address,
            "LABEL_STUDIO_HOST": services_there["label_studio"].public,
            "LABEL_STUDIO_API_KEY": record["token"],
        }
    if "mlflow" in services_there:
        values["MLFLOW_TRACKING_URI"] = services_there["mlflow"].address
    if "prefect" in services_there:
        values |= {
            "PREFECT_API_URL": f"{services_there['prefect'].address}/api",
            "PREFECT_API_AUTH_STRING": record["prefect"],
        }
    return values


def load_environment(campaign: Campaign) -> None:
    """Tell this process and its children where the services are; what is set already wins."""
    values = environment(campaign)
    for service, address in (("LABEL_STUDIO", "LABEL_STUDIO_URL"), ("PREFECT", "PREFECT_API_URL")):
        ours = values.get(address)
        if os.environ.get(address, ours) != ours:
            # what was made for the recorded server is not for another one
            values = {k: v for k, v in values.items() if not k.startswith(f"{service}_")}
    for name, value in values.items():
        os.environ.setdefault(name, value)


def known(campaign: Campaign, name: str) -> bool:
    """True if there is an address of the service: one is set, or `up` has started it here."""
    return ADDRESSES[name] in os.environ or ADDRESSES[name] in environment(campaign)


def of_up(campaign: Campaign, name: str) -> bool:
    """True if it is for `up` to start the service: no address of another one is set."""
    recorded = environment(campaign).get(ADDRESSES[name])
    return os.environ.get(ADDRESSES[name], recorded) == recorded


def status(campaign: Campaign) -> Services | None:
    """The services as recorded, running or not; None if there never were any."""
    record = service_record.read(campaign)
    services_there = service_record.services(record)
    return _services(record, services_there) if services_there else None


def _server(name: str, campaign: Campaign, record: dict[str, Any]) -> Server:
    """How to run a service."""
    service_record.secret_of(campaign, record, name)
    if name == "mlflow":
        return server_programs.mlflow(campaign)
    if name == "prefect":
        return server_programs.prefect(campaign, record["prefect"])
    return server_programs.label_studio(
        campaign, record["login"], record["password"], record["token"]
    )


def _remember_invite(campaign: Campaign, record: dict[str, Any], service: Service | None) -> None:
    """Write down where annotators make their accounts, as Label Studio says: it may be renewed."""
    if service is None:
        return
    headers = {"Authorization": f"Token {record['token']}"}
    for _ in range(INVITE_TRIES):  # a busy machine may be late once
        answer = health.ask(f"{service.address}/api/invite", headers)
        if answer is not None:
            break
    if isinstance(answer, dict) and isinstance(answer.get("invite_url"), str):
        record["invite"] = answer["invite_url"]
        service_record.write(campaign, record)


def _services(record: Mapping[str, Any], services: Mapping[str, Service]) -> Services:
    invite = None
    if "label_studio" in services and record.get("invite"):
        invite = services["label_studio"].public + record["invite"]
    known = {name: record.get(name) for name in ("login", "password", "prefect")}
    return Services(services, invite=invite, **known)


def _running(record: Mapping[str, Any], name: str) -> bool:
    entry = record["services"].get(name)
    return entry is not None and processes.alive(Service(**entry).process)


# --- one server ----------------------------------------------------------------------------


def _prepare(server: Server, record: Mapping[str, Any], show: Callable[[str], None]) -> None:
    if not _running(record, server.name):
        databases.ready(server, record.get("versions", {}).get(server.name), show)


def _start(
    campaign: Campaign,
    record: dict[str, Any],
    server: Server,
    host: str,
    show: Callable[[str], None],
) -> None:
    """Start a server and write down at once who it is, so that `down` finds it in any case."""
    host = host if server.name == "label_studio" else LOOPBACK
    before = record["services"].get(server.name)
    if _running(record, server.name):
        if host != LOOPBACK and f"//{LOOPBACK}:" in before["public"]:
            raise StateError(
                f"{server.title} runs already, for this computer alone; wanted it to listen on"
                f" {host}; run `labelcycle down` first"
            )
        show(f"{server.title} runs already")
        return
    preferred = int(before["address"].rpartition(":")[2]) if before else server.port
    port = processes.free_port(preferred, host)
    log = server.folder / f"{server.name}.log"
    show(f"{server.title} is starting on port {port}")
    record.setdefault("versions", {})[server.name] = server.version
    command = server.command(host, port)
    variables = {**server.environment, **server.at_address(host, port)}
    process = processes.start(command, variables, server.folder, log)
    record["services"][server.name] = asdict(
        Service(
            name=server.name,
            title=server.title,
            address=f"http://{LOOPBACK if host in (LOOPBACK, '0.0.0.0') else host}:{port}",
            public=f"http://{_public(host)}:{port}",
            pid=process.pid,
            created=process.created,
            log=str(log),
        )
    )
    record.pop("off", None)
    service_record.write(campaign, record)


def _public(host: str) -> str:
    """The address by which other computers reach a server that listens on `host`."""
    if host != "0.0.0.0":
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # nothing is sent: this only asks which of our addresses the way out begins at
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


def _wait(record: Mapping[str, Any], server: Server, show: Callable[[str], None]) -> Service:
    """The service once it answers. Raises ServiceDown with the end of its log."""
    service = Service(**record["services"][server.name])
    began = time.monotonic()
    shown = began
    pause_s = 0.02
    while not health.answers(service.address + server.health, server.headers):
        now = time.monotonic()
        if not processes.alive(service.process) or now - began > PATIENCE_S:
            _give_up(service, now - began)
        if now - shown > 10:
            show(f"{server.title} is not ready yet ({now - began:.0f} s)")
            shown = now
        time.sleep(pause_s)
        pause_s = min(0.3, 1.5 * pause_s)
    show(f"{server.title} is ready at {service.public}")
    return service


def _give_up(service: Service, waited_s: float) -> None:
    ended = not processes.alive(service.process)
    processes.stop(service.process)
    what = "ended" if ended else f"was not ready after {waited_s:.0f} s and was stopped"
    raise ServiceDown(
        f"{service.title} {what}; its log ends with:"
        f" {processes.last_lines(Path(service.log))}; the whole log is {service.log};"
        " mend it and run `labelcycle up`"
    )
