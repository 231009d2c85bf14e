"""Starts the processes of one training on this machine, and ends them together.

They find each other by a file that no other account reaches, and talk over loopback. torchrun
would have them meet at a server that is open to the network, asks for no password, and hands on
pickles.
"""

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from labelcycle.adapters import lock, programs
from labelcycle.errors import ToolFailed
from labelcycle.nn.process_rank import VARIABLE, Rank

LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"
PATIENCE_S = 5.0


def run(command: Sequence[str], count: int, root: Path, folder: Path) -> None:
    """Run `command` for the campaign `root` in `count` processes and wait for all of them.

    folder : of ours alone, and of this run alone; it is made anew and removed. Whoever calls holds
        a lock that the processes inherit.

    If one fails or this call is broken off, the others are ended. If this process is killed, they
    end as `lock.RUNNER` has them do. Raises ToolFailed for the first that failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    environment = {
        **programs.environment(root),
        "GLOO_SOCKET_IFNAME": LOOPBACK,
        "NCCL_SOCKET_IFNAME": LOOPBACK,
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        for number in range(count):
            rank = Rank(number, count, folder.absolute() / "store")
            started.append(
                subprocess.Popen(
                    list(command),
                    env={**environment, VARIABLE: str(rank)},
                    stdin=subprocess.DEVNULL,
                    pass_fds=lock.inherited(),
                )
            )
        _wait(started)
    finally:
        _end(started)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(started: Sequence[subprocess.Popen[bytes]]) -> None:
    """Return once all have ended well. Raises ToolFailed for the first that did not."""
    running = dict(enumerate(started))
    while running:
        for number, process in list(running.items()):
            code = process.poll()
            if code:
                raise ToolFailed(
                    f"process {number + 1} of {len(started)} ended with code {code}, so the others"
                    " were ended, too; its words stand above; mend that, then run the same command"
                    " again"
                )
            if code == 0:
                del running[number]
        time.sleep(0.1)


def _end(started: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in started:
        process.terminate()
    end = time.monotonic() + PATIENCE_S
    for process in started:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, end - time.monotonic()))
        process.kill()
        process.wait()
