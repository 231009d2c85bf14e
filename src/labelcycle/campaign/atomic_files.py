"""Writes a file whole or not at all: temporary file, fsync, rename."""

import contextlib
import os
import secrets
from pathlib import Path

from labelcycle.errors import DataError

PART = ".part"
"""Ends the name of a file that is being written; git and DVC ignore such files."""


def write_bytes(path: Path, data: bytes, mode: int = 0o644, durable: bool = True) -> None:
    """Write `data` to `path` whole or not at all, durable when this returns.

    mode : what the account's umask may lessen
    durable : False for one of many files that the caller makes durable together

    Raises DataError if the disk is full or the folder not writable; `path` is then as before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{secrets.token_hex(8)}{PART}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if durable:
            _sync_folder(path.parent)
    except OSError as error:
        raise DataError(
            f"cannot write {path}: wanted {len(data)} bytes on disk, got {error.strerror or error};"
            " free some space or mend the folder, then run the same command again"
        ) from error


def remove_parts(folder: Path) -> None:
    """Remove what killed processes left of files that they were writing.

    For the holder of the campaign's lock: nobody writes beside it.
    """
    for above, folders, names in os.walk(folder):
        if ".git" in folders:
            folders.remove(".git")
        for name in names:
            if name.startswith(".") and name.endswith(PART):
                (Path(above) / name).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` durable, where the system allows it."""
    with contextlib.suppress(OSError):  # some file systems refuse fsync on a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
