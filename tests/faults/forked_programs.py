"""git and DVC as effects of a command: before them, and after them.

DVC takes a second to be imported. Here the process that tries has it imported, and a copy of it
becomes DVC, and a copy of that becomes a stage. What DVC writes is its own matter; what a stage of
ours writes is seen.
"""

import os
import runpy
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from faults.side_effects import Seam, broken
from labelcycle.adapters import lock, programs, warm_programs
from labelcycle.adapters.dvc import altered_program, commands

READING = frozenset(
    (
        *("cat-file", "check-ignore", "config", "log", "ls-files", "ls-remote", "ls-tree"),
        *("merge-base", "remote", "rev-list", "rev-parse", "show", "status", "symbolic-ref", "var"),
    )
)
"""What git does without changing anything."""

REFUSED = 1
"""What a program ends with that fails."""


def install(seam: Seam) -> None:
    """Have all programs of a campaign started through the seam."""

    def start(
        command: Sequence[str],
        cwd: Path,
        variables: Mapping[str, str],
        errors: int | None,
        given: bytes = b"",
        timeout_s: float | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        name = _name(command)
        told = name is not None
        refused = subprocess.CompletedProcess(command, REFUSED, b"", b"it broke")
        if told:
            try:
                seam.effect(f"{name}", broken)
            except OSError:
                return refused
        if list(command[: len(commands.PROGRAM)]) == list(commands.PROGRAM):
            words = command[len(commands.PROGRAM) - 1 :]
            done = _dvc(seam, words, cwd, variables, errors)
        else:
            done = subprocess.run(
                list(command),
                cwd=cwd,
                env=variables,
                input=given,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=lock.inherited(),
                check=False,
                timeout=timeout_s,
                restore_signals=False,  # it is told of a full disk, not ended by SIGXFSZ
            )
        if told:
            try:
                seam.effect(f"{name}, done", broken)
            except OSError:
                return refused
        return done

    programs._start = start  # type: ignore[assignment]
    warm_programs.start = lambda stages=(): None
    warm_programs.started = lambda: True
    warm_programs.run = partial(_stage, seam)  # type: ignore[assignment]


def _name(command: Sequence[str]) -> str | None:
    """What a program is called, None if it changes nothing."""
    if command[0] != "git":
        return f"dvc {command[len(commands.PROGRAM)]}"
    words = iter(command[1:])
    for word in words:
        if word == "-c":
            next(words)
        elif word == "tag" and "--list" in words:
            return None
        else:
            return None if word in READING else f"git {word}"
    raise AssertionError(f"no command in {command}")


def _dvc(
    seam: Seam,
    words: Sequence[str],
    cwd: Path,
    variables: Mapping[str, str],
    errors: int | None,
) -> subprocess.CompletedProcess[bytes]:
    out, into = os.pipe()
    said, say = os.pipe()

    def become() -> int:
        seam.quiet = True
        os.dup2(into, 1)
        if errors is not None:
            os.dup2(say, 2)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(variables)
        before = set(sys.modules)
        try:
            return altered_program.main(words)
        finally:
            seam.imported(before)

    pid = fork(become)
    os.close(into)
    os.close(say)
    with os.fdopen(out, "rb") as first, os.fdopen(said, "rb") as second:
        texts = first.read(), second.read()
    return subprocess.CompletedProcess(words, ended(pid), *texts)


def _stage(seam: Seam, words: list[str], folder: str, variables: Mapping[str, str]) -> int:
    def become() -> int:
        seam.quiet = False
        before = set(sys.modules)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        sys.argv = words
        try:
            runpy.run_module(words[0], run_name="__main__", alter_sys=True)
        finally:
            seam.imported(before)
        return 0

    return ended(fork(become))


def fork(become: Callable[[], int]) -> int:
    """The number of a copy of this process that does something and ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 3
    try:
        code = become()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def ended(pid: int) -> int:
    """What a copy ended with; negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
