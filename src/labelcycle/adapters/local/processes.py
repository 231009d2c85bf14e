"""Background processes: started so that they outlive the command, stopped by their own id."""

import contextlib
import fcntl
import os
import random
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from labelcycle.errors import Busy, ToolFailed

CLOCK_SLACK_S = 2.0
"""A process's start is computed from the clock, which may be corrected while it runs."""

INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SYSTEMROOT", "USER")
"""What a server sees of the caller's environment: a stray HOST or USERNAME must not steer it."""


@dataclass(frozen=True)
class Process:
    """A process: its id, and when it began (s since 1970), for ids are used again."""

    pid: int
    created: float


def start(argv: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Process:
    """A process in a session of its own, with its output in `log`; the log before is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if log.exists():
            log.replace(log.with_name(f"{log.name}.1"))
        # appending: whoever cuts a long log leaves no hole as long as it was
        with log.open("ab") as output:
            child = subprocess.Popen(
                argv,
                env=inherited() | dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise ToolFailed(f"cannot start {argv[0]}: {error.strerror or error}") from error
    try:
        created = psutil.Process(child.pid).create_time()
    except psutil.NoSuchProcess:
        created = 0.0  # ended at once; `alive` is False for it and its log tells why
    child.returncode = 0  # it outlives us on purpose: Popen must neither wait nor complain
    return Process(child.pid, created)


def inherited() -> dict[str, str]:
    """The part of the caller's environment that servers may see.

    Their working folder is no place for them, and for those they start, to take modules from.
    """
    seen = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return seen | {"PYTHONSAFEPATH": "1"}


def alive(process: Process) -> bool:
    """True while this very process runs; not another one that was given the same id."""
    return _find(process) is not None


def stop(process: Process, patience_s: float = 15.0) -> bool:
    """End a process with all it started, politely first; False if it ran no more.

    Only the first process is asked to end: it ends its own, and one that loses a worker to us
    would start another.
    """
    running = _find(process)
    if running is None:
        return False
    family = [running]
    with contextlib.suppress(psutil.NoSuchProcess):
        family += running.children(recursive=True)
        running.terminate()
    rest = psutil.wait_procs(family, timeout=patience_s)[1]
    for member in {*rest, *_session(process.pid)}:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(rest, timeout=patience_s)
    return True


def _session(leader: int) -> list[psutil.Process]:
    """What still runs of the Unix session in which `start` put a process."""
    members = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == leader:
                members.append(process)
    return members


def _find(process: Process) -> psutil.Process | None:
    """The running process, or None if it ended or its id belongs to another one now."""
    try:
        candidate = psutil.Process(process.pid)
        same = abs(candidate.create_time() - process.created) < CLOCK_SLACK_S
        return candidate if same and candidate.status() != psutil.STATUS_ZOMBIE else None
    except psutil.NoSuchProcess:
        return None


PORTS = range(20_000, 32_768)
"""Of servers that get another port than the one wanted: no connection is given one of these.

Linux gives connections the ports from 32768 on, macOS those from 49152 on. A port from there may
be taken in the seconds until the server listens.
"""


def free_port(preferred: int, host: str) -> int:
    """`preferred` if nothing listens there, else one of `PORTS`; 0 prefers none."""
    for port in (*([preferred] if preferred else []), *random.sample(PORTS, 100)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
                return int(probe.getsockname()[1])
    raise ToolFailed(f"no free port at {host}: wanted one, got none; end some programs")


def last_lines(log: Path, count: int = 5) -> str:
    """The last non-empty lines of a log, as one line of text."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "(no log)"
    return " | ".join([line.strip() for line in lines if line.strip()][-count:]) or "(empty log)"


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a file lock for the length of a block. Raises Busy if another process holds it."""
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(
                f"another command starts or stops the services of {path.parent.parent};"
                " wait until it ends, then run the same command again"
            ) from error
        yield
