"""Trained weights from torchvision's server, into the folder where torch keeps downloads."""

from pathlib import Path

from labelcycle.adapters import http
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.errors import DataError, ServiceDown
from labelcycle.nn.downloaded_weights import OFFLINE, is_whole, offline

BOUNDS = http.Bounds(silence_s=5.0, whole_s=120.0, bytes=2**27)
"""A computer without the internet is told from one with it in seconds."""


def fetch(url: str, path: Path) -> str:
    """Have the weights of `url` in `path`; where they came from, in words.

    Nothing is asked of the network if the file is there. One that is cut or another than its name
    says is replaced.

    Raises ServiceDown with a short reason.
    """
    damaged = ""
    if path.is_file():
        if is_whole(path.name, path):
            return "trained weights are on this computer"
        damaged = f"{path.name} on this computer is cut or another file, and "
    if offline():
        raise ServiceDown(f"{damaged}{OFFLINE} is set")
    try:
        host = _download(url, path)
    except ServiceDown as error:
        raise ServiceDown(f"{damaged}{error}") from error
    return f"trained weights were downloaded from {host}"


def _download(url: str, path: Path) -> str:
    """The name of the server that sent the file."""
    import httpx

    host = httpx.URL(url).host
    try:
        with http.Client(BOUNDS) as client:
            response = client.get(url)
    except httpx.HTTPError as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ServiceDown(f"{host}: {reason[:80]}") from error
    if not response.is_success:
        raise ServiceDown(f"{host} answers {response.status_code}")
    if not is_whole(path.name, response.content):
        raise ServiceDown(f"{host} sent another file than {path.name}")
    try:
        write_bytes(path, response.content)
    except DataError as error:
        raise ServiceDown("the folder for downloads cannot be written") from error
    return host
