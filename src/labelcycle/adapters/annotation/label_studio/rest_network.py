"""The connection to Label Studio: every answer ends, and reads alone are repeated."""

import time
from collections.abc import Sequence
from typing import Any

import httpx

from labelcycle.adapters import http
from labelcycle.adapters.http import AGAIN, asked_s

SILENCE_S = 120.0
"""The longest wait for the next byte."""

WHOLE_S = 180.0
"""The longest wait for a whole answer."""

MAX_BYTES = 2**28
"""A longer answer is not read; an export of some hundred tasks has a few megabytes."""

READ_PAUSES_S = (0.5, 3.0)
"""Before a read is repeated; a write never is, for the server may have done it."""

LONGEST_WAIT_S = 60.0
"""Of a Retry-After, what is waited at most."""


class Network(http.Client):
    """A client for the SDK, whose answers are whole when they are handed over.

    After `Retry-After` it waits as long as asked, in all threads, then repeats a read; a write is
    left to whoever made it. Raises http.TooSlow, a httpx.ReadTimeout, if an answer is not whole
    after `whole_s` seconds.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport | None = None,
        whole_s: float = WHOLE_S,
        pauses_s: Sequence[float] = READ_PAUSES_S,
    ) -> None:
        super().__init__(http.Bounds(SILENCE_S, whole_s, MAX_BYTES), transport=transport)
        self._pauses_s = tuple(pauses_s)
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
        response = super().send(request, **how)
        if response.status_code in AGAIN:
            wait_s = min(asked_s(response.headers), LONGEST_WAIT_S)
            self._not_before = max(self._not_before, time.monotonic() + wait_s)
            self._wait()
        return response

    def _wait(self) -> None:
        """Until the time that the server has asked for, in this thread or in another."""
        time.sleep(max(0.0, self._not_before - time.monotonic()))
