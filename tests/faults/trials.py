"""One command of push and pull under one fault: run, run again as the flows would, and count."""

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from unittest import mock

from faults.rounds import (
    CHUNK,
    PAGE,
    Broken,
    Place,
    Round,
    answered,
    half_answered,
    nothing,
    whole_round,
    with_twins,
)
from faults.transport import FAULTS, PEOPLE, STEPS, TOGETHER, Clock, Fault, Proxy, Scene
from labelcycle.adapters import label_studio_api, label_studio_network
from labelcycle.adapters.annotation import label_studio
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.errors import LabelcycleError

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
    """What a trial counted."""

    fault: str
    command: str
    steps: list[str]
    duplicates: int
    lost: int
    errors: list[str] = field(default_factory=list)


@contextmanager
def small_pieces(clock: Clock) -> Iterator[None]:
    """Chunks and pages of few tasks, and a time that passes only in waiting."""
    time = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep, time=clock.time)
    sizes = {"PAGE": PAGE, "IDS_A_QUESTION": CHUNK, "IDS_AN_EXPORT": CHUNK}
    with ExitStack() as stack:
        for name, size in sizes.items():
            stack.enter_context(mock.patch.object(label_studio_api, name, size))
        stack.enter_context(mock.patch.object(label_studio, "CHUNK", CHUNK))
        for module in (label_studio, label_studio_network):
            stack.enter_context(mock.patch.object(module, "time", time))
        yield


COMMANDS: dict[str, tuple[Prepare, Run]] = {
    "push": (nothing, Round.push),
    "push again": (with_twins, Round.push),
    "progress": (half_answered, Round.progress),
    "pull": (answered, Round.pull),
    "withdraw": (half_answered, Round.withdraw),
}


WHOLE = "whole round"


def attempt(
    place: Place,
    command: str,
    name: str,
    hits: Hits,
    *,
    for_ever: bool = False,
) -> Outcome:
    """One trial: the command with a fault where it hits, then without until it is done."""
    prepare, run = (nothing, whole_round) if command == WHOLE else COMMANDS[command]
    clock = Clock()
    with small_pieces(clock):
        round_ = Round(place)
        prepare(round_)
        scene = Scene(place.server, clock, _meanwhile(name, round_))
        faulty = proxy = Proxy(scene, _fault(name), _spared(name, hits))
        errors = _run(round_, run, clock, proxy)
        if for_ever:
            proxy = Proxy(scene, FAULTS["delayed"], functools.partial(_is, 0))
            errors = [*errors, *_run_again(round_, run, clock, proxy)]
        elif errors:
            errors = [*errors, *_run_again(round_, run, clock, proxy)]
        scene.catch_up()
        duplicates, lost = count(round_, command)
    if faulty.hasty:
        raise Broken(f"{name}: {faulty.hasty} requests came before Retry-After was over")
    return Outcome(name, command, faulty.hit, duplicates, lost, errors)


def _spared(name: str, hits: Hits) -> Hits:
    """Without what Label Studio cannot do: delete a task only if nobody has answered it.

    An answer that comes between the look at a task and its delete goes with the task.
    """
    spared = {"an answer before": "delete a task", "an answer after": "look at a task"}
    return lambda request, step: step != spared.get(name) and hits(request, step)


def _fault(name: str) -> Fault:
    return {**FAULTS, **TOGETHER, **PEOPLE}[name]


def _meanwhile(name: str, round_: Round) -> Callable[[], None]:
    def another_push() -> None:
        Round(round_.place, round_.name).push(round_.place.backend())

    return another_push if name in TOGETHER else round_.answer_next


def _run(round_: Round, run: Run, clock: Clock, proxy: Proxy) -> list[str]:
    """The text of the error that the command ended with, if it did."""
    began, requests = clock.now, proxy.requests
    error = ""
    try:
        run(round_, round_.place.backend(proxy))
    except LabelcycleError as ended:
        error = str(ended)
    if clock.now - began > LONGEST_S or proxy.requests - requests > MOST_REQUESTS:
        raise Broken(f"{proxy.requests} requests in {clock.now - began:.0f} s")
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


def count(round_: Round, command: str) -> tuple[int, int]:
    """Tasks and answers that are there twice; tasks and answers that are lost."""
    if command != "withdraw":
        round_.pull(round_.place.backend())  # the next thing that the flows do
    held = round_.held()
    stored = {int(answer["id"]) for answer in round_.stored([task.id for task in held])}
    lost = len(round_.given - stored) + len(round_.missed & stored)
    if command == "withdraw":
        return sum(task.untouched for task in held), lost
    keys = Counter(task.key for task in held)
    answered = Counter(task.key for task in held if not task.untouched)
    duplicates = sum(count - max(1, answered[key]) for key, count in keys.items())
    duplicates += len(round_.pulled) - len(set(round_.pulled))
    return duplicates, lost + len(round_.keys - keys.keys())


# --- loops ---------------------------------------------------------------------------------


def every_request(place: Callable[[], Place], command: str, name: str) -> Iterator[Outcome]:
    """The fault at the n-th request, for n = 1, 2, ... until the command is through before."""
    for number in itertools.count(1):
        outcome = attempt(place(), command, name, functools.partial(_is, number))
        if not outcome.steps:
            return
        yield outcome


def each_step(
    place: Callable[[], Place], command: str, name: str, *, for_ever: bool = False
) -> Iterator[Outcome]:
    """The fault at the first request of each step, or from there on: one trial a step."""
    for wanted in STEPS.values():
        outcome = attempt(place(), command, name, _First(wanted, for_ever), for_ever=for_ever)
        if outcome.steps:
            yield outcome


def all_steps(place: Place, name: str) -> Outcome:
    """A whole round with the fault at the first request of every step."""
    firsts = [_First(step, for_ever=False) for step in STEPS.values()]
    return attempt(place, WHOLE, name, lambda number, step: any([f(number, step) for f in firsts]))


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
