"""The connection to Label Studio: how long it waits, and what it asks again."""

import email.utils
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from faults.double import TOKEN, Double
from faults.loopback import served
from faults.transport import Clock

from labelcycle.adapters import http
from labelcycle.adapters.annotation.label_studio import rest_network
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.annotation.label_studio.rest_network import Network, asked_s
from labelcycle.errors import ServiceDown

URL = "http://127.0.0.1:1"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (rest_network, http):
        monkeypatch.setattr(module, "time", clock)
    return clock


class Answers(httpx.MockTransport):
    """Answers one after the other; the last one for good."""

    def __init__(self, *answers: Callable[[], httpx.Response]) -> None:
        super().__init__(self._next)
        self.answers, self.seen = list(answers), 0

    def _next(self, request: httpx.Request) -> httpx.Response:
        self.seen += 1
        return self.answers[min(self.seen, len(self.answers)) - 1]()


def says(status: int, **headers: str) -> Callable[[], httpx.Response]:
    return lambda: httpx.Response(status, headers=headers, text="x")


def breaks() -> httpx.Response:
    raise httpx.ConnectError("refused")


@pytest.mark.parametrize(
    ("answers", "method", "asked", "status"),
    [
        ((says(200),), "GET", 1, 200),
        ((says(502), says(200)), "GET", 2, 200),
        ((breaks, says(200)), "GET", 2, 200),
        ((says(502),), "GET", 3, 502),
        ((says(500),), "GET", 1, 500),
        ((says(502), says(200)), "POST", 1, 502),
        ((says(429), says(200)), "DELETE", 1, 429),
        ((says(503), says(200)), "PATCH", 1, 503),
    ],
)
def test_reads_alone_are_repeated(
    clock: Clock,
    answers: tuple[Callable[[], httpx.Response], ...],
    method: str,
    asked: int,
    status: int,
) -> None:
    server = Answers(*answers)
    with Network(server) as network:
        assert network.request(method, URL).status_code == status
    assert server.seen == asked


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 429)])
def test_retry_after_is_honoured(clock: Clock, method: str, status: int) -> None:
    with Network(Answers(says(429, **{"Retry-After": "7"}), says(200))) as network:
        assert network.request(method, URL).status_code == status
        waited = clock.now
        assert 7 <= waited < 8
        assert network.request(method, URL).status_code == 200
        assert clock.now == waited


def test_retry_after_holds_for_what_another_thread_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    came: list[float] = []

    class Meanwhile(Clock):
        def sleep(self, seconds: float) -> None:
            if seconds and not others:
                others.append(threading.Thread(target=network.request, args=("PATCH", URL)))
                others[0].start()
                others[0].join()
            super().sleep(seconds)

    def answer(_: httpx.Request) -> httpx.Response:
        came.append(clock.now)
        return httpx.Response(429 if len(came) == 1 else 200, headers={"Retry-After": "7"})

    clock, others = Meanwhile(), list[threading.Thread]()
    monkeypatch.setattr(rest_network, "time", clock)
    with Network(httpx.MockTransport(answer)) as network:
        assert network.request("PATCH", URL).status_code == 429
    assert came == [0, 7]


def test_retry_after_is_bounded(clock: Clock) -> None:
    with Network(Answers(says(429, **{"Retry-After": "86400"}))) as network:
        assert network.post(URL).status_code == 429
        assert clock.now == rest_network.LONGEST_WAIT_S
        network.get(URL)
        assert clock.now < 300


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7), (" 7 ", 7), ("soon", 0), ("-3", 0), ("", 0), ("1.5", 0)]
)
def test_what_retry_after_says(text: str, seconds: float) -> None:
    assert asked_s(httpx.Headers({"Retry-After": text})) == seconds


def test_retry_after_as_a_date() -> None:
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    assert 90 < asked_s(httpx.Headers({"Retry-After": date})) <= 100
    assert asked_s(httpx.Headers({"Retry-After": email.utils.formatdate(0, usegmt=True)})) == 0


def test_an_endless_trickle_ends(clock: Clock) -> None:
    def trickle() -> Iterator[bytes]:
        while True:
            clock.sleep(10)
            yield b" "

    server = Answers(lambda: httpx.Response(200, content=trickle()))
    with pytest.raises(ServiceDown, match=r"the answer was not whole after 180 s\); run `labelc"):
        LabelStudioApi(URL, TOKEN, transport=server).project(7)
    assert clock.now == 190
    assert server.seen == 1


def test_a_trickle_from_a_socket_ends() -> None:
    """The same with real bytes: the server sends one byte after the other."""

    class Trickle(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, content=b" " * 100)

    with served(Trickle(), pace_s=0.02) as url, Network(whole_s=0.12) as network:
        with pytest.raises(httpx.ReadTimeout, match=r"not whole after 0.12 s"):
            network.get(url)
        with (
            pytest.raises(httpx.ReadTimeout, match=r"not whole after 0.12 s"),
            network.stream("GET", url),
        ):
            pass


def test_a_body_is_handed_over_whole() -> None:
    with served(Double()) as url, Network() as network:
        with network.stream("GET", f"{url}/api/users") as response:
            assert b"".join(response.iter_bytes()) == b'{"detail":"Invalid token."}'
        assert network.get(f"{url}/api/users").json() == {"detail": "Invalid token."}
