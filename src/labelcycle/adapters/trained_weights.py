"""Trained weights from torchvision's server, into the folder where torch keeps downloads."""

import hashlib
import os
import re
from pathlib import Path

from labelcycle.adapters import http
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.errors import DataError, ServiceDown

OFFLINE = "LABELCYCLE_OFFLINE"
"""Environment variable: if it is set to anything, nothing is downloaded."""

BOUNDS = http.Bounds(silence_s=5.0, whole_s=120.0, bytes=2**27)
"""A computer without the internet is told from one with it in seconds."""

DIGEST = re.compile(r"-([0-9a-f]{8,})\.pth$")
"""In a file's name: the first digits of its sha256."""


def fetch(url: str, path: Path) -> str:
    """Have the weights of `url` in `path`; where they came from, in words.

    Nothing is asked of the network if the file is there.

    Raises ServiceDown with a short reason.
    """
    import httpx

    if path.is_file():
        return "trained weights are on this computer"
    if os.environ.get(OFFLINE):
        raise ServiceDown(f"{OFFLINE} is set")
    host = httpx.URL(url).host
    try:
        with http.Client(BOUNDS) as client:
            response = client.get(url)
    except httpx.HTTPError as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ServiceDown(f"{host}: {reason[:80]}") from error
    if not response.is_success:
        raise ServiceDown(f"{host} answers {response.status_code}")
    wanted = DIGEST.search(url)
    if wanted and not hashlib.sha256(response.content).hexdigest().startswith(wanted[1]):
        raise ServiceDown(f"{host} sent another file than {path.name}")
    try:
        write_bytes(path, response.content)
    except DataError as error:
        raise ServiceDown("the folder for downloads cannot be written") from error
    return f"trained weights were downloaded from {host}"
