"""Servers that never end, that give too much, or that send us on to where we should not go."""

import contextlib
import socket
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from unittest import mock

import boto3  # noqa: F401  so that the time and memory for it are not measured
from hostile import KINDS, answering, redirect, says
from label_studio_sdk import LabelStudio  # noqa: F401  likewise

from attacks import Try, attack
from labelcycle.adapters import s3, time_limit, web_images
from labelcycle.adapters.annotation.label_studio import rest_network
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import health
from labelcycle.adapters.mlflow import patient_client
from labelcycle.adapters.mlflow.tracker import MlflowTracker
from labelcycle.errors import LabelcycleError
from labelcycle.ingest.paths import find
from labelcycle.notify import sending

IN_TIME_S = 0.4
PATIENCE_S = 4.0
MOST = 2**22
"""Bytes of an answer that our clients are told to read."""
TOKEN = "0123456789abcdef-secret"

Ask = Callable[[str], object]


def _label_studio(url: str) -> object:
    return LabelStudioApi(url, TOKEN).project(1)


def _website(url: str) -> object:
    with closing(web_images.Web(MOST, IN_TIME_S, ())) as pages:
        return pages.read(f"{url}/a.png")


def _health(url: str) -> object:
    return health.ask(f"{url}/api/invite", {"Authorization": f"Token {TOKEN}"})


def _bucket(url: str) -> object:
    aws = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": TOKEN}
    with mock.patch.dict("os.environ", aws | {"AWS_DEFAULT_REGION": "us-east-1"}):
        return s3.read("s3://bucket/a.png")


def _mlflow(url: str) -> object:
    return patient_client.check_answers(url)


CLIENTS: dict[str, Ask] = {
    "Label Studio": _label_studio,
    "a website": _website,
    "a question of doctor": _health,
    "a bucket": _bucket,
    "MLflow": _mlflow,
}


@contextlib.contextmanager
def _small() -> Iterator[None]:
    """Our clients with bounds that a test can wait for."""
    with ExitStack() as stack:
        for where, name, value in (
            (rest_network, "MAX_BYTES", MOST),
            (rest_network.Network.__init__, "__defaults__", (None, IN_TIME_S, ())),
            (health, "MAX_BYTES", MOST),
            (health, "PATIENCE_S", IN_TIME_S),
            (s3, "BOUNDS", s3.http.Bounds(IN_TIME_S, IN_TIME_S, MOST)),
            (patient_client, "BOUNDS", s3.http.Bounds(IN_TIME_S, IN_TIME_S, MOST)),
            (s3, "TRIES", 1),
        ):
            stack.enter_context(mock.patch.object(where, name, value))
        s3._made.cache_clear()
        stack.callback(s3._made.cache_clear)
        yield


@attack("answers that never end or fill the memory", slow=True)
def no_end(_: Path) -> Iterator[Try]:
    for kind, answer in KINDS.items():
        for client, ask in CLIENTS.items():
            with answering(answer) as server, _small():
                tracemalloc.start()
                began = time.monotonic()
                with contextlib.suppress(LabelcycleError):
                    ask(server.url)
                took_s, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
                tracemalloc.stop()
            yield Try(f"{kind} holds {client}", took_s > PATIENCE_S or peak > 8 * MOST)


@attack("slow servers that hold what a library asks", slow=True)
def held(_: Path) -> Iterator[Try]:
    """MLflow's client and apprise speak HTTP by themselves, and bound no whole answer."""
    import mlflow

    def told(url: str) -> object:
        return sending.send(sending.Recipient(1, url.replace("http://", "json://")), "a", "b")

    def logged(url: str) -> object:
        tracker = MlflowTracker.__new__(MlflowTracker)  # connected while it was well
        tracker._uri, tracker._client = url, mlflow.MlflowClient(url)
        return tracker.logged("0123456789ab", "birds")

    real = time_limit.in_time
    asks: dict[str, Ask] = {"a notice": told, "MLflow's log": logged}
    for kind in ("a body that drips", "a head that drips"):
        for what, ask in asks.items():
            with (
                answering(KINDS[kind]) as server,
                mock.patch.object(time_limit, "in_time", lambda asked, _: real(asked, IN_TIME_S)),
                warnings.catch_warnings(action="ignore"),
            ):
                began = time.monotonic()
                with contextlib.suppress(LabelcycleError):
                    ask(server.url)
                yield Try(f"{kind} holds {what}", time.monotonic() - began > PATIENCE_S)


@attack("redirects that carry secrets to another server", slow=True)
def carried_on(_: Path) -> Iterator[Try]:
    def made(url: str) -> object:
        return LabelStudioApi(url, TOKEN).create_user("a@example.org", "her-password")

    def told(url: str) -> None:
        address = url.replace("http://", "json://me:her-password@")
        with warnings.catch_warnings(action="ignore"):  # of apprise's imports
            sending.send(sending.Recipient(1, address), "title", "body of a notice")

    asks: dict[str, Ask] = {**CLIENTS, "an account with its password": made, "a notice": told}
    del asks["a website"]  # it is sent no secret, and may lead to another server
    for status in (301, 302, 303, 307, 308):
        for what, ask in asks.items():
            with (
                answering(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")) as other,
                answering(redirect(status, f"{other.url}/there")) as server,
                _small(),
                contextlib.suppress(LabelcycleError),
            ):
                ask(server.url)
            yield Try(f"{what} is carried on by a {status}", bool(other.heard))


@attack("a website that has a private network asked")
def asked_within(_: Path) -> Iterator[Try]:
    real = socket.getaddrinfo

    def names(host: str, *rest: object, **more: object) -> object:
        known = {"evil.example": "127.0.0.1", "cloud.example": "169.254.169.254"}
        return real(known.get(host, host), *rest, **more)  # type: ignore[call-overload]

    image = says(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nPNG")
    with (
        mock.patch.object(socket, "getaddrinfo", names),
        answering(image) as within,
        closing(web_images.Web(MOST, IN_TIME_S, ())) as pages,
    ):
        for host in ("127.0.0.1", "localhost", "127.0.0.2", "[::ffff:127.0.0.1]", "evil.example"):
            before = len(within.heard)
            with (
                answering(redirect(302, f"http://{host}:{within.port}/a.png")) as site,
                contextlib.suppress(LabelcycleError),
            ):
                pages.read(f"{site.url}/a.png")
            yield Try(f"a redirect to {host}", len(within.heard) > before)
        before = len(within.heard)
        with contextlib.suppress(LabelcycleError):
            pages.read(f"http://evil.example:{within.port}/a.png")
        yield Try("a name that is this computer", len(within.heard) > before)


@attack("a stranger's folder that links to private files")
def linked(folder: Path) -> Iterator[Try]:
    private, given = folder / "private", folder / "given"
    for each in (private / "deep", given / "sub"):
        each.mkdir(parents=True)
    (private / "passport.png").write_bytes(b"x")
    (private / "deep" / "visa.png").write_bytes(b"x")
    (given / "own.png").write_bytes(b"x")
    (given / "all").symlink_to(private)
    (given / "one.png").symlink_to(private / "passport.png")
    (given / "sub" / "far").symlink_to("../../private/deep")
    with warnings.catch_warnings(action="ignore"):
        files = find([str(given)], folder)
    found = {path.resolve().name for path in files if isinstance(path, Path)}
    for name in ("passport.png", "visa.png"):
        yield Try(f"{name} is ingested", name in found)
