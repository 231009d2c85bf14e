"""What a command uses: processor seconds, of it and all that it started, and the clock's.

python benchmarks/processor_time.py COMMAND ...
"""

import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PR_SET_CHILD_SUBREAPER = 36
"""Of `man 2 prctl`."""


class Used(NamedTuple):
    """Processor seconds, user and system, and seconds on the clock."""

    cpu_s: float
    seconds: float


def used_by(command: Sequence[str], variables: Mapping[str, str] | None = None) -> Used:
    """What a process and all that it started used; it may keep its modules compiled.

    A program in between waits for all of them, also for what the command leaves to end by itself.

    variables : of its environment, beside ours
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    between = [sys.executable, "-S", "-P", str(Path(__file__).resolve()), *command]
    environment = {**kept, **(variables or {})}
    ran = subprocess.run(between, check=True, stdout=subprocess.PIPE, env=environment, text=True)
    return Used(**json.loads(ran.stdout))


def name_committer() -> None:
    """Let git commit on a computer where nobody told it who works there."""
    for name in ("AUTHOR", "COMMITTER"):
        os.environ.setdefault(f"GIT_{name}_NAME", "benchmark")
        os.environ.setdefault(f"GIT_{name}_EMAIL", "benchmark@localhost")


def main() -> int:
    """Run the command, and print what it used; its exit code."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    began = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    code = process.wait()
    seconds = time.perf_counter() - began
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(json.dumps({"cpu_s": used.ru_utime + used.ru_stime, "seconds": seconds}))
    return code


if __name__ == "__main__":
    sys.exit(main())
