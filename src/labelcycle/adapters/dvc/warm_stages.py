"""Starts stages in processes that have the numeric libraries imported.

A stage of a usual campaign computes for a tenth of a second, and imports for two. Here one process
imports once for all stages of a `dvc repro`, while DVC itself is starting, and a copy of it becomes
each stage: the forkserver of Python's `multiprocessing`, which has no threads that a copy would
miss. Where it is not to be had, on macOS and without room for its socket, nothing is warm, and each
stage imports for itself.
"""

import contextlib
import os
import runpy
import shlex
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from multiprocessing import forkserver, get_context

IMPORTED = (
    "faiss",
    "labelcycle.cli.main",
    "labelcycle.cli.pretrain_curves",
    "labelcycle.cycle.run_stage",
    "sklearn.linear_model",
)
"""What most stages use. Not torch: most campaigns need none of it, and it takes seconds."""

IMPORTED_FOR = {"evaluate": "labelcycle.stages.charts"}
"""What a single stage uses beside."""

COMMAND = ("labelcycle", "stage")
"""What the command of a stage begins with; the stage's name follows."""

_started = False


def start(stages: Iterable[str]) -> None:
    """Begin to import in a process beside this one, which ends with this one.

    stages : names of those that may run
    """
    global _started
    if sys.platform != "linux":  # a copy of a process that used Apple's libraries can crash
        return
    get_context("forkserver").set_forkserver_preload(
        [*IMPORTED, *(IMPORTED_FOR[name] for name in stages if name in IMPORTED_FOR)]
    )
    with contextlib.suppress(OSError):
        forkserver.ensure_running()
        _started = True


def runs(command: str) -> bool:
    """True if `run` can take this command of a stage."""
    words = shlex.split(command)
    return _started and len(words) == 3 and tuple(words[:2]) == COMMAND


def run(command: str, folder: str, variables: Mapping[str, str]) -> int:
    """Run a command for which `runs` is true; its exit code, negative for a signal."""
    words = shlex.split(command)
    process = get_context("forkserver").Process(
        target=_become, args=(words, os.fspath(folder), dict(variables))
    )
    process.start()
    with _interrupt_is_for_the_stage():
        process.join()
    return process.exitcode or 0


def _become(words: list[str], folder: str, variables: dict[str, str]) -> None:
    """Be the program `labelcycle` from here on."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = words
    runpy.run_module("labelcycle", run_name="__main__", alter_sys=True)


@contextlib.contextmanager
def _interrupt_is_for_the_stage() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; DVC waits for what the stage makes of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
