"""May annotators' browsers load an image that is elsewhere? One request, with a page's Origin.

A page of Label Studio may load an image from another server only if that server's answer allows it
(CORS, the Fetch standard). If not, people see an error in place of the image, and can answer.
"""

import os
from collections.abc import Mapping
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


def page(environment: Mapping[str, str] | None = None) -> str | None:
    """Where annotators' pages come from, as their browsers say it; None if Label Studio is off."""
    env = os.environ if environment is None else environment
    address = env.get("LABEL_STUDIO_HOST") or env.get("LABEL_STUDIO_URL")
    return _origin(address) if address else None


def problem(image: Path | Address, origin: str | None) -> LoadProblem | None:
    """Why pages of `origin` cannot load the image, or None if they can or load it from there.

    Raises ServiceDown or ToolFailed if the address of an image in a bucket cannot be signed.
    """
    if isinstance(image, Path) or origin is None:
        return None
    stored = image.text.startswith(s3.SCHEME)
    if stored and not image.presign_minutes:
        return None  # Label Studio itself hands it on
    url = s3.signed(image.text, image.presign_minutes) if stored else image.text
    reason = _why_refused(url, origin)
    return LoadProblem(f"{image.text}: {reason}", _remedy(stored, origin)) if reason else None


def _why_refused(url: str, origin: str) -> str | None:
    """What a browser would not accept of the answer; it looks at every redirection, too."""
    try:
        if _origin(url) == origin:
            return None
        with http.Client(http.Bounds(PATIENCE_S, PATIENCE_S, 0), anywhere=True) as client:
            answer = client.get(url, headers={"Origin": origin})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"does not answer here ({str(error) or type(error).__name__})"
    if answer.status_code != 200:
        return f"answered {answer.status_code}, wanted an image"
    for response in (*answer.history, answer):
        if response.headers.get(ALLOWS) not in ("*", origin):
            return f"answered with {ALLOWS}: {response.headers.get(ALLOWS, 'nothing')}"
    return None


def _remedy(stored: bool, origin: str) -> str:
    if stored:
        what = (
            f"give the bucket a CORS rule with GET for {origin}, or write push.presign_minutes: 0"
        )
    else:
        what = f"its website must allow {origin} or * by {ALLOWS}; else push.images: media or s3"
    return f"{what} (docs/guides/images-elsewhere.md)"


def _origin(address: str) -> str:
    url = httpx.URL(address)
    return f"{url.scheme}://{url.netloc.decode()}"
