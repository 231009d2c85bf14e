"""Is a service there? One short question over HTTP each, and `doctor`'s lines about them."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from labelcycle.adapters.addresses import bare

PATIENCE_S = 10.0

Line = tuple[str, bool | None, str, str]
"""Name, whether it is well (None: it was not started), what was found, what to do if it is not."""


def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """True if the address answers with a status from 200 to 299."""
    return 200 <= _get(url, headers)[0] < 300


def ask(url: str, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON value at an address, or None if there is none."""
    status, body = _get(url, headers)
    if not 200 <= status < 300:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return None


def _get(url: str, headers: Mapping[str, str] | None) -> tuple[int, bytes]:
    """Status and body; status 0 if nothing answers. Loopback is asked directly, without proxy."""
    local = any(url.startswith(f"http://{name}") for name in ("127.0.0.1", "localhost"))
    handlers = [urllib.request.ProxyHandler({})] if local else []
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))
        with urllib.request.build_opener(*handlers).open(request, timeout=PATIENCE_S) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code), b""
    except (OSError, HTTPException, ValueError):
        return 0, b""


def check(environment: Mapping[str, str] | None = None) -> list[Line]:
    """The state of each service that the environment names, for people."""
    env = os.environ if environment is None else environment
    return [
        *_label_studio(env.get("LABEL_STUDIO_URL", ""), env.get("LABEL_STUDIO_API_KEY", "")),
        _server("MLflow", "MLFLOW_TRACKING_URI", env.get("MLFLOW_TRACKING_URI", ""), "/health"),
        _server("Prefect", "PREFECT_API_URL", env.get("PREFECT_API_URL", ""), "/health"),
    ]


def _server(title: str, variable: str, address: str, path: str) -> Line:
    start = f"run `labelcycle up`, or set {variable} to where it runs"
    if not address:
        return title, None, "not running", f"`labelcycle up` starts it; or set {variable}"
    if not address.startswith(("http://", "https://")):
        return title, True, f"{bare(address)} (no server)", ""
    if answers(address.rstrip("/") + path):
        return title, True, bare(address), ""
    return title, False, f"nothing healthy answers at {bare(address)}", start


def _label_studio(address: str, token: str) -> list[Line]:
    server = _server("Label Studio", "LABEL_STUDIO_URL", address, "/health")
    name = "Label Studio token"
    if not server[1]:
        return [server]
    from labelcycle.adapters.label_studio_api import LabelStudioApi  # slow to import
    from labelcycle.errors import LabelcycleError

    try:
        return [server, (name, True, f"works as {LabelStudioApi(address, token).whoami()}", "")]
    except LabelcycleError as error:
        return [server, (name, False, str(error), "set LABEL_STUDIO_API_KEY to a valid token")]
