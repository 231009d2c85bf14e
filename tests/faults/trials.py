"""One command of push and pull under one fault: run, run again as the flows would, and count."""

import functools
import itertools
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

import httpx
from PIL import Image

from faults.double import TOKEN, URL, Double
from faults.transport import FAULTS, PEOPLE, STEPS, TOGETHER, Clock, Fault, Past, Proxy, Scene
from labelcycle.adapters import label_config, label_studio_api, label_studio_network
from labelcycle.adapters.annotation import label_studio
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.label_studio_api import LabelStudioApi, Task
from labelcycle.errors import LabelcycleError
from labelcycle.ports import LabelSchema, Prediction, TaskSpec
from labelcycle.store import Campaign

SCHEMA = LabelSchema(("cat", "dog"), "Choose what you see.")
TASKS, CHUNK, PAGE = 5, 2, 3
"""Few, in several pieces and pages, so that a fault can fall between them."""

AGAIN = 3
"""How often a command is run again without a fault, as the flows do."""

LONGEST_S, MOST_REQUESTS = 3600, 300
"""Bounds of one command under a fault that never ends."""

ADVICE = ("run ", "set ", "check that", "mend", "restore")


class Broken(AssertionError):
    """A command did what it must not do under any fault."""


@dataclass
class Place:
    """A server, past every fault, and what the adapter needs to find it."""

    campaign: Campaign
    server: httpx.BaseTransport
    environment: dict[str, str]

    def backend(self, transport: httpx.BaseTransport | None = None) -> LabelStudioBackend:
        way = transport or Past(self.server)
        return LabelStudioBackend(self.campaign, self.environment, transport=way)


def on_double(campaign: Campaign) -> Place:
    """A new server in memory."""
    return Place(campaign, Double(), {"LABEL_STUDIO_URL": URL, "LABEL_STUDIO_API_KEY": TOKEN})


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


class Round:
    """One round of a campaign of its own, at a place."""

    def __init__(self, place: Place, name: str = "") -> None:
        self.place, self.name = place, name or uuid.uuid4().hex
        self.ids: dict[str, int] = {}
        self.project = 0
        self.given: set[int] = set()
        self.pulled: list[int] = []
        self.missed: set[int] = set()
        folder = place.campaign.media / "images"
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "a.png").exists():
            Image.new("RGB", (2, 2)).save(folder / "a.png")
        self.specs = [
            TaskSpec(
                f"{self.name}/001/{rank:016x}", f"{rank:016x}", folder / "a.png", rank, 1,
                prediction=Prediction("cat", 0.5, "round-000"),
            )
            for rank in range(TASKS)
        ]  # fmt: skip
        self.keys = {spec.key for spec in self.specs}

    @property
    def api(self) -> LabelStudioApi:
        env = self.place.environment
        return LabelStudioApi(
            env["LABEL_STUDIO_URL"],
            env["LABEL_STUDIO_API_KEY"],
            transport=Past(self.place.server),
        )

    # --- commands, as the flows give them ---------------------------------------------------

    def push(self, backend: LabelStudioBackend) -> None:
        backend.check()
        self.project = backend.open_project(self.name, "Faults", SCHEMA)
        backend.check_schema(self.project, SCHEMA)
        self.ids = backend.push(self.project, self.specs, "round-000")

    def progress(self, backend: LabelStudioBackend) -> None:
        done = backend.progress(self.project, self.ids)
        touched = sum(not task.untouched for task in self.held() if task.id in self.ids.values())
        if done.answered + done.skipped > touched:
            raise Broken(f"{done} with {touched} tasks touched")

    def pull(self, backend: LabelStudioBackend) -> None:
        known = set(self.given)
        self.pulled = [a.annotation for a in backend.pull(self.project, self.ids)]
        self.missed |= known - set(self.pulled)

    def withdraw(self, backend: LabelStudioBackend) -> None:
        backend.withdraw(self.project, self.ids)

    # --- what people and others do meanwhile ------------------------------------------------

    def held(self) -> list[Task]:
        """The round's tasks as the server has them, in all the campaign's projects."""
        mark = f"labelcycle campaign {self.name}"
        projects = [p.id for p in self.api.projects() if p.description == mark]
        tasks = [task for project in projects for task in self.api.tasks(project)]
        return [task for task in tasks if task.key in self.keys]

    def answer(self, task: int, label: str | None = "cat") -> None:
        unique = str(uuid.uuid4())
        result = label_config.result(label)
        self.api.annotate(task, result=result, was_cancelled=label is None, unique_id=unique)
        record = next(a for a in self.stored([task]) if a["unique_id"] == unique)
        self.given.add(int(record["id"]))

    def stored(self, tasks: Sequence[int]) -> list[dict[str, Any]]:
        """Every annotation that the server has for these tasks."""
        exported = self.api.export(self.project, tasks)
        return [answer for record in exported for answer in record["annotations"]]

    def answer_next(self) -> None:
        """Somebody answers a task that nobody has; of twins the last."""
        open_ones = [task for task in self.held() if task.untouched]
        if open_ones:
            self.answer(open_ones[-1].id)

    def add_twins(self, count: int) -> None:
        """What a server that was slow may leave behind."""
        records = [
            {"data": {label_config.IMAGE: "x", "key": spec.key}} for spec in self.specs[:count]
        ]
        self.api.import_tasks(self.project, records)


Prepare = Callable[[Round], None]
Run = Callable[[Round, LabelStudioBackend], None]
Hits = Callable[[int, str], bool]


def nothing(round_: Round) -> None:
    """A campaign that was never pushed."""


def pushed(round_: Round) -> None:
    round_.push(round_.place.backend())


def with_twins(round_: Round) -> None:
    pushed(round_)
    round_.add_twins(2)


def half_answered(round_: Round) -> None:
    with_twins(round_)
    kept = sorted(round_.ids.values())
    round_.answer(kept[0])
    round_.answer(kept[3], None)


def answered(round_: Round) -> None:
    if not round_.ids:
        pushed(round_)
    for number, task in enumerate(sorted(round_.ids.values())):
        round_.answer(task, None if number == 1 else "dog")
    round_.answer(min(round_.ids.values()))
    round_.add_twins(1)


def whole_round(round_: Round, backend: LabelStudioBackend) -> None:
    """Everything in a row, which may be run again wherever it broke off."""
    round_.push(backend)
    if not round_.given:
        answered(round_)
        round_.push(backend)
    round_.progress(backend)
    round_.pull(backend)


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
