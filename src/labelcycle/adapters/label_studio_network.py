"""The connection to Label Studio: every answer ends in time, and reads alone are repeated.

httpx bounds the silence between two bytes, not an answer: one byte a minute would go on for ever.
"""

import email.utils
import functools
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

SILENCE_S = 120.0
"""The longest wait for the next byte."""

WHOLE_S = 180.0
"""The longest wait for a whole answer."""

READ_PAUSES_S = (0.5, 3.0)
"""Before a read is repeated; a write never is, for the server may have done it."""

LONGEST_WAIT_S = 60.0
"""Of a Retry-After, what is waited at most."""

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which a read is repeated."""


class Network(httpx.Client):
    """A client whose answers are whole when they are handed over.

    After `Retry-After` it waits as long as asked, in all threads, then repeats a read; a write is
    left to whoever made it. Raises httpx.ReadTimeout if an answer is not whole after `whole_s`
    seconds.
    """

    def __init__(
        self,
        url: str,
        transport: httpx.BaseTransport | None = None,
        whole_s: float = WHOLE_S,
        pauses_s: Sequence[float] = READ_PAUSES_S,
    ) -> None:
        local = any(url.startswith(f"http://{name}") for name in ("127.0.0.1", "localhost"))
        super().__init__(
            timeout=SILENCE_S,
            follow_redirects=True,
            transport=transport,
            trust_env=not local,
            verify=_certificates(),
        )
        self._whole_s, self._pauses_s = whole_s, tuple(pauses_s)
        self._not_before = 0.0

    def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """The whole answer to a request."""
        if request.method == "GET":
            for pause_s in self._pauses_s:
                try:
                    response = self._whole(request, how)
                except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError):
                    pass
                else:
                    if response.status_code not in AGAIN:
                        return response
                time.sleep(pause_s)
        return self._whole(request, how)

    def _whole(self, request: httpx.Request, how: dict[str, Any]) -> httpx.Response:
        self._wait()
        ends = time.monotonic() + self._whole_s
        response = super().send(request, **{**how, "stream": True})
        assert isinstance(response.stream, httpx.SyncByteStream)
        response.stream = _Ending(response.stream, ends, self._whole_s)
        try:
            response.read()
        finally:
            response.close()
        if response.status_code in AGAIN:
            asked = min(asked_s(response.headers), LONGEST_WAIT_S)
            self._not_before = max(self._not_before, time.monotonic() + asked)
            self._wait()
        return response

    def _wait(self) -> None:
        """Until the time that the server has asked for, in this thread or in another."""
        time.sleep(max(0.0, self._not_before - time.monotonic()))


class _Ending(httpx.SyncByteStream):
    """A body that breaks off with ReadTimeout when its time is up."""

    def __init__(self, body: httpx.SyncByteStream, ends: float, whole_s: float) -> None:
        self._body, self._ends, self._whole_s = body, ends, whole_s

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._body:
            if time.monotonic() > self._ends:
                raise httpx.ReadTimeout(f"the answer was not whole after {self._whole_s:g} s")
            yield piece

    def close(self) -> None:
        self._body.close()


def asked_s(headers: httpx.Headers) -> float:
    """The seconds that `Retry-After` asks to wait, 0 without it or if it cannot be read."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


@functools.cache
def _certificates() -> ssl.SSLContext:
    """The known certificates: reading them is the slowest part of a connection."""
    return httpx.create_ssl_context()
