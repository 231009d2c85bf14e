"""DVC's digests, by which its objects are named: of a file its bytes, of a folder its list."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = ".dir"
"""Ends the digest of a folder, which is that of the list of its files."""


def of_bytes(content: bytes) -> str:
    """The digest of some bytes."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def of_stream(stream: Any) -> str:
    """The digest of what is left of a binary stream."""
    return hashlib.file_digest(stream, _md5).hexdigest()


def of_file(path: Path) -> str:
    """The digest of a file's bytes."""
    with path.open("rb") as stream:
        return of_stream(stream)


def list_of(files: Mapping[str, str]) -> bytes:
    """DVC's list of a folder's files, from the digest of each path."""
    entries = [{"md5": files[name], "relpath": name} for name in sorted(files)]
    return json.dumps(entries, sort_keys=True).encode()


def list_of_folder(folder: Path) -> bytes | None:
    """DVC's list of a folder's files as they are now; None for no folder, and where a link is met.

    A link may lead anywhere: what is behind it is not of the folder.
    """
    if folder.is_symlink() or not folder.is_dir():
        return None
    found = list(folder.rglob("*"))
    if any(path.is_symlink() for path in found):
        return None
    files = [path for path in found if path.is_file()]
    return list_of({path.relative_to(folder).as_posix(): of_file(path) for path in files})


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
