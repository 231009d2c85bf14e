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


def test_nothing_else_of_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx would take it for a way around our bounds."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with served({"/x": Page(b"straight")}) as site, http.Client(BOUNDS) as client:
        assert client.get(f"{site.url}/x").content == b"straight"
        assert not client.trust_env


def test_a_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with served({"http://a.example/x": Page(b"by proxy")}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with http.Client(BOUNDS, anywhere=True) as client:
            assert client.get("http://a.example/x").content == b"by proxy"


@pytest.mark.parametrize(
    ("encoding", "body", "text"),
    [
        ("br", b"x", "the answer is packed as 'br'; wanted gzip, x-gzip, deflate"),
        ("gzip", gzip.compress(BODY)[:-9], "the answer is cut: what was packed has no end"),
        (
            "gzip",
            b"no gzip",
            "the answer cannot be unpacked: Error -3 while decompressing data: incorrect header"
            " check",
        ),
    ],
)
def test_what_cannot_be_unpacked_is_told(encoding: str, body: bytes, text: str) -> None:
    with pytest.raises(httpx.DecodingError) as told:
        b"".join(http._unpacked([body], encoding))
    assert str(told.value) == text


@pytest.mark.parametrize("size", [2, 7, 10**6])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(BODY)), ("deflate", zlib.compress(BODY)), ("deflate", RAW)],
)
def test_a_body_comes_unpacked_in_small_parts(encoding: str, packed: bytes, size: int) -> None:
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    parts = list(http._unpacked(pieces, encoding))
    assert max(map(len, parts)) <= http.PIECE
    assert b"".join(parts) == BODY


def test_which_way_a_redirect_may_lead() -> None:
    """Anywhere: to public addresses alone, but within the named server wherever that is."""

    def next_of(there: str, anywhere: bool, here: str = "https://nas.example/x") -> object:
        with http.Client(BOUNDS, anywhere=anywhere, transport=Pages({})) as client:
            request = httpx.Request("GET", here)
            response = httpx.Response(302, headers={"Location": there}, request=request)
            response.next_request = httpx.Request("GET", httpx.URL(here).join(there))
            return client._next(response, httpx.URL(here))

    assert next_of("https://b.example/", True) is sockets.public
    assert next_of("/y", True) is sockets.not_hidden
    assert next_of("/y", False) is None
    assert next_of("/y", True, "https://127.0.0.1/x") is None
    assert next_of("https://a.example/", True, "http://a.example/x") is sockets.not_hidden
    assert next_of("https://a.example:1/", True, "http://a.example/x") is sockets.public


class Failing(httpx.BaseTransport):
    def __init__(self, error: Exception) -> None:
        self.error = error

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        raise self.error


def test_a_wait_that_ends_before_the_whole_time_is_the_networks_own() -> None:
    silent = httpx.ReadTimeout("nothing came")
    with (
        http.Client(BOUNDS, transport=Failing(silent)) as client,
        pytest.raises(httpx.ReadTimeout) as told,
    ):
        client.get("http://a.example/")
    assert told.value is silent
    with (
        http.Client(http.Bounds(5, 0, 9), transport=Failing(silent)) as client,
        pytest.raises(http.TooSlow) as late,
    ):
        client.get("http://a.example/")
    assert str(late.value) == "the answer was not whole after 0 s"
    slow = http.TooSlow("ours")
    with (
        http.Client(BOUNDS, transport=Failing(slow)) as client,
        pytest.raises(http.TooSlow) as kept,
    ):
        client.get("http://a.example/")
    assert kept.value is slow


def test_more_redirects_than_that_are_not_followed() -> None:
    way = {f"https://a.example/{n}": f"/{n + 1}" for n in range(http.REDIRECTS + 1)}
    pages = Pages(way)
    with http.Client(BOUNDS, transport=pages) as client:
        assert client.get("https://a.example/1").content == b"there"
        with pytest.raises(httpx.TooManyRedirects) as told:
            client.get("https://a.example/0")
    assert str(told.value) == "more than 5 redirects"


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), (" 7 ", 7.0), ("", 0.0), ("soon", 0.0), ("-3", 0.0)]
)
def test_what_a_server_asks_to_wait(text: str, seconds: float) -> None:
    assert http.asked_s(httpx.Headers({"Retry-After": text})) == seconds
    assert http.asked_s(httpx.Headers()) == 0.0


def test_a_date_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http.time, "time", lambda: 1_000_000_000.0)
    headers = httpx.Headers({"Retry-After": "Sun, 09 Sep 2001 01:47:10 GMT"})
    assert http.asked_s(headers) == 30.0
    past = httpx.Headers({"Retry-After": "Sun, 09 Sep 2001 01:46:00 GMT"})
    assert http.asked_s(past) == 0.0


def test_a_head_alone_is_read_where_no_byte_is_wanted() -> None:
    with served({"/a": Page(b"image")}) as site, http.Client(http.Bounds(5, 5, 0)) as client:
        answer = client.get(f"{site.url}/a")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    page = Page(b"123456", length=6)
    with (
        served({"/a": page}) as site,
        http.Client(http.Bounds(5, 5, 5)) as client,
        pytest.raises(http.TooLarge) as told,
    ):
        client.get(f"{site.url}/a")
    assert str(told.value) == "the answer is too large: 6 bytes, wanted at most 5 bytes"


def test_an_address_without_what_may_be_secret() -> None:
    assert http.without_secrets("https://me:hush@h:1/a/b?key=x#y") == "https://h:1/a/b"
