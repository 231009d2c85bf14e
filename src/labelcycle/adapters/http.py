"""Questions over HTTP: every answer ends, in time and in bytes, and no redirect leads astray."""

import email.utils
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from labelcycle.adapters.sockets import (
    ALLOWED,
    ENDS,
    Connections,
    Elsewhere,
    is_name,
    not_hidden,
    public,
    setting,
)

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which a read may be repeated."""

REDIRECTS = 5

PACKED = ("gzip", "x-gzip", "deflate")
"""Encodings of a body that are understood."""

PIECE = 2**16
"""Bytes unpacked at a time."""


__all__ = [
    "AGAIN",
    "Bounds",
    "Client",
    "Elsewhere",
    "TooLarge",
    "TooSlow",
    "asked_s",
    "without_secrets",
]


@dataclass(frozen=True)
class Bounds:
    """What one answer may take.

    silence_s : the longest wait for a connection, and for the next byte
    whole_s : the longest wait for the whole answer, redirects included
    bytes : of its body, once unpacked; 0: the head alone is read
    """

    silence_s: float
    whole_s: float
    bytes: int


class TooSlow(httpx.ReadTimeout):
    """The answer was not whole in time."""


class TooLarge(httpx.RequestError):
    """The answer has more bytes than are read."""


class Client(httpx.Client):
    """A client whose answers are whole, unpacked and bounded when they are handed over.

    bounds : of each answer
    anywhere : a redirect may lead to another server, if that is a public one; else only to
        another page of the same server
    transport : replaces the network, for tests
    authorities : file of the certificates to trust; by default those known

    A redirect is followed for GET and HEAD alone, so no body goes where it was not sent to, and
    never from https to http. Proxies are those of the environment, none for this computer.

    Raises TooSlow, TooLarge or Elsewhere beside what httpx raises.
    """

    def __init__(
        self,
        bounds: Bounds,
        *,
        anywhere: bool = False,
        transport: httpx.BaseTransport | None = None,
        authorities: str | None = None,
    ) -> None:
        super().__init__(
            timeout=bounds.silence_s,
            transport=_Bounded(transport or Connections(authorities), bounds),
            trust_env=False,
            headers={"Accept-Encoding": "gzip, deflate"},
        )
        self._bounds, self._anywhere = bounds, anywhere

    def send(self, request: httpx.Request, **how: Any) -> httpx.Response:
        """The whole answer to a request; `history` holds the redirects that led to it."""
        how |= {"stream": False, "follow_redirects": False}
        named = self._anywhere and is_name(request.url.host)
        past: list[httpx.Response] = []
        with setting(ENDS, time.monotonic() + self._bounds.whole_s):
            with setting(ALLOWED, not_hidden if named else None):
                response = super().send(request, **how)
            while response.next_request is not None:
                if len(past) == REDIRECTS:
                    raise httpx.TooManyRedirects(f"more than {REDIRECTS} redirects")
                past.append(response)
                with setting(ALLOWED, self._next(response, request.url)):
                    response = super().send(response.next_request, **how)
        response.history = past
        return response

    def _next(self, response: httpx.Response, named: httpx.URL) -> Callable[[str], bool] | None:
        """Which addresses a redirect may lead to. Raises Elsewhere if it is not followed."""
        assert response.next_request is not None
        method, here, there = response.request.method, response.url, response.next_request.url
        if method not in ("GET", "HEAD"):
            why = f"a {method} is not repeated elsewhere"
        elif here.scheme == "https" and there.scheme != "https":
            why = "https is not left for http"
        elif _origin(there) == _origin(named) or (self._anywhere and _upgrades(named, there)):
            return not_hidden if is_name(named.host) and self._anywhere else None
        elif self._anywhere:
            return public
        else:
            why = "that is another server"
        raise Elsewhere(
            f"{method} {without_secrets(here)} is redirected ({response.status_code}) to"
            f" {without_secrets(there)}, which is not followed: {why}"
        )


def without_secrets(url: httpx.URL | str) -> str:
    """An address without what may be a secret: user, password and query."""
    return str(httpx.URL(url).copy_with(userinfo=b"", query=None, fragment=None))


def asked_s(headers: httpx.Headers) -> float:
    """The seconds that `Retry-After` asks to wait, 0 without it or if it cannot be read."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _upgrades(here: httpx.URL, there: httpx.URL) -> bool:
    """From http to https of the same host, each on its own port."""
    schemes = (here.scheme, there.scheme) == ("http", "https")
    return schemes and here.host == there.host and here.port is None and there.port is None


class _Bounded(httpx.BaseTransport):
    """Reads each body whole, within its bounds, and hands it over unpacked."""

    def __init__(self, inner: httpx.BaseTransport, bounds: Bounds) -> None:
        self._inner, self._bounds = inner, bounds

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._inner.handle_request(request)
            try:
                body = self._body(response)
            finally:
                response.close()
        except httpx.TimeoutException as error:
            if isinstance(error, TooSlow) or time.monotonic() < ENDS.get():
                raise
            raise self._slow() from error
        for name in ("content-encoding", "content-length", "transfer-encoding"):
            response.headers.pop(name, None)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=httpx.ByteStream(body),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._inner.close()

    def _body(self, response: httpx.Response) -> bytes:
        if not self._bounds.bytes:
            return b""
        length = response.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._bounds.bytes:
            raise self._large(f"{int(length)} bytes")
        assert isinstance(response.stream, httpx.SyncByteStream)
        data = bytearray()
        raw = self._in_time(response.stream)
        for piece in _unpacked(raw, response.headers.get("content-encoding", "")):
            data += piece
            if len(data) > self._bounds.bytes:
                raise self._large("more")
        return bytes(data)

    def _in_time(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if time.monotonic() > ENDS.get():
                raise self._slow()
            yield piece

    def _slow(self) -> TooSlow:
        return TooSlow(f"the answer was not whole after {self._bounds.whole_s:g} s")

    def _large(self, got: str) -> TooLarge:
        return TooLarge(
            f"the answer is too large: {got}, wanted at most {self._bounds.bytes} bytes"
        )


def _unpacked(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces unpacked, in parts of at most PIECE bytes. Raises DecodingError."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        yield from pieces
        return
    if name not in PACKED:
        raise httpx.DecodingError(
            f"the answer is packed as {encoding!r}; wanted {', '.join(PACKED)}"
        )
    unpack, began = zlib.decompressobj(32 + zlib.MAX_WBITS), False  # finds out which of them it is
    for piece in pieces:
        left, full = piece, False
        while (left or full) and not unpack.eof:
            try:
                found = unpack.decompress(left, PIECE)
            except zlib.error as error:
                if began or name != "deflate":
                    raise httpx.DecodingError(f"the answer cannot be unpacked: {error}") from error
                unpack = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without a head
            else:
                left, full = unpack.unconsumed_tail, len(found) == PIECE
                yield found
            began = True
    if began and not unpack.eof:
        raise httpx.DecodingError("the answer is cut: what was packed has no end")
