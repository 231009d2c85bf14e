"""How each local server is found, prepared, started and asked whether it is well."""

import importlib.metadata
import ipaddress
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labelcycle.adapters.local.database_templates import Template
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import ToolFailed

TASK_LOCK_S = 1800
"""A task opened and left is free for others after this; Label Studio's own value is a day."""

LOOPBACK = "127.0.0.1"

WAKE = "127.87.0.1"
"""Where the served flows listen for Label Studio: an address of this computer for nothing else.

Linux has all of 127.0.0.0/8. On macOS it is there after `sudo ifconfig lo0 alias 127.87.0.1`.
"""

BANNED = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    *(
        "::/128",
        "::1/128",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
    ),
    *("2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
)
"""What is no address of the public internet, besides loopback: Label Studio's own list and more."""


def own_webhooks() -> dict[str, str]:
    """Lets Label Studio call `WAKE` and no other private address.

    It bans all of them by itself. MLflow and Prefect listen on 127.0.0.1, and nobody may reach
    them through it. Only while it listens for this computer alone, for what listens on all
    networks is at `WAKE` too, behind whatever fence there is.
    """
    wake, loopback = ipaddress.IPv4Network(f"{WAKE}/32"), ipaddress.IPv4Network("127.0.0.0/8")
    banned = [*BANNED, *map(str, loopback.address_exclude(wake))]
    return {
        "USE_DEFAULT_BANNED_SUBNETS": "false",
        "USER_ADDITIONAL_BANNED_SUBNETS": ",".join(banned),
    }


EXECUTABLE = "LABELCYCLE_LABEL_STUDIO"

LABEL_STUDIO_DATABASE = "label_studio.sqlite3"
"""Name of the file that Label Studio keeps everything in, within its folder."""

ORIGINS = "CSRF_TRUSTED_ORIGINS"
"""Label Studio's list of the addresses by which people reach it through a proxy with HTTPS."""


@dataclass(frozen=True)
class Server:
    """One local server.

    version : of the program
    port : the one wanted; another is taken if it is in use
    folder : its state, below the campaign's private folder
    database : the file it keeps its data in
    command : (host, port) -> program and arguments
    health : path that answers 200 once the server is ready
    headers : sent with the health question
    at_address : (host, port) -> variables that hang on where it listens
    upgrade : program and arguments that bring a database of an older version up to date;
        empty if the server does that by itself
    """

    name: str
    title: str
    version: str
    port: int
    folder: Path
    database: Path
    command: Callable[[str, int], Sequence[str]]
    environment: Mapping[str, str]
    health: str
    template: Template | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    at_address: Callable[[str, int], Mapping[str, str]] = lambda _host, _port: {}
    upgrade: Sequence[str] = ()


def label_studio(campaign: Campaign, login: str, password: str, token: str) -> Server:
    """Label Studio on SQLite; its first account and the token are made at the first start."""
    program = find_label_studio()
    folder = campaign.label_studio
    quiet = {
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "DO_NOT_TRACK": "1",
    }
    return Server(
        name="label_studio",
        title="Label Studio",
        version=label_studio_version(program),
        port=8080,
        folder=folder,
        database=folder / LABEL_STUDIO_DATABASE,
        command=lambda host, port: [
            *(str(program), "start", "--no-browser"),
            *("--internal-host", host, "--port", str(port)),
        ],
        environment=quiet
        | {
            "LABEL_STUDIO_BASE_DATA_DIR": str(folder),
            # empty: all addresses relative, so that any name of this computer works
            "LABEL_STUDIO_HOST": "",
            "LABEL_STUDIO_USERNAME": login,
            "LABEL_STUDIO_PASSWORD": password,
            "LABEL_STUDIO_USER_TOKEN": token,
            "LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN": "true",
            "LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK": "true",
            "LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED": "true",
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(campaign.media),
            "TASK_LOCK_TTL": str(TASK_LOCK_S),
        }
        | behind_proxy(),
        health="/api/current-user/whoami",
        headers={"Authorization": f"Token {token}"},
        template=_label_studio_template(program, quiet),
        at_address=lambda host, _: own_webhooks() if host == LOOPBACK else {},
    )


def behind_proxy() -> dict[str, str]:
    """The addresses of a proxy for Label Studio, as the caller's environment has them.

    Without them it takes no login from a page that came by HTTPS.
    """
    origins = os.environ.get(ORIGINS)
    return {ORIGINS: origins} if origins else {}


def find_label_studio() -> Path:
    """Label Studio's executable. Raises ToolFailed that names where it was looked for."""
    beside = Path(sys.prefix).parent / ".venv-label-studio"
    named = os.environ.get(EXECUTABLE)
    on_path = shutil.which("label-studio")
    candidates = [named] if named else [str(beside / "bin" / "label-studio"), on_path]
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK) and Path(candidate).is_file():
            return Path(candidate).absolute()
    raise ToolFailed(
        f"Label Studio's program is not found: wanted ${EXECUTABLE} (got {named or 'not set'}),"
        f" {beside / 'bin' / 'label-studio'}, or label-studio on PATH; make it with"
        f" `{sys.executable} -m venv {beside}` and"
        f" `{beside / 'bin' / 'pip'} install label-studio==1.23.2`"
    )


def label_studio_version(program: Path) -> str:
    """Version of the Label Studio beside its program; empty if it cannot be found."""
    packages = sorted(_prefix(program).glob("lib/python*/site-packages/label_studio-*.dist-info"))
    names = [
        path.name.removeprefix("label_studio-").removesuffix(".dist-info") for path in packages
    ]
    return names[-1] if names else ""


def _prefix(program: Path) -> Path:
    return program.resolve().parent.parent


def _label_studio_template(program: Path, quiet: Mapping[str, str]) -> Template | None:
    """The migrated database kept in Label Studio's own environment, if it has one."""
    version = label_studio_version(program)
    if not version:
        return None
    return Template(
        cache=_prefix(program) / "share" / "labelcycle" / f"label_studio-{version}.sqlite3",
        database=LABEL_STUDIO_DATABASE,
        # asks about an account that does not exist: migrates, makes no account, serves nothing
        command=lambda _: [str(program), "user", "--username", "nobody", "--no-browser"],
        environment=lambda folder: {**quiet, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)},
    )


def mlflow(campaign: Campaign) -> Server:
    """MLflow's tracking server on SQLite, artifacts in a folder that it serves itself."""
    folder = campaign.mlflow
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        # its jobs judge language models; their runner is a second slow start and a slow stop
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    program = [sys.executable, "-P", "-m", "mlflow"]
    database = f"sqlite:///{folder / 'mlflow.db'}"
    return Server(
        name="mlflow",
        title="MLflow",
        version=importlib.metadata.version("mlflow"),
        port=5000,
        folder=folder,
        database=folder / "mlflow.db",
        command=lambda host, port: [
            *(*program, "server", "--host", host, "--port", str(port)),
            *("--backend-store-uri", database),
            *("--artifacts-destination", str(folder / "artifacts"), "--workers", "1"),
        ],
        environment=quiet,
        health="/health",
        template=Template(
            cache=_share() / f"mlflow-{importlib.metadata.version('mlflow')}.sqlite3",
            database="mlflow.db",
            command=lambda where: [
                *(*program, "db", "upgrade"),
                f"sqlite:///{where / 'mlflow.db'}",
            ],
            environment=lambda _: quiet,
        ),
        upgrade=[*program, "db", "upgrade", database],
    )


def prefect(campaign: Campaign, login: str) -> Server:
    """Prefect's API server on SQLite.

    login : `name:password`, which its page and every client must know. Whoever gets in may have
        served flows run any command.
    """
    folder = campaign.prefect
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    program = [sys.executable, "-P", "-m", "prefect", "server"]
    return Server(
        name="prefect",
        title="Prefect",
        version=importlib.metadata.version("prefect"),
        port=4200,
        folder=folder,
        database=folder / "prefect.db",
        command=lambda host, port: [*program, "start", "--host", host, "--port", str(port)],
        environment={
            **quiet,
            "PREFECT_HOME": str(folder),
            "PREFECT_SERVER_API_AUTH_STRING": login,
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            # runs that ended 90 days ago go, with their logs and artifacts: git has the rounds
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        },
        at_address=lambda host, port: {
            # Else its page asks port 4200, whoever listens there.
            "PREFECT_SERVER_UI_API_URL": f"http://{host}:{port}/api",
            # Else any page of the web may call it from the browser of whoever runs it.
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{host}:{port}",
        },
        health="/api/health",
        template=Template(
            cache=_share() / f"prefect-{importlib.metadata.version('prefect')}.sqlite3",
            database="prefect.db",
            command=lambda _: [*program, "database", "upgrade", "-y"],
            environment=lambda where: {**quiet, "PREFECT_HOME": str(where)},
        ),
    )


def _share() -> Path:
    """Where this environment keeps its prepared databases."""
    return Path(sys.prefix) / "share" / "labelcycle"
