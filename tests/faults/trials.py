"""One command of push and pull under one fault: run, run again as the flows would, and count."""

import functools
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import httpx

from faults import counting, people
from faults.counting import Left
from faults.double import Double
from faults.rounds import CHUNK, PAGE, Broken, Place, Round, on_double
from faults.transport import (
    FAULTS,
    LIKE_FOR_READS,
    PEOPLE,
    STEPS,
    TOGETHER,
    Clock,
    Fault,
    Proxy,
    Scene,
    changes,
    step_of,
)
from labelcycle.adapters import http
from labelcycle.adapters.annotation.label_studio import (
    LabelStudioBackend,
    label_studio_backend,
    rest_api,
    rest_network,
    task_people,
    tidying,
)
from labelcycle.errors import LabelcycleError
from labelcycle.rounds import altered_tasks

AGAIN = 3
"""How often a command is run again without a fault, as the flows do."""

LONGEST_S, MOST_REQUESTS = 3600, 300
"""Bounds of one command under a fault that never ends."""

ADVICE = ("run ", "set ", "check that", "mend", "restore")

Prepare = Callable[[Round], None]
Run = Callable[[Round, LabelStudioBackend], None]
Hits = Callable[[int, str], bool]


@dataclass
class Outcome:
    """What a trial counted.

    requests : what the command asked, first with the fault and then without
    """

    fault: str
    command: str
    steps: list[str]
    left: Left
    errors: list[str] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)


@contextmanager
def quick(clock: Clock) -> Iterator[None]:
    """Time passes only in waiting. No power cut is tried here: files need not be on the disk."""
    time = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep, time=clock.time)
    with ExitStack() as stack:
        for module in (label_studio_backend, rest_network, http):
            stack.enter_context(mock.patch.object(module, "time", time))
        stack.enter_context(mock.patch.object(os, "fsync"))
        stack.enter_context(mock.patch.object(os, "sync"))
        # Nobody has a task open: what was withdrawn is removed at the next close, and who answers
        # a task that was put right sees it so. The double's clock stands long before ours.
        long_over = timedelta(days=-36500)
        stack.enter_context(mock.patch.object(altered_tasks, "OPEN_IN_A_BROWSER", long_over))
        yield


@contextmanager
def small_pieces() -> Iterator[None]:
    """Chunks and pages of few tasks, one request after the other."""
    with ExitStack() as stack:
        for module, name, size in (
            (rest_api, "PAGE", PAGE),
            (rest_api, "IDS_A_QUESTION", CHUNK),
            (rest_api, "IDS_AN_EXPORT", CHUNK),
            (task_people, "IDS_A_QUESTION", CHUNK),
            (tidying, "IDS_A_QUESTION", CHUNK),
            (task_people, "AT_A_TIME", 1),
            (label_studio_backend, "CHUNK", CHUNK),
        ):
            stack.enter_context(mock.patch.object(module, name, size))
        yield


COMMANDS: dict[str, tuple[Prepare, Run]] = {
    "push": (people.nothing, Round.push),
    "push again": (people.with_twins, Round.push),
    "progress": (people.misled, Round.progress),
    "pull": (people.corrected, Round.pull),
    "close early": (people.half_answered, Round.close_early),
}
WHOLE = "whole story"


class Doubles:
    """Rounds at servers in memory, as a command finds them: prepared once, then copied."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made: dict[str, Round] = {}
        self._unharmed: dict[str, list[httpx.Request]] = {}

    def __call__(self, command: str) -> Round:
        if command not in self._made:
            self._made[command] = begin(on_double(self._root), command)
        made = self._made[command]
        assert isinstance(made.place.server, Double)
        return made.cloned(made.place.server.copied())

    def unharmed(self, command: str) -> list[httpx.Request]:
        """What a command asks if nothing fails: up to the first fault each trial asks the same."""
        if command not in self._unharmed:
            outcome = attempt(self(command), command, "delayed", functools.partial(_is, 0))
            assert outcome.left == Left()
            self._unharmed[command] = outcome.requests
        return self._unharmed[command]


def begin(place: Place, command: str) -> Round:
    """A new campaign, as the command finds it."""
    with quick(Clock()):
        assert place.people
        round_ = Round.new(place)
        COMMANDS.get(command, (people.nothing, people.whole_story))[0](round_)
    return round_


def attempt(
    round_: Round,
    command: str,
    name: str,
    hits: Hits,
    *,
    for_ever: bool = False,
) -> Outcome:
    """One trial: the command with a fault where it hits, then without until it is done."""
    run = people.whole_story if command == WHOLE else COMMANDS[command][1]
    clock = Clock()
    scene = Scene(round_.place.server, clock, _meanwhile(name, round_))
    round_.over = scene.catch_up
    faulty = proxy = Proxy(scene, _fault(name), _spared(name, hits, round_))
    with quick(clock):
        with small_pieces():
            errors = _run(round_, run, clock, proxy)
            if for_ever:
                proxy = Proxy(scene, FAULTS["delayed"], functools.partial(_is, 0))
            if for_ever or errors:
                errors = [*errors, *_run_again(round_, run, clock, proxy)]
        scene.end()
        left = counting.count(round_)
    if faulty.hasty:
        raise Broken(f"{name}: {faulty.hasty} requests came before Retry-After was over")
    return Outcome(name, command, faulty.hit, left, errors, faulty.seen)


def _spared(name: str, hits: Hits, round_: Round) -> Hits:
    """Without what cannot be: nobody pushes a round that is recorded as pushed."""

    def hit(request: int, step: str) -> bool:
        return not (name in TOGETHER and round_.recorded) and hits(request, step)

    return hit


def _fault(name: str) -> Fault:
    return {**FAULTS, **TOGETHER, **PEOPLE}[name]


def _meanwhile(name: str, round_: Round) -> Callable[[], None]:
    def another_push() -> None:
        people.pushed(round_.cloned())

    return another_push if name in TOGETHER else functools.partial(people.somebody, round_)


def _run(round_: Round, run: Run, clock: Clock, proxy: Proxy) -> list[str]:
    """The text of the error that the command ended with, if it did."""
    began, requests = clock.now, len(proxy.seen)
    error = ""
    try:
        run(round_, round_.backend(proxy))
    except LabelcycleError as ended:
        error = str(ended)
    if clock.now - began > LONGEST_S or len(proxy.seen) - requests > MOST_REQUESTS:
        raise Broken(f"{len(proxy.seen)} requests in {clock.now - began:.0f} s")
    if error and not any(words in error for words in ADVICE):
        raise Broken(f"no advice in: {error}")
    return [error] if error else []


def _run_again(round_: Round, run: Run, clock: Clock, proxy: Proxy) -> list[str]:
    """The errors of the further runs, until one is through."""
    errors: list[str] = []
    while failed := _run(round_, run, clock, proxy):
        errors += failed
        if len(errors) > AGAIN + len(proxy.hit):
            raise Broken(f"not healed by {len(errors)} more runs: {errors[-1]}")
    return errors


# --- loops ---------------------------------------------------------------------------------


def every_request(
    rounds: Doubles, command: str, name: str, *, beside: Collection[str] = ()
) -> Iterator[Outcome]:
    """The fault at the n-th request, for n = 1, 2, ... until the command is through before.

    beside : faults that the command is tried under, too. Where they are given, a trial is left out
        if the fault does nothing to the request, or what another one of them does.
    """
    plan = rounds.unharmed(command)
    for number, request in enumerate(plan, 1):
        if beside and not _differs(name, request, beside):
            continue
        outcome = attempt(rounds(command), command, name, functools.partial(_is, number))
        asked = [list(map(step_of, some[:number])) for some in (plan, outcome.requests)]
        if asked[0] != asked[1]:
            raise AssertionError(f"wanted the same up to the fault: {asked[0]}, got {asked[1]}")
        if outcome.steps:  # else it was one that is spared
            yield outcome


def _differs(name: str, request: httpx.Request, beside: Collection[str]) -> bool:
    """Whether the request meets something that it does not meet under another fault, or none."""
    same = request.method == "GET" and LIKE_FOR_READS.get(name) in beside
    return changes(name, request) and not same


def for_ever(rounds: Doubles, command: str, name: str) -> Iterator[Outcome]:
    """The fault at the first request of each step and all that follow: one trial a step."""
    steps = set(map(step_of, rounds.unharmed(command)))
    for wanted in [step for step in STEPS.values() if step in steps]:
        hits = _First(wanted, for_ever=True)
        outcome = attempt(rounds(command), command, name, hits, for_ever=True)
        if outcome.steps:
            yield outcome


def all_steps(place: Place, name: str) -> Outcome:
    """The whole story with the fault at the first request of every step."""
    firsts = [_First(step, for_ever=False) for step in STEPS.values()]
    hits: Hits = lambda number, step: any([f(number, step) for f in firsts])  # noqa: E731
    return attempt(begin(place, WHOLE), WHOLE, name, hits)


def _is(wanted: int, request: int, _: str) -> bool:
    return request == wanted


class _First:
    """Hits the first request of a step, and if `for_ever` all that follow."""

    def __init__(self, step: str, for_ever: bool) -> None:
        self._step, self._for_ever, self._met = step, for_ever, False

    def __call__(self, _: int, step: str) -> bool:
        first = step == self._step and not self._met
        self._met |= first
        return first or (self._met and self._for_ever)


def faults_of(command: str) -> list[str]:
    """Names of the faults that a command is tried under, once each."""
    return [*FAULTS, *PEOPLE, *(TOGETHER if command.startswith("push") else ())]
