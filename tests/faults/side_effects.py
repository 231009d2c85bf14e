"""The seam at which every side effect of a command is seen, and at which the n-th one fails.

Python tells an audit hook of each file that is opened to write, renamed, removed, made or linked,
by whatever library. What it does not tell is wrapped: fsync, the commit of a database, a program
that is started, a notice. So the product has no hooks for this.

A failure is one of three. `error`: the effect is not done, and whoever asked is told so; a program
may also have done its work and end with 1 all the same. `full`: from here on the system refuses
each write to a file, to programs that are started, too (`RLIMIT_FSIZE`, so the errors say "File too
large" where a full disk says "No space left"). `kill`: the whole process group ends by signal 9.
"""

import errno
import mmap
import os
import re
import resource
import signal
import sqlite3
import struct
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import psutil

Kind = Literal["error", "full", "kill"]
KINDS: tuple[Kind, ...] = ("error", "full", "kill")

MARK, IMPORTED = "\0effect ", "\0imported "
"""Begin lines that tell of an effect, and of modules, among what a command prints."""

CODE = "/artifacts/code/"
"""Where MLflow copies all of our code to, with each model: hundreds of effects that are one."""

WRITING = os.O_TRUNC | os.O_APPEND | os.O_EXCL
CHANCE = re.compile(
    r"(?<=[.-])[0-9a-f]{8,16}(?=\.part|$)|(?<=rebuilt-)\w+|(?<=withdraw-)\w+|[0-9a-f]{32}"
    r"|(?<=/\.)[\w-]{22}(?=\.tmp)"
)
"""What is another one each time in the name of a file."""


def points(effects: Sequence[str], kind: Kind) -> list[int]:
    """Numbers of the effects at which a failure of this kind leaves what no other one does.

    A disk that is full is noticed at the next write alone. To a killed process, a file that was
    synced is as it was before, and a program that has ended is followed by the next effect.
    """
    numbered = enumerate(effects, 1)
    if kind == "full":
        return [n for n, each in numbered if each.startswith(WRITES) and not each.endswith(DONE)]
    if kind == "kill":
        return [
            n for n, each in numbered if not each.startswith("fsync") and not each.endswith(DONE)
        ]
    return [n for n, _ in numbered]


WRITES = ("open ", "commit ", "git ", "dvc ", "notice")
DONE = ", done"


class Seam:
    """The effects of one command and of the stages that it starts, in processes copied from it.

    place : only what happens to files below it counts
    at : number of the effect that fails, from 1; 0 for none
    """

    def __init__(self, place: Path, kind: Kind, at: int) -> None:
        self.quiet = False
        self._place, self._kind, self._at = f"{place}/", kind, at
        self._first = os.getpid()
        self._count = mmap.mmap(-1, 8)  # of all processes together
        self._lock = threading.RLock()
        self._told = os.dup(1)  # DVC and its stages have another standard output

    def open(self) -> None:
        """See everything from here on; for a process that ends with the command."""
        sys.addaudithook(self._audited)
        os.fsync = self._synced(os.fsync)
        for module in (sqlite3, sqlite3.dbapi2):
            module.connect = self._connecting(sqlite3.Connection)  # type: ignore[attr-defined]

    def effect(self, name: str, error: Callable[[], Exception]) -> None:
        """Something is about to happen: it fails here, or it does not."""
        if self.quiet:
            return
        with self._lock:
            number = struct.unpack("q", self._count[:])[0] + 1
            self._count[:] = struct.pack("q", number)
            self._tell(MARK + CHANCE.sub("*", name))
            if number == self._at:
                self._fail(error)

    def imported(self, before: Collection[str]) -> None:
        """Tell which modules came since, so that the next command finds them imported."""
        if not self._at:
            self._tell(IMPORTED + " ".join(sys.modules.keys() - before))

    def _tell(self, line: str) -> None:
        os.write(self._told, f"{line}\n".encode())

    def _fail(self, error: Callable[[], Exception]) -> None:
        if self._kind == "error":
            raise error()
        if self._kind == "full":
            self._fill()
        else:
            os.killpg(0, signal.SIGKILL)

    def _fill(self) -> None:
        process = psutil.Process()
        while True:
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
            if process.pid == self._first:
                return
            process = process.parent()

    # --- files ------------------------------------------------------------------------------

    def _audited(self, event: str, given: tuple[Any, ...]) -> None:
        if self.quiet or not (event == "open" or event.startswith("os.")):
            return
        looked = EVENTS.get(event)
        paths = looked(*given) if looked else ()
        if any(self._counts(path) for path in paths):
            names = [str(path).removeprefix(self._place) for path in paths]
            self.effect(f"{event.removeprefix('os.')} {' -> '.join(names)}", broken)

    def _counts(self, path: Path) -> bool:
        return str(path).startswith(self._place) and CODE not in str(path)

    def _synced(self, fsync: Callable[[Any], None]) -> Callable[[Any], None]:
        def synced(file: Any) -> None:
            path = _of_descriptor(file if isinstance(file, int) else file.fileno())
            if self._counts(path):
                self.effect(f"fsync {str(path).removeprefix(self._place)}", broken)
            fsync(file)

        return synced

    # --- databases --------------------------------------------------------------------------

    def _connecting(self, kind: type[sqlite3.Connection]) -> Callable[..., sqlite3.Connection]:
        seam, connect = self, sqlite3.connect

        class Seen(kind):  # type: ignore[valid-type, misc]
            """A connection whose commits are effects."""

            def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
                if sql == "COMMIT":
                    seam.effect("commit of a database", unreadable)
                return super().execute(sql, *given)  # type: ignore[no-any-return]

            def commit(self) -> None:
                if self.in_transaction:
                    seam.effect("commit of a database", unreadable)
                super().commit()

        def connecting(*given: Any, **more: Any) -> sqlite3.Connection:
            return connect(*given, **{"factory": Seen, **more})

        return connecting


def broken() -> OSError:
    """What a disk says that lost something."""
    return OSError(errno.EIO, os.strerror(errno.EIO))


def unreadable() -> sqlite3.OperationalError:
    """What SQLite says of such a disk."""
    return sqlite3.OperationalError("disk I/O error")


# --- what an event does to which files; nothing where it changes none --------------------------


def _path(path: Any, folder: Any = -1) -> Path:
    if isinstance(path, int):
        return _of_descriptor(path)
    within = _of_descriptor(folder) if isinstance(folder, int) and folder >= 0 else Path.cwd()
    return within / os.fsdecode(path)


def _of_descriptor(number: int) -> Path:
    return Path(f"/proc/self/fd/{number}").readlink()


def _opened(path: Any, mode: Any, flags: int) -> tuple[Path, ...]:
    del mode
    if isinstance(path, int) or not flags & (os.O_WRONLY | os.O_RDWR):
        return ()
    there = _path(path)
    return (there,) if flags & WRITING or not os.path.lexists(there) else ()


def _removed(path: Any, folder: Any = -1) -> tuple[Path, ...]:
    there = _path(path, folder)
    return (there,) if os.path.lexists(there) else ()


def _made(path: Any, mode: Any, folder: Any = -1) -> tuple[Path, ...]:
    del mode
    there = _path(path, folder)
    return (there,) if there.parent.is_dir() and not os.path.lexists(there) else ()


def _moved(source: Any, target: Any, first: Any = -1, second: Any = -1) -> tuple[Path, ...]:
    return (_path(source, first), _path(target, second))


def _closed(path: Any, mode: int, folder: Any = -1) -> tuple[Path, ...]:
    there = _path(path, folder)
    same = there.exists() and there.stat().st_mode & 0o7777 == mode
    return () if same else (there,)


EVENTS: dict[str, Callable[..., tuple[Path, ...]]] = {
    "open": _opened,
    "os.rename": _moved,
    "os.link": _moved,
    "os.symlink": lambda source, target, folder=-1: (_path(target, folder),),
    "os.remove": _removed,
    "os.rmdir": _removed,
    "os.mkdir": _made,
    "os.chmod": _closed,
    "os.truncate": lambda path, length: (_path(path),),
}
