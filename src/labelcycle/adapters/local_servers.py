"""How each local server is found, prepared, started and asked whether it is well."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from labelcycle.adapters.templates import Template
from labelcycle.errors import ToolFailed
from labelcycle.store import Campaign

TASK_LOCK_S = 1800
"""A task opened and left is free for others after this; Label Studio's own value is a day."""

LOOPBACK = "127.0.0.1"

OWN_WEBHOOKS = {
    "USE_DEFAULT_BANNED_SUBNETS": "false",
    "USER_ADDITIONAL_BANNED_SUBNETS": ",".join(
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4", "::/128", "::1/128"),
            *("::ffff:0:0/96", "64:ff9b::/96", "fc00::/7", "fe80::/10", "ff00::/8"),
        )
    ),
}
"""Lets webhooks go to this computer itself, which Label Studio bans with all private networks.

Only while it listens for this computer alone: MLflow and Prefect, which know no accounts, listen
here too, and people from elsewhere must not reach them through it.
"""

EXECUTABLE = "LABELCYCLE_LABEL_STUDIO"


@dataclass(frozen=True)
class Server:
    """One local server.

    port : the one wanted; another is taken if it is in use
    folder : its state, below the campaign's private folder
    database : the file it keeps its data in
    command : (host, port) -> program and arguments
    health : path that answers 200 once the server is ready
    headers : sent with the health question
    told : (host, port) -> variables that hang on where it listens
    """

    name: str
    title: str
    port: int
    folder: Path
    database: Path
    command: Callable[[str, int], Sequence[str]]
    environment: Mapping[str, str]
    health: str
    template: Template | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    told: Callable[[str, int], Mapping[str, str]] = lambda _host, _port: {}


def label_studio(campaign: Campaign, login: str, password: str, token: str) -> Server:
    """Label Studio on SQLite; its first account and the token are made at the first start."""
    program = find_label_studio()
    folder = campaign.private / "label-studio"
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
        port=8080,
        folder=folder,
        database=folder / "label_studio.sqlite3",
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
        },
        health="/api/current-user/whoami",
        headers={"Authorization": f"Token {token}"},
        template=_label_studio_template(program, quiet),
        told=lambda host, _: OWN_WEBHOOKS if host == LOOPBACK else {},
    )


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


def _label_studio_template(program: Path, quiet: Mapping[str, str]) -> Template | None:
    """The migrated database kept in Label Studio's own environment, if it has one."""
    prefix = program.resolve().parent.parent
    packages = sorted(prefix.glob("lib/python*/site-packages/label_studio-*.dist-info"))
    if not packages:
        return None
    version = packages[-1].name.removeprefix("label_studio-").removesuffix(".dist-info")
    return Template(
        cache=prefix / "share" / "labelcycle" / f"label_studio-{version}.sqlite3",
        database="label_studio.sqlite3",
        # asks about an account that does not exist: migrates, makes no account, serves nothing
        command=lambda _: [str(program), "user", "--username", "nobody", "--no-browser"],
        environment=lambda folder: {**quiet, "LABEL_STUDIO_BASE_DATA_DIR": str(folder)},
    )


def mlflow(campaign: Campaign) -> Server:
    """MLflow's tracking server on SQLite, artifacts in a folder that it serves itself."""
    folder = campaign.private / "mlflow"
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        # its jobs judge language models; their runner is a second slow start and a slow stop
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return Server(
        name="mlflow",
        title="MLflow",
        port=5000,
        folder=folder,
        database=folder / "mlflow.db",
        command=lambda host, port: [
            *(sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts"), "--workers", "1"),
        ],
        environment=quiet,
        health="/health",
        template=Template(
            cache=_share() / f"mlflow-{importlib.metadata.version('mlflow')}.sqlite3",
            database="mlflow.db",
            command=lambda where: [
                *(sys.executable, "-m", "mlflow", "db", "upgrade"),
                f"sqlite:///{where / 'mlflow.db'}",
            ],
            environment=lambda _: quiet,
        ),
    )


def prefect(campaign: Campaign) -> Server:
    """Prefect's API server on SQLite."""
    folder = campaign.private / "prefect"
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1"}
    program = [sys.executable, "-m", "prefect", "server"]
    return Server(
        name="prefect",
        title="Prefect",
        port=4200,
        folder=folder,
        database=folder / "prefect.db",
        command=lambda host, port: [*program, "start", "--host", host, "--port", str(port)],
        environment={**quiet, "PREFECT_HOME": str(folder)},
        # Else its page asks port 4200, whoever listens there.
        told=lambda host, port: {"PREFECT_SERVER_UI_API_URL": f"http://{host}:{port}/api"},
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
