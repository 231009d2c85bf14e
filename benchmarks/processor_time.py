"""What a command uses: processor seconds, of it and all that it started, and the clock's."""

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Used(NamedTuple):
    """Processor seconds, user and system, and seconds on the clock."""

    cpu_s: float
    seconds: float


def used_by(command: Sequence[str], variables: Mapping[str, str] | None = None) -> Used:
    """What a process and all that it waited for used; it may keep its modules compiled.

    variables : of its environment, beside ours
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**kept, **(variables or {})}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    return Used(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, seconds)


def name_committer() -> None:
    """Let git commit on a computer where nobody told it who works there."""
    for name in ("AUTHOR", "COMMITTER"):
        os.environ.setdefault(f"GIT_{name}_NAME", "benchmark")
        os.environ.setdefault(f"GIT_{name}_EMAIL", "benchmark@localhost")
