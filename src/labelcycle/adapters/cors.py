"""May annotators' browsers load an image that is elsewhere? One request, with a page's Origin.

A page may load an image from another server only if that server's answer allows it (CORS, the
Fetch standard). If not, people see an error in place of the image, and can answer.
"""

from pathlib import Path
from typing import NamedTuple

import httpx

from labelcycle.adapters import http, s3
from labelcycle.adapters.ports import Address

PATIENCE_S = 10.0
"""The longest wait for the head of the answer, which says all."""

ALLOWS = "Access-Control-Allow-Origin"


class LoadProblem(NamedTuple):
    """Why browsers may not load an image, and what to do."""

    reason: str
    remedy: str


def origin(address: str) -> str:
    """The origin of a page at an address, as browsers say it.

    >>> origin("https://label.example.org:443/projects/7")
    'https://label.example.org'
    """
    url = httpx.URL(address)
    return f"{url.scheme}://{url.netloc.decode()}"


def problem(image: Path | Address, page: str | None) -> LoadProblem | None:
    """Why pages of the origin `page` cannot load the image, or None if they can.

    They can always load what is a file of the campaign, or comes from their own origin.

    Raises ServiceDown or ToolFailed if the address of an image in a bucket cannot be signed.
    """
    if isinstance(image, Path) or page is None:
        return None
    stored = image.text.startswith(s3.SCHEME)
    if stored and not image.presign_minutes:
        return None  # the backend itself hands it on
    url = s3.signed(image.text, image.presign_minutes) if stored else image.text
    reason = _why_refused(url, page)
    return LoadProblem(f"{image.text}: {reason}", _remedy(stored, page)) if reason else None


def _why_refused(url: str, page: str) -> str | None:
    """What a browser would not accept of the answer; it looks at every redirection, too."""
    try:
        if origin(url) == page:
            return None
        with http.Client(http.Bounds(PATIENCE_S, PATIENCE_S, 0), anywhere=True) as client:
            answer = client.get(url, headers={"Origin": page})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"does not answer here ({str(error) or type(error).__name__})"
    if answer.status_code != 200:
        return f"answered {answer.status_code}, wanted an image"
    for response in (*answer.history, answer):
        if response.headers.get(ALLOWS) not in ("*", page):
            return f"answered with {ALLOWS}: {response.headers.get(ALLOWS, 'nothing')}"
    return None


def _remedy(stored: bool, page: str) -> str:
    if stored:
        what = f"give the bucket a CORS rule with GET for {page}, or write push.presign_minutes: 0"
    else:
        what = f"its website must allow {page} or * by {ALLOWS}; else push.images: media or s3"
    return f"{what} (docs/guides/images-elsewhere.md)"
