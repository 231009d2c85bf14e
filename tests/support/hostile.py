"""Servers on free ports that mean harm: each answers every connection in one bad way."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Answer = Callable[[socket.socket], None]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@dataclass
class Hostile:
    """What a server has heard: the bytes of each request."""

    url: str
    heard: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@contextmanager
def answering(answer: Answer) -> Iterator[Hostile]:
    """A server that hears a request and then does `answer`, in a thread for each connection."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        hostile = Hostile(f"http://127.0.0.1:{listening.getsockname()[1]}")

        def serve(connection: socket.socket) -> None:
            connection.settimeout(0.2)
            with connection:
                try:
                    heard = b""
                    while b"\r\n\r\n" not in heard:
                        if not (piece := connection.recv(65536)):
                            return
                        heard += piece
                    head, _, body = heard.partition(b"\r\n\r\n")
                    length = [x for x in head.lower().split(b"\r\n") if x.startswith(b"content-le")]
                    while length and len(body) < int(length[0].partition(b":")[2]):
                        body += connection.recv(65536)
                    hostile.heard.append(head + b"\r\n\r\n" + body)
                    while not stop.is_set():
                        answer(connection)
                except (OSError, _Said):
                    return

        def accept() -> None:
            while not stop.is_set():
                try:
                    connection, _ = listening.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield hostile
        finally:
            stop.set()
            thread.join()


class _Said(Exception):
    """The answer is over."""


def says(text: bytes) -> Answer:
    """An answer, whole."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(text)
        raise _Said

    return answer


def redirect(status: int, there: str) -> Answer:
    """A redirect to another address."""
    line = f"HTTP/1.1 {status} Go\r\nLocation: {there}\r\nContent-Length: 0\r\n"
    return says(f"{line}Connection: close\r\n\r\n".encode())


def dripping(text: bytes, pace_s: float = 0.05) -> Answer:
    """A text a byte at a time, its last byte over and over, for ever."""
    at: dict[int, int] = {}

    def answer(connection: socket.socket) -> None:
        place = at.get(connection.fileno(), 0)
        connection.sendall(text[place : place + 1] or text[-1:])
        at[connection.fileno()] = place + 1
        time.sleep(pace_s)

    return answer


def endless(text: bytes) -> Answer:
    """A head, then one text over and over."""
    begun: set[int] = set()

    def answer(connection: socket.socket) -> None:
        if id(connection) not in begun:
            begun.add(id(connection))
            connection.sendall(HEAD + b"Connection: close\r\n\r\n")
        connection.sendall(text)

    return answer


def bomb(megabytes: int, *more: bytes) -> Answer:
    """A small packed body of so many megabytes."""
    body = gzip.compress(bytes(megabytes << 20), 1)
    lines = (HEAD + b"Content-Encoding: gzip", *more, b"Content-Length: %d" % len(body), b"", body)
    return says(b"\r\n".join(lines))


KINDS: dict[str, Answer] = {
    "a packed body of 64 MB": bomb(64),
    "a body without an end": endless(b"[" * 65536),
    "a body that drips": dripping(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"["),
    "a head that drips": dripping(b"HTTP/1.1 200 OK\r\nX-A: " + b"a"),
}
