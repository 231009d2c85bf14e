"""A command of a campaign's life that fails at one of its side effects, and is given again."""

import contextlib
import ctypes
import importlib
import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults import end_state, forked_programs, whole_life
from faults.side_effects import IMPORTED, MARK, Kind, Seam
from faults.whole_life import LIFE, Step, Words
from labelcycle.errors import ServiceDown

UNTOLD = 3
"""Status of a process that ended with an error that is not of `errors.py`."""

SUBREAPER = 36
"""`PR_SET_CHILD_SUBREAPER` of Linux."""

LONGEST_S = 300.0
"""A process that goes on for longer hangs."""

HANGS = "it hangs"


@dataclass
class Ended:
    """How a process ended.

    effects : the side effects that it told of
    imported : modules that it took
    said : what it printed
    """

    status: int
    effects: list[str]
    imported: set[str]
    said: str


@dataclass
class Trial:
    """A command that failed at an effect.

    untold : what it printed, if it ended with an error that is not in our words
    differs : what is not as it is without a failure, after it was given again
    """

    step: str
    kind: Kind
    number: int
    effect: str
    untold: str = ""
    differs: list[str] = field(default_factory=list)


@dataclass
class Prepared:
    """A command of the life, with the place as it was before, and what it is to leave.

    effects : those of the command, in order
    """

    step: Step
    before: Path
    effects: list[str]
    wanted: end_state.State


class Life:
    """The life of a campaign, in a folder; it is played as far as is asked for."""

    def __init__(self, folder: Path) -> None:
        adopt()
        self.place, self._kept = folder / "place", folder / "kept"
        self.place.mkdir(parents=True)
        self._kept.mkdir()

    def prepared(self) -> Iterator[Prepared]:
        """Each command of the life, when it is due."""
        before, after = self._kept / "before", self._kept / "after"
        for step in LIFE:
            self._people(step)
            copy(self.place, before)
            played = _checked(self._play(step.words(self.place), "error", 0))
            for name in sorted(played.imported):
                with contextlib.suppress(ImportError):  # some are no modules of their own
                    importlib.import_module(name)
            copy(self.place, after)
            self._again(step)
            yield Prepared(step, before, played.effects, end_state.read(self.place))
            copy(after, self.place)

    def trial(self, prepared: Prepared, kind: Kind, number: int) -> Trial:
        """The command fails at its effect of that number, and is given again."""
        step = prepared.step
        trial = Trial(step.name, kind, number, prepared.effects[number - 1])
        copy(prepared.before, self.place)
        failed = self._play(step.words(self.place), kind, number)
        trial.differs = _other(prepared.effects[:number], failed.effects[:number])
        if trial.differs:
            return trial
        if failed.status == UNTOLD or HANGS in failed.said:
            trial.untold = failed.said
        said = self._again(step)
        trial.differs = end_state.differences(prepared.wanted, end_state.read(self.place))
        if trial.differs:
            trial.differs.append(f"said: {failed.said} {said}")
        return trial

    def _again(self, step: Step) -> str:
        """What the command says when it is given again, and its status where that is odd."""
        texts = []
        for words in step.more(self.place):
            end = self._play(words, "error", 0)
            odd = f"`{words[0]}` ended with {end.status}\n" if end.status else ""
            texts.append(end.said + odd)
        return "".join(texts)

    def _play(self, words: Words, kind: Kind, number: int) -> Ended:
        def become() -> int:
            seam = Seam(self.place, kind, number)
            whole_life.surround(self.place, lambda: seam.effect("notice", _away))
            forked_programs.install(seam)
            seam.open()
            before = set(sys.modules)
            try:
                whole_life.play(self.place, words)
                return 0
            finally:
                seam.imported(before)

        return process(become)

    def _people(self, step: Step) -> None:
        def become() -> int:
            whole_life.surround(self.place)
            step.before(self.place)
            return 0

        _checked(process(become))


def _other(wanted: Sequence[str], got: Sequence[str]) -> list[str]:
    """Where a command did something else before it failed."""
    for number, pair in enumerate(itertools.zip_longest(wanted, got), 1):
        if pair[0] != pair[1]:
            return [f"effect {number} before the failure: wanted {pair[0]}, got {pair[1]}"]
    return []


def _away() -> ServiceDown:
    return ServiceDown("nobody answers")


def _checked(ended: Ended) -> Ended:
    if ended.status != 0:
        raise AssertionError(f"ended with {ended.status}: {ended.said}")
    return ended


def copy(source: Path, target: Path) -> None:
    """Put all of a folder into another one, in the place of what is there."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", source, target], check=True)
    private = target / "campaign" / ".labelcycle"
    for name in ("lease.json", "trusted.json"):  # they are bound to this very folder
        file = private / name
        if file.exists():
            record = json.loads(file.read_bytes())
            file.write_text(json.dumps({**record, "folder": private.stat().st_ino}))


def process(become: Callable[[], int]) -> Ended:
    """Have a copy of this process do something, in a process group of its own."""
    out, into = os.pipe()

    def apart() -> int:
        os.setpgid(0, 0)
        os.dup2(into, 1)
        os.dup2(into, 2)
        os.close(into)
        os.close(out)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        return become()

    pid = forked_programs.fork(apart)
    os.close(into)
    text = _read(out, pid)
    status = forked_programs.ended(pid)
    _end(pid)
    lines = text.decode(errors="replace").splitlines(keepends=True)
    effects = [line[len(MARK) :].strip() for line in lines if line.startswith(MARK)]
    modules = [line[len(IMPORTED) :].split() for line in lines if line.startswith(IMPORTED)]
    said = "".join(line for line in lines if not line.startswith((MARK, IMPORTED)))
    return Ended(status, effects, set().union(*modules), said)


def adopt() -> None:
    """Be the parent of what a killed process leaves: DVC takes a zombie for one at work."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1)


def _end(group: int) -> None:
    """Nothing of a group is left afterwards."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _read(out: int, pid: int) -> bytes:
    """All that a process and its children print; they are ended if they go on too long."""
    text, end = b"", time.monotonic() + LONGEST_S
    with os.fdopen(out, "rb", buffering=0) as stream:
        while True:
            if not select.select([stream], [], [], max(0.0, end - time.monotonic()))[0]:
                os.killpg(pid, signal.SIGKILL)
                return text + f"\n{HANGS}\n".encode()
            part = stream.read(2**16)
            if not part:
                return text
            text += part
