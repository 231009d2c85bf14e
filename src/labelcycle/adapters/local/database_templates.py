"""Migrated, empty databases kept beside each server's installation, one a version.

A server's first start on an empty file runs all its migrations (Label Studio 1.23.2: 330 of them,
75 s on two idle cores). A copy of a database that is already migrated starts at once.
"""

import contextlib
import fcntl
import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelcycle.adapters.local.processes import inherited

PATIENCE_S = 900
"""Longer than the slowest migration seen, so that a hanging one ends."""


@dataclass(frozen=True)
class Template:
    """How to get an empty migrated database.

    cache : where it is kept; its name carries the server's version
    database : name of the file the migration leaves in its folder
    command : folder -> program and arguments that migrate there
    environment : folder -> variables for it
    """

    cache: Path
    database: str
    command: Callable[[Path], Sequence[str]]
    environment: Callable[[Path], Mapping[str, str]]


def provide(template: Template, target: Path, show: Callable[[str], None]) -> bool:
    """Put a copy of the template at `target`; True if `target` is a migrated database now.

    Makes the template first if it is missing. If that fails, `target` stays as it was and the
    server migrates by itself, slowly. When two processes do it at once, one makes the template and
    the other waits for it.
    """
    if target.exists():
        return True
    try:
        if not template.cache.exists():
            show(f"{template.cache.stem}: preparing its database, once for this installation")
            template.cache.parent.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(template.cache):
                if not template.cache.exists():
                    _build(template)
        target.parent.mkdir(parents=True, exist_ok=True)
        copy(template.cache, target)
    except (OSError, sqlite3.Error, subprocess.SubprocessError) as error:
        show(f"{template.cache.stem}: no prepared database ({reason(error)}); it makes its own")
        return False
    return True


@contextlib.contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    """Wait until nobody else makes this file. A process that is killed lets the next one in."""
    with cache.with_name(f".{cache.name}.lock").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _build(template: Template) -> None:
    """Run the migrations in a folder of their own, keep the result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(
            template.command(folder),
            env=inherited() | dict(template.environment(folder)),
            cwd=folder,
            check=True,
            timeout=PATIENCE_S,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
        copy(folder / template.database, template.cache)


def copy(source: Path, target: Path) -> None:
    """Copy a database whole or not at all, with what stands in its write-ahead log."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(descriptor)
    temporary = Path(name)
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as old,
            contextlib.closing(sqlite3.connect(temporary)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, no log beside it
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def reason(error: Exception) -> str:
    """An error in one line, with the program's own last line if it left one."""
    output = getattr(error, "stderr", None) or b""
    lines = output.decode(errors="replace").strip().splitlines()
    return " ".join((lines[-1] if lines else str(error)).split())
