"""The receiver over real HTTP on loopback, by well-meaning and other senders."""

import http.client
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from labelcycle.adapters import webhook_receiver
from labelcycle.errors import ToolFailed
from labelcycle_flows.debounce import Debounce, Waker

SECRET = "a long secret"


class Heard:
    def __init__(self) -> None:
        self.knocks = 0
        self.port = 0

    def knock(self) -> None:
        self.knocks += 1

    def send(
        self, *secrets: str | bytes, method: str = "POST", path: str = "/", body: bytes = b"{}"
    ) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path)
            for secret in secrets:
                connection.putheader(webhook_receiver.HEADER, secret)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Heard]:
    found = Heard()
    with webhook_receiver.listening(found.knock, SECRET, "127.0.0.1", 0) as found.port:
        yield found


@pytest.fixture
def heard(listener: Heard) -> Heard:
    listener.knocks = 0
    return listener


def test_the_secret_is_a_knock(heard: Heard) -> None:
    assert heard.send(SECRET) == 204
    assert heard.send(SECRET, path="/behind/a/proxy?x=1") == 204
    assert heard.knocks == 2


@pytest.mark.parametrize(
    "secrets",
    [
        (),
        ("",),
        ("a long secreT",),
        (SECRET + "x",),
        (SECRET, SECRET),
        (b"\xff\xfe",),
        ("x" * 9999,),
    ],
)
def test_a_forged_request_is_refused(heard: Heard, secrets: tuple[str | bytes, ...]) -> None:
    assert heard.send(*secrets) == 403
    assert heard.send(*secrets, method="GET") == 403
    assert heard.knocks == 0


def test_a_look_with_a_browser_is_no_knock(heard: Heard) -> None:
    assert heard.send(SECRET, method="GET") == 405
    assert heard.knocks == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\x00\xff" * 50, b'{"action": "ANNOTATION_GONE"}'])
def test_what_it_says_does_not_matter(heard: Heard, body: bytes) -> None:
    assert heard.send(SECRET, body=body) == 204
    assert heard.knocks == 1


def talk(port: int, *parts: bytes) -> bytes:
    """What comes back before the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        answer = b""
        try:
            for part in parts:
                connection.sendall(part)
            while more := connection.recv(4096):
                answer += more
        except (BrokenPipeError, ConnectionResetError):
            pass
        return answer


def test_a_huge_body_is_not_waited_for(heard: Heard) -> None:
    head = f"POST / HTTP/1.1\r\nHost: x\r\n{webhook_receiver.HEADER}: {SECRET}\r\n"
    answer = talk(heard.port, f"{head}Content-Length: {10**12}\r\n\r\n".encode(), b"x" * 10)
    assert answer.startswith(b"HTTP/1.1 204")
    talk(heard.port, f"{head}Content-Length: {10**12}\r\n\r\n".encode(), *[b"x" * 10**6] * 30)
    chunked = f"{head}Transfer-Encoding: chunked\r\n\r\n5\r\nxxxxx\r\n"
    assert talk(heard.port, chunked.encode()).startswith(b"HTTP/1.1 204")
    assert heard.send(SECRET) == 204
    assert heard.knocks == 4


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x00\xa5\x01\x00", b"KNOCK\r\n\r\n", b"\r\n" * 99])
def test_noise_is_no_knock(heard: Heard, noise: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    talk(heard.port, noise, b"\r\n\r\n")
    talk(heard.port, b"POST / HTTP/1.1\r\n", *[b"X-A: " + b"y" * 10**5] * 3)  # headers without end
    assert heard.send(SECRET) == 204
    assert heard.knocks == 1
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_storm_is_a_few_calls_and_one_after_its_end() -> None:
    sent = Heard()
    seen: list[int] = []
    whole = threading.Event()

    def act() -> None:
        seen.append(sent.knocks)
        if sent.knocks == 1000:
            whole.set()

    def knock() -> None:
        sent.knock()
        waker.knock()

    request = f"POST / HTTP/1.1\r\nHost: x\r\n{webhook_receiver.HEADER}: %s\r\n\r\n"
    requests = [request % SECRET, request % "guess", *[request % SECRET] * 9] * 100
    with (
        Waker(act, Debounce(0.2, 0.4)) as waker,
        webhook_receiver.listening(knock, SECRET, "127.0.0.1", 0) as port,
        ThreadPoolExecutor(4) as pool,
    ):
        answers = pool.map(lambda text: talk(port, text.encode())[9:12], requests)
        assert Counter(answers) == {b"204": 1000, b"403": 100}
        assert whole.wait(20)
    assert sent.knocks == 1000
    assert len(seen) <= 100


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wanted = rf"cannot listen for webhooks on 127\.0\.0\.1 port {port}: .*; end what listens"
        with (
            pytest.raises(ToolFailed, match=wanted),
            webhook_receiver.listening(lambda: None, SECRET, "127.0.0.1", port),
        ):
            pass
