from contextlib import closing

import pytest
from websites import Page, served

from labelcycle.adapters.web_images import Web, normal
from labelcycle.errors import DataError

IMAGE = b"\x89PNG and so on"


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("http://x.org/a b+c&d.png", "http://x.org/a%20b+c&d.png"),
        ("http://x.org/%23%20ä.png", "http://x.org/%23%20%C3%A4.png"),
        ("http://x.org/100%.png?w=5 0", "http://x.org/100%25.png?w=5%200"),
        ("http://x.org/a.png#top", "http://x.org/a.png"),
        ("HTTPS://Bücher.example/a", "https://xn--bcher-kva.example/a"),
    ],
)
def test_an_address_is_made_what_a_browser_takes(given: str, wanted: str) -> None:
    assert normal(given) == wanted
    assert normal(wanted) == wanted


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("http://", "one with no host"),
        ("http://x.org:port/a", "is no web address"),
        ("http://me:hush@x.org/a.png", "one with a user and password"),
    ],
)
def test_what_is_no_address_or_holds_a_password_is_refused(given: str, error: str) -> None:
    with pytest.raises(DataError, match=error) as caught:
        normal(given)
    assert "hush" not in str(caught.value)


def read(address: str, **bounds: float) -> bytes:
    with closing(Web(**{"pauses_s": (0, 0), **bounds})) as web:  # type: ignore[arg-type]
        return web.read(address)


@pytest.mark.parametrize("name", ["a b#%&+ä.png", "日本?.png", "100%.png"])
def test_odd_names_are_read(name: str) -> None:
    from urllib.parse import quote

    with served({f"/{name}": Page(IMAGE)}) as site:
        assert read(normal(f"{site.url}/{quote(name)}")) == IMAGE


def test_redirects_are_followed_but_not_for_ever() -> None:
    there = Page(status=302, headers={"Location": "/there"})
    loop = Page(status=302, headers={"Location": "/loop"})
    with served({"/here": there, "/there": Page(IMAGE), "/loop": loop}) as site:
        assert read(f"{site.url}/here") == IMAGE
        with pytest.raises(DataError, match=r"cannot be fetched: .*redirects"):
            read(f"{site.url}/loop")
        assert site.asked.count("/loop") == 6


@pytest.mark.parametrize(
    "failure",
    [Page(status=503), Page(status=429), Page(IMAGE[:4], length=len(IMAGE))],
    ids=["away", "too many", "cut"],
)
def test_a_failure_that_may_pass_is_tried_again(failure: Page) -> None:
    with served({"/a": [failure, failure, Page(IMAGE)], "/b": failure}) as site:
        assert read(f"{site.url}/a") == IMAGE
        with pytest.raises(DataError, match=r"cannot be fetched: .* \(3 tries\)"):
            read(f"{site.url}/b")
        assert site.asked == ["/a"] * 3 + ["/b"] * 3


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (Page(b"gone", 404), "the server answered 404"),
        (Page(b"", 204), "the server answered 204"),
        (Page(b"\n<html>log in</html>", kind="text/html; charset=utf-8"), "a web page, no image"),
        (Page(bytes(200)), "too large: 200 bytes, wanted at most 100"),
        (Page(IMAGE, pace_s=0.05), "too slow: the answer was not whole after 0.1 s; fetch it"),
    ],
)
def test_what_will_not_pass_is_an_error_at_once(page: Page, error: str) -> None:
    with served({"/a": page}) as site:
        with pytest.raises(DataError, match=error):
            read(f"{site.url}/a", max_bytes=100, whole_s=0.1 if page.pace_s else 60)
        assert len(site.asked) == 1


def test_a_body_that_says_no_length_is_bounded_too() -> None:
    import gzip

    packed = Page(gzip.compress(bytes(10**6)), headers={"Content-Encoding": "gzip"})
    with served({"/a": packed}) as site, pytest.raises(DataError, match="wanted at most 5000 byt"):
        read(f"{site.url}/a", max_bytes=5000)


def test_nobody_there() -> None:
    with served({}) as site:
        pass
    with pytest.raises(DataError, match=r"cannot be fetched: .*refused.* \(3 tries\)"):
        read(f"{site.url}/a")
