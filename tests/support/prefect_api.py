"""Requests to Prefect as its own client sends them: again while the database is busy."""

import time
from collections.abc import Callable
from typing import Any

import httpx

BUSY = 503
"""What Prefect's server answers while another request holds SQLite's lock."""

TRIES = 20


class AsksAgain(httpx.BaseTransport):
    """Sends a request again, up to 20 times, while the answer is 503.

    Prefect's client does the same. Without it a busy machine looks like a server that refuses.
    """

    def __init__(
        self, inner: httpx.BaseTransport, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._inner = inner
        self._sleep = sleep

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(TRIES - 1):
            answer = self._inner.handle_request(request)
            if answer.status_code != BUSY:
                return answer
            answer.close()
            self._sleep(0.5)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def prefect_client(api: str, **settings: Any) -> httpx.Client:
    """A client of the API at this address; `settings` go to `httpx.Client`."""
    return httpx.Client(
        base_url=api, timeout=60, transport=AsksAgain(httpx.HTTPTransport()), **settings
    )
