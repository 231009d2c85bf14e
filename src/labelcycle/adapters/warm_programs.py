"""Starts our own programs as copies of a process that has their libraries imported.

DVC and the stages of a usual campaign compute for a tenth of a second, and import for one or two.
Here one process imports once for all programs that a command starts, and a copy of it becomes each:
the forkserver of Python's `multiprocessing`, which has no threads that a copy would miss. Where it
is not to be had, on macOS and without room for its socket, nothing is warm, and each program
imports for itself.
"""

import contextlib
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, get_context, reduction
from pathlib import Path
from typing import Any, BinaryIO

PROGRAMS = ("labelcycle", "labelcycle.adapters.dvc.program")
"""Modules that can be run here, as by `python -m`."""

IMPORTED = (
    "labelcycle.adapters.dvc.altered_program",
    "faiss",
    "labelcycle.cli.main",
    "labelcycle.cli.pretrain_curves",
    "labelcycle.cycle.run_stage",
    "sklearn.linear_model",
)
"""What DVC and most stages use. Not torch: most campaigns need none of it, and it takes seconds."""

IMPORTED_FOR = {"evaluate": ("labelcycle.stages.charts",)}
"""What a single stage uses beside."""

PATIENCE_S = 0.25
"""How long a program may take to end after Ctrl-C, which reaches it too."""

_starter: int | None = None
"""The process whose programs are warm; a copy that somebody else made of it has no such server."""


def start(stages: Iterable[str] = ()) -> None:
    """Begin to import in a process beside this one, which ends with this one.

    stages : names of those that will run
    """
    global _starter
    if sys.platform != "linux":  # a copy of a process that used Apple's libraries can crash
        return
    if _starter == os.getpid():
        return
    more = [module for name in stages for module in IMPORTED_FOR.get(name, ())]
    get_context("forkserver").set_forkserver_preload([*IMPORTED, *more])
    with contextlib.suppress(OSError), _no_module_from_here():
        forkserver.ensure_running()
        _starter = os.getpid()


def started() -> bool:
    """True if `run` can run programs."""
    return _starter == os.getpid()


def run(
    words: Sequence[str],
    folder: str | os.PathLike[str],
    variables: Mapping[str, str],
    *,
    output: int | None = None,
    errors: int | None = None,
    inherited: Iterable[int] = (),
) -> int:
    """Run a program where `started()` is true; its exit code, negative for a signal.

    words : the name of a module that is run as by `python -m`, and its arguments
    output, errors : descriptors that it writes to; None are this process's own
    inherited : descriptors that it keeps open until it ends
    """
    process = get_context("forkserver").Process(
        target=_become,
        args=(
            list(words),
            os.fspath(folder),
            dict(variables),
            _umask(),
            (
                _Descriptor(1 if output is None else output),
                _Descriptor(2 if errors is None else errors),
            ),
            tuple(_Descriptor(each) for each in inherited),
        ),
    )
    process.start()
    try:
        process.join()
    except BaseException:
        process.join(PATIENCE_S)
        process.kill()
        process.join()
        raise
    return process.exitcode or 0


def completed(
    words: Sequence[str],
    folder: str | os.PathLike[str],
    variables: Mapping[str, str],
    errors: int | None,
    inherited: Iterable[int] = (),
) -> subprocess.CompletedProcess[bytes]:
    """What `subprocess.run` would return of such a program, with its output captured.

    errors : subprocess.PIPE, subprocess.STDOUT, or None for this process's standard error
    """
    with _memory() as output, _memory() as apart:
        place = {None: None, subprocess.STDOUT: output.fileno()}.get(errors, apart.fileno())
        code = run(
            words, folder, variables, output=output.fileno(), errors=place, inherited=inherited
        )
        output.seek(0)
        apart.seek(0)
        said = apart.read() if errors == subprocess.PIPE else None
        return subprocess.CompletedProcess(list(words), code, output.read(), said)


@contextlib.contextmanager
def interrupt_is_for_the_program() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; this one waits for what the program does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _become(
    words: list[str],
    folder: str,
    variables: dict[str, str],
    umask: int,
    streams: tuple[int, int],
    inherited: tuple[int, ...],
) -> None:
    """Be the program from here on; what it starts itself comes from the same server."""
    global _starter
    for target, descriptor in enumerate(streams, start=1):
        os.dup2(descriptor, target)
        os.close(descriptor)
    for descriptor in inherited:
        os.set_inheritable(descriptor, True)
    os.umask(umask)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None  # it may be another one in these variables
    # Python would start a second server for a copy's own programs (seen in 3.11 to 3.13).
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]
    _starter = os.getpid()
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


@dataclass(frozen=True)
class _Descriptor:
    """An open file of this process, which a copy gets as a number of its own."""

    number: int

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self.number),)


def _received(descriptor: Any) -> int:
    return int(descriptor.detach())


def _memory() -> BinaryIO:
    """A file in memory, for a disk may be full."""
    return os.fdopen(os.memfd_create("output"), "w+b")


@contextlib.contextmanager
def _no_module_from_here() -> Iterator[None]:
    """A Python that is started meanwhile takes no module from the folder that we are in."""
    name = "PYTHONSAFEPATH"
    kept = {name: os.environ[name]} if name in os.environ else {}
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]
        os.environ.update(kept)


def _umask() -> int:
    """This process's own; to read it by setting it would be seen by other threads."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("Umask:"))
