"""Short names of contents: what every id and every recorded digest is."""

import hashlib
from pathlib import Path

DIGITS = 16


def digest(data: bytes) -> str:
    """First 16 hex digits of the sha256 of `data`."""
    return hashlib.sha256(data).hexdigest()[:DIGITS]


def file_digest(path: Path) -> str:
    """First 16 hex digits of the sha256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:DIGITS]
