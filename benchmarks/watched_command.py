"""What a command uses while it runs: seconds, processor seconds, and memory at its highest."""

import contextlib
import threading
from collections.abc import Sequence
from typing import NamedTuple

import psutil
from processor_time import used_by

PAUSE_S = 0.1
"""Between two looks at the memory: a peak that is shorter may be missed."""


class Watched(NamedTuple):
    """Seconds on the clock; of a process and all that it started, processor seconds and memory.

    peak_mb : megabytes (10^6) of all processes together. What several share counts once, and a
        memory-mapped file as far as it is in memory. The file system's cache does not count
    """

    seconds: float
    cpu_s: float
    peak_mb: float


def watched(command: Sequence[str]) -> Watched:
    """What a command uses, as `used_by` counts it. Raises CalledProcessError. On Linux alone.

    Only one is watched at a time: all that is below this process counts as memory.
    """
    ended, peak = threading.Event(), [0]

    def look() -> None:
        while not ended.wait(PAUSE_S):
            peak[0] = max(peak[0], _bytes_below(psutil.Process()))

    beside = threading.Thread(target=look)
    beside.start()
    try:
        used = used_by(command)
    finally:
        ended.set()
        beside.join()
    return Watched(used.seconds, used.cpu_s, peak[0] / 1e6)


def _bytes_below(process: psutil.Process) -> int:
    """Bytes that all processes below this one have now."""
    total = 0
    with contextlib.suppress(psutil.Error):
        for each in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                total += each.memory_full_info().pss
    return total
