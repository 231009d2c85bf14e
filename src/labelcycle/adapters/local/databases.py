"""A server's database, ready for the version that is installed: new, or brought up to date.

Before a server of another version opens a database, a copy of it is kept beside it: servers
migrate forwards only.
"""

import contextlib
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from labelcycle.adapters.local import database_templates
from labelcycle.adapters.local.processes import inherited
from labelcycle.adapters.local.server_programs import Server
from labelcycle.errors import ToolFailed


def ready(server: Server, opened: str | None, show: Callable[[str], None]) -> None:
    """Make the database ready for `server`, which does not run.

    opened : version of the server that opened it last, None if unknown
    show : called with lines of progress

    It gets a write-ahead log. Then an answer in Label Studio waits a third as often for the disk
    (13 times, not 36), and who reads does not wait for who writes.

    Raises ToolFailed, which names the copy, if it cannot be copied or brought up to date.
    """
    if not server.database.exists():
        if server.template:
            database_templates.provide(server.template, server.database, show)
    elif opened != server.version:
        copy = _keep(server, opened)
        show(
            f"{server.title} {server.version} opens a database of"
            f" {opened or 'an unknown version'}; as it was: {copy}"
        )
        if server.upgrade:
            _upgrade(server, copy)
    if server.database.exists():
        _log_ahead(server.database)


def _log_ahead(database: Path) -> None:
    """Give a database a write-ahead log, which stays; one that has no room for it works without."""
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(database)) as connection,
    ):
        connection.execute("PRAGMA journal_mode=WAL")


def _keep(server: Server, opened: str | None) -> str:
    """Copy the database beside itself; the copy's path."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    old = server.database
    copy = old.with_name(f"{old.stem}-{opened or 'old'}-{stamp}{old.suffix}")
    try:
        database_templates.copy(old, copy)
    except (OSError, sqlite3.Error) as error:
        raise ToolFailed(
            f"{server.title} {server.version} would change the database {old} of"
            f" {opened or 'an unknown version'}, and no copy of it can be kept ({error});"
            " free some space or mend the file, then run `labelcycle up`"
        ) from error
    copy.chmod(0o600)
    return str(copy)


def _upgrade(server: Server, copy: str) -> None:
    try:
        subprocess.run(
            server.upgrade,
            env=inherited() | dict(server.environment),
            cwd=server.folder,
            check=True,
            timeout=database_templates.PATIENCE_S,
            stdin=subprocess.DEVNULL,
            capture_output=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ToolFailed(
            f"{server.title} {server.version} cannot bring its database {server.database} up to"
            f" date ({database_templates.reason(error)}); as it was: {copy}; mend that and run"
            " `labelcycle up`, or install the older version and put the copy back"
        ) from error
