"""Tests' files in memory where there is room: on a disk they wait for it most of their time."""

import os
import shutil
from pathlib import Path

import psutil

SHARED_MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30
"""Bytes that must be free there: a run of all tests uses about 2 GiB."""
MEMORY = 8 * 2**30
"""Bytes of memory that must be free: the servers of the tests need some, too."""


def memory_folder(folder: Path = SHARED_MEMORY, room: int = ROOM, memory: int = MEMORY) -> str:
    """The folder for pytest's temporary ones if it has `room` bytes free, else an empty text.

    What is written safely waits for the disk at each file (fsync). In memory that costs nothing,
    and the quick tests take a third of the time.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        return ""
    there = shutil.disk_usage(folder).free >= room
    return str(folder) if there and psutil.virtual_memory().available >= memory else ""
