"""One writer per campaign: a file lock that the system releases when its holder dies.

The lock is held through an open file, which child processes inherit: after a kill the lock stays
until the last program that was started for the campaign has ended, so nobody works beside it.
"""

import fcntl
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from labelcycle.errors import Busy, StateError

RUNNER = "LABELCYCLE_RUNNER"
"""Environment variable that tells a stage who runs it: `<pid>:<create time>`."""

NAME = re.compile(r"[a-z][a-z-]{0,30}")
"""Names of commands."""

_held: dict[Path, tuple[int, int]] = {}
"""Lock file -> (descriptor, how often this process holds it)."""


@contextmanager
def exclusive(path: Path, wait_s: float = 10.0) -> Iterator[None]:
    """Hold the lock `path`; within one process it may be taken again.

    Waits `wait_s` seconds at most, since children of a killed run need a moment to end.
    Raises Busy with the holder's name.
    """
    descriptor, count = _held.get(path, (-1, 0))
    if count == 0:
        descriptor = _acquire(path, wait_s)
    _held[path] = (descriptor, count + 1)
    try:
        yield
    finally:
        descriptor, count = _held.pop(path)
        if count > 1:
            _held[path] = (descriptor, count - 1)
        else:
            os.close(descriptor)


def _acquire(path: Path, wait_s: float) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StateError(
            f"cannot lock the campaign: {path}: {error.strerror}; work as the account that the"
            " campaign belongs to, on a disk that can be written"
        ) from error
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            holder = os.pread(descriptor, 500, 0).decode(errors="replace").strip()
            os.close(descriptor)
            raise Busy(
                f"campaign {path.parent.parent} is in use by {holder or 'another process'};"
                " wait until it has ended, then run the same command again"
            ) from error
        os.set_inheritable(descriptor, True)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} ({_command(sys.argv[1:])})".encode(), 0)
        return descriptor


def _command(words: Sequence[str]) -> str:
    """The command with its name alone: an argument may be an address with a key in it."""
    options = ("-C", "--campaign")
    arguments = (w for before, w in zip(["", *words], words, strict=False) if before not in options)
    name = next((word for word in arguments if not word.startswith("-")), "")
    return f"labelcycle {name}" if NAME.fullmatch(name) else "labelcycle"


def inherited() -> tuple[int, ...]:
    """Descriptors that a child process should inherit, for `subprocess`'s pass_fds."""
    return tuple(descriptor for descriptor, _ in _held.values())


def runner_token() -> str:
    """Value of RUNNER for this process."""
    return f"{os.getpid()}:{psutil.Process().create_time():.2f}"


def runner_alive(token: str) -> bool:
    """True while the process that `token` names is alive; a reused pid does not count."""
    pid, _, created = token.partition(":")
    try:
        return abs(psutil.Process(int(pid)).create_time() - float(created)) < 1.0
    except psutil.NoSuchProcess:
        return False
