"""Runs other programs for a campaign: their failure is an error that quotes their last words."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from labelcycle.adapters import lock, warm_programs
from labelcycle.adapters.address_logins import text_without_logins
from labelcycle.campaign import layout
from labelcycle.errors import ToolFailed

PYTHON = (sys.executable, "-P")
"""This Python, which looks for no module in the folder that it is started in."""

MODULE = (*PYTHON, "-m")
"""What the command of a program of ours begins with; the name of its module follows."""

ANOTHER_REPOSITORY = frozenset(
    f"GIT_{name}"
    for name in (
        "DIR",
        "WORK_TREE",
        "COMMON_DIR",
        "INDEX_FILE",
        "OBJECT_DIRECTORY",
        "ALTERNATE_OBJECT_DIRECTORIES",
        "NAMESPACE",
        "PREFIX",
    )
)
"""Set where a hook of another repository started us: git would work on that one."""


def site_cache(root: Path) -> Path:
    """Folder of what DVC remembers of `root`; its own choice is open to every account."""
    return root.absolute() / layout.DVC_INDEX


def environment(root: Path) -> dict[str, str]:
    """Environment of a program that works on the campaign in `root`.

    Our commands come first on PATH. No Python takes modules from the folder it works in, DVC
    keeps to the campaign's own cache, and nothing is sent to anybody.
    """
    programs_folder = str(Path(sys.executable).parent)
    return {
        **{name: value for name, value in os.environ.items() if name not in ANOTHER_REPOSITORY},
        "PATH": programs_folder + os.pathsep + os.environ.get("PATH", ""),
        "PYTHONSAFEPATH": "1",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(site_cache(root)),
        lock.RUNNER: lock.runner_token(),
    }


def output(command: Sequence[str], cwd: Path, given: bytes = b"") -> bytes:
    """What a program prints. Raises ToolFailed with the command and its last words.

    given : what it reads from its standard input
    """
    return _run(command, cwd, given=given).stdout


def attempt(
    command: Sequence[str],
    cwd: Path,
    variables: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
) -> tuple[int, str]:
    """The exit code of a program that may fail, and all that it prints, in English.

    variables : further ones of its environment
    timeout_s : when it is ended; its exit code is 124 then
    """
    more = {"LC_ALL": "C", **(variables or {})}
    try:
        done = _start(command, cwd, environment(cwd) | more, subprocess.STDOUT, timeout_s=timeout_s)
    except subprocess.TimeoutExpired:
        return 124, f"it did not end within {timeout_s:g} seconds"
    return done.returncode, done.stdout.decode(errors="replace")


def run(command: Sequence[str], cwd: Path) -> str:
    """What a program prints, as stripped text. Raises ToolFailed like `output`."""
    return output(command, cwd).decode(errors="replace").strip()


def show(command: Sequence[str], cwd: Path) -> None:
    """Run a program whose standard error goes straight to the user. Raises ToolFailed."""
    _run(command, cwd, errors=None)


def _start(
    command: Sequence[str],
    cwd: Path,
    variables: Mapping[str, str],
    errors: int | None,
    given: bytes = b"",
    timeout_s: float | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """The program's end; its standard input ends at once, or after `given`."""
    simple = not given and timeout_s is None
    if simple and warm_programs.started() and _is_ours(command):
        words = command[len(MODULE) :]
        return warm_programs.completed(words, cwd, variables, errors, lock.inherited())
    return subprocess.run(
        list(command),
        cwd=cwd,
        env=variables,
        input=given,
        stdout=subprocess.PIPE,
        stderr=errors,
        pass_fds=lock.inherited(),
        check=False,
        timeout=timeout_s,
    )


def _is_ours(command: Sequence[str]) -> bool:
    """True for a program that may start warm: `PYTHON -m MODULE ...`."""
    start, rest = command[: len(MODULE)], command[len(MODULE) :]
    return tuple(start) == MODULE and bool(rest) and rest[0] in warm_programs.PROGRAMS


def _run(
    command: Sequence[str],
    cwd: Path,
    errors: int | None = subprocess.PIPE,
    given: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    done = _start(command, cwd, environment(cwd), errors, given)
    if done.returncode != 0:
        name = text_without_logins(" ".join([Path(command[0]).name, *_shown(command[1:])]))
        words = _last_words(done.stderr or done.stdout) if errors else "its words stand above"
        raise ToolFailed(f"`{name}` ended with code {done.returncode} in {cwd}: {words}")
    return done


def _shown(words: Sequence[str]) -> list[str]:
    """The words without settings that are the same for every call."""
    return [
        word
        for before, word in zip(("", *words), words, strict=False)
        if "-c" not in (before, word)
    ]


def _last_words(text: bytes, lines: int = 3, width: int = 500) -> str:
    kept = [x.strip() for x in text.decode(errors="replace").splitlines() if x.strip()]
    return text_without_logins(" | ".join(kept[-lines:]))[-width:] or "it said nothing"
