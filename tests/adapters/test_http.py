"""Which redirects are followed, what is unpacked, and which addresses are public."""

import gzip
import socket
import zlib

import httpx
import pytest
from websites import Page, served

from labelcycle.adapters import http, sockets
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.errors import ServiceRefused

BOUNDS = http.Bounds(silence_s=5, whole_s=5, bytes=10**6)


class Pages(httpx.MockTransport):
    """Redirects by address, anything else is `there`; `asked` are the requests."""

    def __init__(self, redirects: dict[str, str], status: int = 302) -> None:
        super().__init__(self._answer)
        self.redirects, self.status = redirects, status
        self.asked: list[httpx.Request] = []

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        there = self.redirects.get(str(request.url))
        headers = {"Location": there} if there else {}
        return httpx.Response(self.status if there else 200, headers=headers, content=b"there")


@pytest.mark.parametrize(
    ("anywhere", "here", "there"),
    [
        (False, "https://a.example/x", "/y"),
        (False, "https://a.example/x", "https://a.example:443/y"),
        (True, "https://a.example/x", "https://b.example/y"),
        (True, "http://a.example/x", "https://a.example/x"),
    ],
)
def test_a_redirect_that_is_followed(anywhere: bool, here: str, there: str) -> None:
    pages = Pages({here: there})
    with http.Client(BOUNDS, anywhere=anywhere, transport=pages) as client:
        answer = client.get(here, headers={"Authorization": "Token t"})
    assert answer.content == b"there"
    assert [each.status_code for each in answer.history] == [302]
    (_, last) = pages.asked
    assert ("authorization" in last.headers) == (last.url.host == "a.example")


@pytest.mark.parametrize(
    ("anywhere", "method", "here", "there", "why"),
    [
        (True, "GET", "https://a.example/x", "http://a.example/x", "https is not left for http"),
        (True, "GET", "https://a.example/x", "http://b.example/x", "https is not left for http"),
        (False, "GET", "https://a.example/x", "https://b.example/y", "that is another server"),
        (False, "GET", "http://a.example/x", "http://a.example:81/x", "that is another server"),
        (False, "GET", "http://a.example/x", "https://a.example/x", "that is another server"),
        (False, "POST", "https://a.example/x", "/y", "a POST is not repeated elsewhere"),
        (False, "DELETE", "https://a.example/x", "/y", "a DELETE is not repeated elsewhere"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_that_is_not_followed_says_where_it_points(
    anywhere: bool, method: str, here: str, there: str, why: str, status: int
) -> None:
    pages = Pages({here: f"{there}?signature=hush"}, status)
    with (
        http.Client(BOUNDS, anywhere=anywhere, transport=pages) as client,
        pytest.raises(http.Elsewhere) as told,
    ):
        client.request(method, here, content=b"secret" if method == "POST" else None)
    whole = str(httpx.URL(here).join(there))
    wanted = f"{method} {here} is redirected ({status}) to {whole}, which is not followed: {why}"
    assert str(told.value) == wanted
    assert len(pages.asked) == 1


def test_label_studio_that_points_elsewhere_says_what_to_set() -> None:
    here = "http://studio.example/api/projects/7/"
    pages = Pages({here: here.replace("http:", "https:")})
    with pytest.raises(ServiceRefused, match=r"to https://studio\.example/api.* LABEL_STUDIO_URL"):
        LabelStudioApi("http://studio.example", "t" * 40, transport=pages).project(7)


BODY = b"[1, 2, 3]" * 50_000
RAW = zlib.compress(BODY)[2:-4]


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(BODY)),
        ("X-GZIP", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("deflate", RAW),
        ("identity", BODY),
    ],
)
def test_a_packed_body_is_unpacked(encoding: str, body: bytes) -> None:
    page = Page(body, headers={"Content-Encoding": encoding})
    with served({"/": page}) as site, http.Client(BOUNDS) as client:
        answer = client.get(site.url)
    assert answer.content == BODY
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("encoding", "body", "error"),
    [
        ("br", b"x", "packed as 'br'; wanted gzip"),
        ("gzip, gzip", b"x", "packed as 'gzip, gzip'"),
        ("gzip", b"no gzip", "cannot be unpacked"),
        ("deflate", b"\xff\xff", "cannot be unpacked"),
        ("gzip", gzip.compress(BODY)[:-9], "cut"),
    ],
)
def test_what_cannot_be_unpacked_is_an_error(encoding: str, body: bytes, error: str) -> None:
    page = Page(body, headers={"Content-Encoding": encoding})
    with (
        served({"/": page}) as site,
        http.Client(BOUNDS) as client,
        pytest.raises(httpx.DecodingError, match=error),
    ):
        client.get(site.url)


def test_a_body_of_just_the_bound_is_taken() -> None:
    with served(
        {"/": Page(gzip.compress(bytes(10**6)), headers={"Content-Encoding": "gzip"})}
    ) as s:
        with http.Client(BOUNDS) as client:
            assert client.get(s.url).content == bytes(10**6)
        with (
            http.Client(http.Bounds(5, 5, 10**6 - 1)) as client,
            pytest.raises(http.TooLarge, match="more, wanted at most 999999 bytes"),
        ):
            client.get(s.url)


@pytest.mark.parametrize(
    ("number", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        *((number, False) for number in ("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.0.1")),
        *((number, False) for number in ("169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1")),
        *((number, False) for number in ("::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1")),
        *((number, False) for number in ("::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::")),
    ],
)
def test_which_addresses_are_public(number: str, public: bool) -> None:
    assert sockets.public(number) == public


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Numbers by name, instead of what the network knows; each look takes the next one."""
    real, known = socket.getaddrinfo, dict[str, list[str]]()

    def look(host: str, *rest: object, **more: object) -> object:
        numbers = known.get(host)
        number = numbers.pop(0) if numbers and len(numbers) > 1 else (numbers or [host])[0]
        return real(number, *rest, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(socket, "getaddrinfo", look)
    return known


def test_a_name_of_the_private_network_may_be_given(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands for a store of images in the house: asked, and followed within itself."""
    monkeypatch.setattr(sockets, "_inner", lambda _: sockets.ipaddress.ip_address("10.0.0.7"))
    names["nas.corp.example"] = ["127.0.0.1"]
    there = Page(status=302, headers={"Location": "/b"})
    with served({"/a": there, "/b": Page(b"image")}) as site:
        url = site.url.replace("127.0.0.1", "nas.corp.example")
        with http.Client(BOUNDS, anywhere=True) as client:
            assert client.get(f"{url}/a").content == b"image"


def test_the_address_that_was_looked_at_is_connected_to(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that is public when it is looked at, and this computer when it is connected to."""
    names["turncoat.example"] = ["93.184.216.34", "127.0.0.1"]
    with served({"/a": Page(b"private")}) as site:
        url = site.url.replace("127.0.0.1", "turncoat.example")
        with http.Client(BOUNDS, anywhere=True) as client, pytest.raises(http.Elsewhere):
            client.get(f"{url}/a")
    assert site.asked == []


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://a.example/", "http://proxy.example:3128"),
        ("https://a.example/", "http://secure.example:1"),
        ("http://127.0.0.1:5000/", None),
        ("http://localhost:5000/", None),
        ("http://127.0.0.1.evil.example/", "http://proxy.example:3128"),
        ("http://b.internal/", None),
    ],
)
def test_proxies_are_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, url: str, proxy: str | None
) -> None:
    for name, value in (
        ("http_proxy", "http://proxy.example:3128"),
        ("https_proxy", "secure.example:1"),
        ("no_proxy", ".internal"),
    ):
        monkeypatch.setenv(name, value)
    assert sockets._proxy(httpx.URL(url)) == proxy


def test_a_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with served({"http://a.example/x": Page(b"by proxy")}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with http.Client(BOUNDS, anywhere=True) as client:
            assert client.get("http://a.example/x").content == b"by proxy"
