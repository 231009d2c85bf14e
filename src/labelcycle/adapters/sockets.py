"""Connections that end in time, and that lead nowhere they must not.

httpx bounds the silence between two bytes. A server that sends a byte of its head now and then
would hold us for ever, so here each wait is cut to what is left until `ENDS`.
"""

import functools
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpcore
import httpx

PIECE = 2**16
"""Bytes written at a time, between two looks at the clock."""

ENDS: ContextVar[float] = ContextVar("ENDS")
"""When the answer must be whole that this thread waits for, by time.monotonic."""

ALLOWED: ContextVar[Callable[[str], bool] | None] = ContextVar("ALLOWED", default=None)
"""Which numeric addresses this thread may connect to; None: all."""


class Elsewhere(httpx.RequestError):
    """The answer points, or a name leads, where nothing is asked; the text says where."""


@contextmanager
def setting(variable: ContextVar[Any], value: Any) -> Iterator[None]:
    """Set a variable of this thread for a block."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


class Connections(httpx.BaseTransport):
    """Real connections, direct or through the proxies that the environment names."""

    def __init__(self, authorities: str | None = None) -> None:
        self._authorities = authorities
        self._ways: dict[str | None, httpx.HTTPTransport] = {}
        self._making = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer; its body is read later."""
        proxy = _proxy(request.url)
        # Looked at again when it connects; but there may be an open connection, or a proxy.
        _allowed(request.url.host, request.url.port or 0)
        with setting(ALLOWED, None if proxy else ALLOWED.get()):
            return self._way(proxy).handle_request(request)

    def close(self) -> None:
        """Close what connections there are."""
        for way in self._ways.values():
            way.close()

    def _way(self, proxy: str | None) -> httpx.HTTPTransport:
        with self._making:
            if proxy not in self._ways:
                way = httpx.HTTPTransport(verify=_certificates(self._authorities), proxy=proxy)
                # httpx has no argument for it; without this attribute no answer would end
                assert isinstance(way._pool._network_backend, httpcore.NetworkBackend)
                way._pool._network_backend = _Sockets()
                self._ways[proxy] = way
            return self._ways[proxy]


class _Sockets(httpcore.NetworkBackend):
    """Opens connections to what is allowed, which are good until the answer must be whole."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        # The address that was looked at is connected to: a name may mean another one by now.
        addresses = [host] if ALLOWED.get() is None else _allowed(host, port)
        problem = httpcore.ConnectError(f"{host} is not known")
        for address in addresses:
            try:
                return _Ending(
                    httpcore.SyncBackend().connect_tcp(
                        address, port, _left(timeout), local_address, socket_options
                    )
                )
            except httpcore.ConnectError as error:
                problem = error
        raise problem


class _Ending(httpcore.NetworkStream):
    """A connection that gives up when the time of the answer is up."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Ending(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(timeout: float | None) -> float:
    """The seconds that may be waited now. Raises ReadTimeout if there are none."""
    left = ENDS.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("its time is up")
    return left if timeout is None else min(left, timeout)


# --- what may be asked ---------------------------------------------------------------------


def local(url: httpx.URL | str) -> bool:
    """True if an address is of this computer, by its name."""
    host = httpx.URL(url).host
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def public(number: str) -> bool:
    """True if a numeric address is of the internet, also of IPv4 within IPv6."""
    address = _inner(number)
    return address.is_global and not address.is_multicast


def not_hidden(number: str) -> bool:
    """False for addresses that no honest name leads to: this computer's, and link-local ones."""
    address = _inner(number)
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)


def is_name(host: str) -> bool:
    """True for a name of another computer, which only its owner knows the number of."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host not in ("localhost", socket.gethostname()) and "." in host
    return False


def _inner(number: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(number.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    nat64 = address in ipaddress.ip_network("64:ff9b::/96")
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if nat64 else None
    return address.ipv4_mapped or address.sixtofour or low or address


def _allowed(host: str, port: int) -> list[str]:
    """The numeric addresses of a host. Raises Elsewhere if one of them is not allowed."""
    may = ALLOWED.get()
    if may is None:
        return []
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []  # behind a proxy, only that may know it
    numbers = list(dict.fromkeys(str(entry[4][0]) for entry in addresses))
    for number in numbers:
        if not may(number):
            raise Elsewhere(
                f"{host} is {number}, of this computer or a private network, which nobody named:"
                " not asked; give the address with that very host if it is meant"
            )
    return numbers


def _proxy(url: httpx.URL) -> str | None:
    """The proxy by which an address is asked, if there is one."""
    if local(url) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


@functools.cache
def _certificates(file: str | None) -> ssl.SSLContext:
    """The certificates to trust: reading them is the slowest part of a connection."""
    return ssl.create_default_context(cafile=file) if file else httpx.create_ssl_context()
