"""A command in a process of its own, which may be ended before any of its side effects.

The process is a copy of this one, so it has everything imported. All of the command happens in it,
DVC and the stages too, but for git. So SIGKILL ends all at once, as a power cut would.
"""

import contextlib
import importlib
import os
import pickle
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from labelcycle.errors import LabelcycleError

FILES = {"os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.truncate"}
"""Python's events of changed files, beside files that are opened to be written."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
GIT = re.compile(r"\b(add|commit|tag|push|pull|fetch|clone|hash-object|update-ref)\b")
"""What git is told where it may write something."""

How = Literal["killed", "interrupted"]
"""By SIGKILL, or by the exception that Ctrl-C raises, on which a program may still do something."""


@dataclass(frozen=True)
class Stop:
    """A command is to be ended before a side effect, which is counted from 1."""

    at: int
    how: How = "killed"


@dataclass(frozen=True)
class End:
    """How a command ended.

    value : what it returned
    refused : the text of one of our errors
    stopped : it was, before it could end
    effects : how many side effects it had
    said : what it printed
    """

    value: Any = None
    refused: str | None = None
    stopped: bool = False
    effects: int = 0
    said: str = ""


class Crashed(AssertionError):
    """A command ended with an error that is none of ours."""


class Effects:
    """Counts the side effects of this process below a folder, and ends it before one of them."""

    def __init__(self, folder: Path, stop: Stop | None) -> None:
        self.folder, self.stop, self.count = str(folder), stop, 0
        self.stopped = False

    def __call__(self, event: str, given: tuple[Any, ...]) -> None:
        if not self._is_one(event, given):
            return
        self.count += 1
        if self.stop and self.count == self.stop.at:
            self.stopped = True
            if self.stop.how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt

    def _is_one(self, event: str, given: tuple[Any, ...]) -> bool:
        if event == "open":
            return bool((given[2] or 0) & WRITING) and self._inside(given[0])
        if event == "subprocess.Popen":
            return GIT.search(" ".join(map(str, given[1]))) is not None
        return event == "sqlite3.connect" or (event in FILES and self._inside(given[0]))

    def _inside(self, path: Any) -> bool:
        """A relative path is inside: commands work in the campaign's folder. No number is."""
        if not isinstance(path, str | bytes | os.PathLike):
            return False
        text = os.fsdecode(path)
        return text.startswith(self.folder) or not text.startswith("/")


def run(command: Callable[[], Any], folder: Path, stop: Stop | None = None) -> End:
    """Run a command in a copy of this process.

    folder : what all campaigns of a life are in

    Raises Crashed for an error that is none of ours.
    """
    with tempfile.TemporaryFile() as said:
        source, sink = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.close(source)
            _become(command, Effects(folder, stop), sink, said.fileno())
        os.close(sink)
        with os.fdopen(source, "rb") as stream:
            told = stream.read()
        _, status = os.waitpid(child, 0)
        said.seek(0)
        text = said.read().decode(errors="replace")
    if stop and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return End(stopped=True, effects=stop.at, said=text)
    if not told:
        raise Crashed(f"the process ended with status {status}\n{text}")
    end, crash, modules = pickle.loads(told)
    if crash and not end.stopped:
        raise Crashed(f"{crash}\n{text}")
    _import(modules)
    return End(end.value, end.refused, end.stopped, end.effects, text)


def _become(command: Callable[[], Any], effects: Effects, sink: int, said: int) -> None:
    """Be the process of a command: never returns."""
    try:
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
        warnings.resetwarnings()  # here they are no errors, as they are none in a program
        warnings.simplefilter("ignore")
        before, crash = set(sys.modules), None
        value = refused = None
        sys.addaudithook(effects)
        try:
            value = command()
        except LabelcycleError as error:
            refused = f"{type(error).__name__}: {error}"
        except BaseException:
            crash = traceback.format_exc()
        end = End(value, refused, effects.stopped, effects.count)
        content = pickle.dumps((end, crash, sorted(set(sys.modules) - before)))
        with os.fdopen(sink, "wb") as stream:
            stream.write(content)
    finally:
        os._exit(0)


def _import(modules: Iterable[str]) -> None:
    """Import what a command had to, so that the next one need not."""
    for name in modules:
        with contextlib.suppress(ImportError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(name)
