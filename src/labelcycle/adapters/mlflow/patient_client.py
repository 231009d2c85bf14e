"""MLflow's client and server: one that answers in time, and its errors in our words."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any, ParamSpec, TypeVar

import httpx

from labelcycle.adapters import http, time_limit
from labelcycle.adapters.address_logins import without_login
from labelcycle.adapters.mlflow.tracking_uri import VARIABLE, served
from labelcycle.errors import LabelcycleError, ServiceDown, ServiceRefused

P = ParamSpec("P")
R = TypeVar("R")

BOUNDS = http.Bounds(silence_s=10.0, whole_s=10.0, bytes=2**20)

ASKING_S = 120.0
"""The longest wait for a question and a few figures."""

LOGGING_S = 3600.0
"""The longest wait for a whole round: its models may be large, and the way to the server slow."""

CLIENT = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # the user is told the address once, by us
    "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",  # a body would go with them
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # what is missing is logged by the next run
}
"""How MLflow's own client is to behave; what is set already wins."""


def check_answers(uri: str) -> None:
    """Raise ServiceDown fast: MLflow's own client would retry for minutes."""
    if not served(uri):
        return
    try:
        with http.Client(BOUNDS) as client:
            answer = client.get(f"{uri.rstrip('/')}/health")
    except http.Elsewhere as error:
        raise ServiceRefused(
            f"MLflow at {without_login(uri)} points elsewhere ({error}); set {VARIABLE} to its"
            " address"
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceDown(
            f"MLflow at {without_login(uri)} does not answer ({error}); run `labelcycle up` or mend"
            f" {VARIABLE}; the next `labelcycle run` logs what is missing"
        ) from error
    if not answer.is_success:
        raise ServiceRefused(
            f"MLflow at {without_login(uri)} answers {answer.status_code} {answer.reason_phrase};"
            f" wanted 200 from /health; check {VARIABLE} and the server's --allowed-hosts"
        )


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """Whatever MLflow raises becomes one of our errors: a log stops no round."""
    import requests

    try:
        yield
    except LabelcycleError:
        raise
    except (requests.RequestException, OSError) as error:
        raise ServiceDown(
            f"MLflow at {without_login(uri)} broke off: {_line(error)};"
            " the next `labelcycle run` tries again"
        ) from error
    except Exception as error:
        kind = type(error).__name__
        summary_line = (
            _line(error) if kind.endswith("MlflowException") else f"{kind}: {_line(error)}"
        )
        if "MLFLOW_ALLOW_FILE_STORE" in str(error):
            summary_line = (
                "it no longer keeps runs in a folder; set MLFLOW_TRACKING_URI to a database, such"
                " as sqlite:////home/me/mlflow.db, or MLFLOW_ALLOW_FILE_STORE=true beside it"
            )
        raise ServiceRefused(
            f"MLflow at {without_login(uri)} refused: {summary_line}{_versions(uri)}"
        ) from error


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}…"


def _versions(uri: str) -> str:
    """What to do if the server is of another version than the client, else nothing."""
    import mlflow

    if not served(uri):
        return ""
    try:
        with http.Client(BOUNDS) as client:
            server = client.get(f"{uri.rstrip('/')}/version").raise_for_status().text.strip()
    except httpx.HTTPError:
        return ""
    if server == mlflow.__version__:
        return ""
    return f" (the server is of version {server[:20]}, wanted {mlflow.__version__} or newer)"


def settings() -> str:
    """The address of the tracking server. Raises ServiceDown if none is set."""
    uri = os.environ.get(VARIABLE)
    if not uri:
        raise ServiceDown(
            f"{VARIABLE} is not set; wanted the address of MLflow; run `labelcycle up` or set it"
        )
    return uri


def connected(uri: str) -> Any:
    """MLflow's client for a place that answers. Raises ServiceDown or ServiceRefused."""
    check_answers(uri)
    for name, value in CLIENT.items():
        os.environ.setdefault(name, value)
    with translated(uri):
        import mlflow

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        logging.getLogger("alembic").setLevel(logging.ERROR)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        return mlflow.MlflowClient(uri)


def in_time(seconds: float) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Ends a function that talks to MLflow; what it is late with is logged by the next run."""

    def ending(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapped(*words: P.args, **more: P.kwargs) -> R:
            try:
                return time_limit.in_time(partial(function, *words, **more), seconds)
            except TimeoutError as error:
                raise ServiceDown(
                    f"MLflow is too slow ({error}); see to its server or to {VARIABLE}; the next"
                    " `labelcycle run` logs what is missing"
                ) from error

        return wrapped

    return ending
