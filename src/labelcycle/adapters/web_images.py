"""Images at web addresses: each read whole or not at all, within bounds of size and time."""

import re
import threading
import time
from collections.abc import Sequence

import httpx

from labelcycle.adapters import http
from labelcycle.errors import DataError

MAX_BYTES = 2**27
"""A longer body is not read: it is held in memory, several at a time."""

SILENCE_S = 20.0
"""The longest wait for a connection, and for the next byte."""

WHOLE_S = 120.0
"""The longest wait for a whole image."""

PAUSES_S = (0.5, 3.0)
"""Before a read is repeated."""

LONGEST_WAIT_S = 30.0
"""Of a Retry-After, what is waited at most."""

_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")
"""A % that quotes nothing: part of a name."""


class _Again(Exception):
    """A read failed in a way that may pass; `wait_s`: how long the server asks to wait."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def normal(text: str) -> str:
    """A web address as a request and a browser take it: spaces, letters and so on quoted.

    A `#` begins what no server is sent, and is left out with it; in a name it is written `%23`.
    Raises DataError without a host, and with a password, which every list of samples would show.
    """
    try:
        url = httpx.URL(_STRAY.sub("%25", text))
    except httpx.InvalidURL as error:
        raise DataError(f"no images: {text!r} is no web address: {error}") from error
    if not url.host or url.userinfo:
        what = "a user and password" if url.userinfo else "no host"
        raise DataError(f"no images: wanted a web address, got one with {what}: {url!r}")
    return str(url.copy_with(fragment=None))


class Web:
    """Reads web addresses, from any number of threads.

    A redirect is followed to public addresses and to the host that the address names, but never
    from https to http, nor to this computer or a private network that the address does not name.

    max_bytes, whole_s, pauses_s : see the constants; others for tests
    """

    def __init__(
        self,
        max_bytes: int = MAX_BYTES,
        whole_s: float = WHOLE_S,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._max_bytes, self._whole_s, self._pauses_s = max_bytes, whole_s, tuple(pauses_s)
        self._client: httpx.Client | None = None
        self._making = threading.Lock()

    def close(self) -> None:
        """Close what connections there are."""
        if self._client is not None:
            self._client.close()

    def read(self, address: str) -> bytes:
        """The image's bytes. Raises DataError with a short reason, after some tries."""
        for pause_s in self._pauses_s:
            try:
                return self._once(address)
            except _Again as again:
                time.sleep(max(pause_s, min(again.wait_s, LONGEST_WAIT_S)))
        try:
            return self._once(address)
        except _Again as again:
            tries = len(self._pauses_s) + 1
            raise DataError(f"cannot be fetched: {again} ({tries} tries)") from again

    def _once(self, address: str) -> bytes:
        try:
            response = self._connected().get(address)
        except http.TooLarge as error:
            raise DataError(f"{error}; ingest a smaller copy") from error
        except http.TooSlow as error:
            raise DataError(f"too slow: {error}; fetch it yourself and ingest the file") from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _Again(str(error) or type(error).__name__) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise DataError(f"cannot be fetched: {error}") from error
        _check(response)
        data = response.content
        if "html" in response.headers.get("content-type", "") and data.lstrip()[:1] == b"<":
            raise DataError("a web page, no image: the address may want a login")
        return data

    def _connected(self) -> httpx.Client:
        with self._making:  # the certificates are read once, and only if anything is fetched
            if self._client is None:
                bounds = http.Bounds(SILENCE_S, self._whole_s, self._max_bytes)
                self._client = http.Client(bounds, anywhere=True)
            return self._client


def _check(response: httpx.Response) -> None:
    """Raise unless the server answers with a body."""
    status = response.status_code
    if status in http.AGAIN or status == 500:
        raise _Again(f"the server answered {status}", http.asked_s(response.headers))
    if status != 200:
        raise DataError(f"cannot be fetched: the server answered {status}")
