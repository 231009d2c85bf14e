"""Is a service there? One short question over HTTP each, and `doctor`'s lines about them."""

import json
import os
from collections.abc import Mapping
from typing import Any

from labelcycle.adapters.address_logins import without_login

PATIENCE_S = 10.0
"""For a whole answer."""

MAX_BYTES = 2**20

Line = tuple[str, bool | None, str, str]
"""Name, whether it is well (None: it was not started), what was found, what to do if it is not."""


def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """True if the address answers with a status from 200 to 299."""
    return _get(url, headers)[0] is not None


def ask(url: str, headers: Mapping[str, str] | None = None) -> Any:
    """The JSON value at an address, or None if there is none."""
    try:
        return json.loads(_get(url, headers)[0] or b"")
    except ValueError:
        return None


def reason(url: str) -> str | None:
    """Why an address does not answer well, None if it does."""
    return _get(url, None)[1]


def _get(url: str, headers: Mapping[str, str] | None) -> tuple[bytes | None, str | None]:
    """The body of a good answer, or why there is none; `headers` go to this server alone."""
    import httpx  # not for every command

    from labelcycle.adapters import http

    try:
        with http.Client(http.Bounds(PATIENCE_S, PATIENCE_S, MAX_BYTES)) as client:
            answer = client.get(url, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return None, str(error) or type(error).__name__
    return (answer.content, None) if answer.is_success else (None, f"status {answer.status_code}")


def check(environment: Mapping[str, str] | None = None) -> list[Line]:
    """The state of MLflow and Prefect, of which the environment says where they are, for people."""
    env = os.environ if environment is None else environment
    return [
        server("MLflow", "MLFLOW_TRACKING_URI", env.get("MLFLOW_TRACKING_URI", ""), "/health"),
        server("Prefect", "PREFECT_API_URL", env.get("PREFECT_API_URL", ""), "/health"),
    ]


def server(title: str, variable: str, address: str, path: str) -> Line:
    """The state of one server for people.

    variable : of the environment, which holds the address
    path : page below the address that answers once the server is well
    """
    start = f"run `labelcycle up`, or set {variable} to where it runs"
    if not address:
        return title, None, "not running", f"`labelcycle up` starts it; or set {variable}"
    if not address.startswith(("http://", "https://")):
        return title, True, f"{without_login(address)} (no server)", ""
    why = reason(address.rstrip("/") + path)
    if why is None:
        return title, True, without_login(address), ""
    return (
        title,
        False,
        f"nothing healthy answers at {without_login(address)} ({why})",
        start,
    )
