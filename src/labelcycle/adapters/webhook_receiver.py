"""Hears Label Studio's webhooks: a request that knows the secret is one knock, and no more.

A request's body is never read for what it says. So a repeated, late, malformed or huge one is
worth a knock, a forged one nothing, and what is true is asked of Label Studio by whoever is woken.

One thread serves a bounded number of connections, each for a bounded time. When there are too
many the oldest goes: a caller in earnest sends its request at once, so it is not the oldest.
"""

import contextlib
import hmac
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h11

from labelcycle.errors import ToolFailed

HEADER = "X-Labelcycle-Secret"
"""Label Studio signs nothing, but sends headers that it is told to send."""

CONNECTIONS = 64
"""Open at a time. Served flows need descriptors too: 256 or 1,024 are usual for a program."""

PATIENCE_S = 5.0
"""For a whole request, from the moment it connects; Label Studio itself waits for a second."""

LINGER_S = 0.5
"""What still comes in is thrown away so long, else the answer may be lost on its way."""

HEAD = 16 * 1024
"""Bytes of a request's head."""

BACKLOG = 512
"""Connections that the system keeps for us in a storm."""


@dataclass
class _Caller:
    """A connection; `ends` by the monotonic clock."""

    socket: socket.socket
    ends: float
    answered: bool = False
    parser: h11.Connection = field(
        default_factory=lambda: h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD)
    )


@contextlib.contextmanager
def listening(knock: Callable[[], None], secret: str, host: str, port: int) -> Iterator[int]:
    """Hear requests in a thread of its own for the length of a block; the port.

    knock : must return at once, for Label Studio lets the annotator wait for our answer
    host : an address by number; empty for all networks
    port : 0 takes a free one

    Raises ToolFailed if the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        place = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ToolFailed(
            f"cannot listen for webhooks on {host or 'all networks'} port {port}:"
            f" {error.strerror or error}; end what listens there, or say with --listen where"
        ) from error
    ours, theirs = socket.socketpair()
    with place, ours, theirs:
        serving = _Receiver(knock, secret, place, theirs)
        thread = threading.Thread(target=serving.run, name="receiver", daemon=True)
        thread.start()
        try:
            yield int(place.getsockname()[1])
        finally:
            ours.send(b"x")
            thread.join()


class _Receiver:
    """The thread's work, until something comes from `over`."""

    def __init__(
        self, knock: Callable[[], None], secret: str, place: socket.socket, over: socket.socket
    ) -> None:
        self._knock, self._secret = knock, secret.encode()
        self._place, self._over = place, over
        self._callers: dict[socket.socket, _Caller] = {}  # the oldest first
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve."""
        self._place.setblocking(False)
        with self._selector:
            for watched in (self._over, self._place):
                self._selector.register(watched, selectors.EVENT_READ)
            while True:
                ready = [key.fileobj for key, _ in self._selector.select(self._pause())]
                if self._over in ready:
                    break
                for event in ready:
                    if event is self._place:
                        self._accept()
                    elif caller := self._callers.get(event):  # type: ignore[call-overload]
                        self._hear(caller)
                self._drop_late()
            for caller in list(self._callers.values()):
                self._drop(caller)

    def _pause(self) -> float | None:
        ends = [caller.ends for caller in self._callers.values()]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _accept(self) -> None:
        if len(self._callers) >= CONNECTIONS:
            self._drop(next(iter(self._callers.values())))
        try:
            connection, _ = self._place.accept()
        except OSError:  # it went away, or the program has no descriptor left
            time.sleep(0.05)
            return
        connection.setblocking(False)
        self._callers[connection] = _Caller(connection, time.monotonic() + PATIENCE_S)
        self._selector.register(connection, selectors.EVENT_READ)

    def _drop(self, caller: _Caller) -> None:
        self._selector.unregister(caller.socket)
        del self._callers[caller.socket]
        caller.socket.close()

    def _drop_late(self) -> None:
        now = time.monotonic()
        for caller in [c for c in self._callers.values() if c.ends <= now]:
            self._drop(caller)

    def _hear(self, caller: _Caller) -> None:
        """Take what came in; answer once the head is whole."""
        try:
            data = caller.socket.recv(HEAD)
            if not data:
                self._drop(caller)
            elif not caller.answered and (status := self._status(caller, data)):
                self._answer(caller, status)
        except BlockingIOError:
            return
        except OSError:
            self._drop(caller)

    def _status(self, caller: _Caller, data: bytes) -> int | None:
        """The answer to what came in so far; None if the head is not whole yet."""
        try:
            caller.parser.receive_data(data)
            request = caller.parser.next_event()
        except h11.RemoteProtocolError as error:
            return int(error.error_status_hint)
        if not isinstance(request, h11.Request):
            return None
        secrets = [value for name, value in request.headers if name == HEADER.lower().encode()]
        if len(secrets) != 1 or not hmac.compare_digest(secrets[0], self._secret):
            return 403
        if request.method != b"POST":
            return 405
        self._knock()
        return 204

    @staticmethod
    def _answer(caller: _Caller, status: int) -> None:
        """Say it and listen no more: a body that never ends must not hold a connection."""
        caller.socket.send(f"HTTP/1.1 {status} \r\nConnection: close\r\n\r\n".encode())
        caller.socket.shutdown(socket.SHUT_WR)
        caller.answered = True
        caller.ends = min(caller.ends, time.monotonic() + LINGER_S)
