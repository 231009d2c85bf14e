"""Runs other programs for a campaign: their failure is an error that quotes their last words."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from labelcycle.adapters import lock
from labelcycle.errors import ToolFailed


def environment() -> dict[str, str]:
    """This process's environment, with its own commands first on PATH and no telemetry."""
    own = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": own + os.pathsep + os.environ.get("PATH", ""),
        "DVC_NO_ANALYTICS": "1",
        lock.RUNNER: lock.runner_token(),
    }


def output(command: Sequence[str], cwd: Path) -> bytes:
    """What a program prints. Raises ToolFailed with the command and its last words."""
    return _run(command, cwd).stdout


def run(command: Sequence[str], cwd: Path) -> str:
    """What a program prints, as stripped text. Raises ToolFailed like `output`."""
    return output(command, cwd).decode(errors="replace").strip()


def show(command: Sequence[str], cwd: Path) -> None:
    """Run a program whose standard error goes straight to the user. Raises ToolFailed."""
    _run(command, cwd, errors=None)


def _run(
    command: Sequence[str], cwd: Path, errors: int | None = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        list(command),
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        pass_fds=lock.inherited(),
        check=False,
    )
    if done.returncode != 0:
        name = " ".join([Path(command[0]).name, *command[1:]])
        words = _last_words(done.stderr or done.stdout) if errors else "its words stand above"
        raise ToolFailed(f"`{name}` ended with code {done.returncode} in {cwd}: {words}")
    return done


def _last_words(text: bytes, lines: int = 3, width: int = 500) -> str:
    kept = [x.strip() for x in text.decode(errors="replace").splitlines() if x.strip()]
    return " | ".join(kept[-lines:])[-width:] or "it said nothing"
