"""What a command uses while it runs: seconds, processor seconds, and memory at its highest."""

import contextlib
import ctypes
import os
import resource
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import psutil

PAUSE_S = 0.1
"""Between two looks at the memory: a peak that is shorter may be missed."""

ORPHANS_S = 30.0
"""So long the processes that a command leaves behind are waited for."""

_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of Linux


class Watched(NamedTuple):
    """Seconds on the clock; of a process and all that it started, processor seconds and memory.

    peak_mb : megabytes (10^6) of all processes together. What several share counts once, and a
        memory-mapped file as far as it is in memory. The file system's cache does not count
    """

    seconds: float
    cpu_s: float
    peak_mb: float


def watched(command: Sequence[str]) -> Watched:
    """What a command uses; it may keep its modules compiled. Raises CalledProcessError.

    On Linux alone. Only one is watched at a time, and this process has no other child meanwhile:
    what a command started and did not wait for becomes ours, as the stages that start warm do.
    """
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    ended, peak = threading.Event(), [0]

    def look() -> None:
        while not ended.wait(PAUSE_S):
            peak[0] = max(peak[0], _bytes_below(psutil.Process()))

    beside = threading.Thread(target=look)
    beside.start()
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, began = _processor_seconds(), time.perf_counter()
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=kept)
        seconds = time.perf_counter() - began
    finally:
        ended.set()
        beside.join()
    _wait_for_orphans()
    return Watched(seconds, _processor_seconds() - before, peak[0] / 1e6)


def _processor_seconds() -> float:
    """Of all processes that ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _wait_for_orphans() -> None:
    give_up = time.monotonic() + ORPHANS_S
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < give_up:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(PAUSE_S)


def _bytes_below(process: psutil.Process) -> int:
    """Bytes that all processes below this one have now."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += each.memory_full_info().pss
    return total
