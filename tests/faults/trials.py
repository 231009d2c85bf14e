"""One command of push and pull under one fault: run, run again as the flows would, and count."""

import itertools
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
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
"""How often a command is run again, as the flows do."""

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


def never(request: int, step: str) -> bool:
    return False


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

    def __init__(self, place: Place) -> None:
        self.place, self.name = place, uuid.uuid4().hex
        self.ids: dict[str, int] = {}
        self.project = 0
        self.given: set[int] = set()
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
        self.project = backend.open_project(self.name, "Faults", SCHEMA)
        backend.check_schema(self.project, SCHEMA)
        self.ids = backend.push(self.project, self.specs, "round-000")

    def progress(self, backend: LabelStudioBackend) -> None:
        done = backend.progress(self.project, self.ids)
        touched = sum(not task.untouched for task in self.held() if task.id in self.ids.values())
        if done.answered + done.skipped > touched:
            raise Broken(f"{done} with {touched} tasks touched")

    def pull(self, backend: LabelStudioBackend) -> None:
        known = {int(a) for a in self.given}
        answers = Counter(a.annotation for a in backend.pull(self.project, self.ids))
        self.missing = len(known - answers.keys())
        self.twice = sum(count - 1 for count in answers.values())

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
        record = next(a for a in self.stored() if a["unique_id"] == unique)
        self.given.add(int(record["id"]))

    def stored(self) -> list[dict[str, Any]]:
        """Every annotation that the server has for the round."""
        exported = self.api.export(self.project, [task.id for task in self.held()])
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
    pushed(round_)
    for number, task in enumerate(sorted(round_.ids.values())):
        round_.answer(task, None if number == 1 else "dog")
    round_.answer(min(round_.ids.values()))
    round_.add_twins(1)


COMMANDS: dict[str, tuple[Prepare, Callable[[Round, LabelStudioBackend], None]]] = {
    "push": (nothing, Round.push),
    "push again": (with_twins, Round.push),
    "progress": (half_answered, Round.progress),
    "pull": (answered, Round.pull),
    "withdraw": (half_answered, Round.withdraw),
}


def attempt(
    place: Place,
    command: str,
    name: str,
    hits: Callable[[int, str], bool],
    *,
    for_ever: bool = False,
) -> Outcome:
    """One trial: the command with a fault where it hits, then without until it is done."""
    prepare, run = COMMANDS[command]
    clock = Clock()
    with small_pieces(clock):
        round_ = Round(place)
        prepare(round_)
        round_.given = {int(answer["id"]) for answer in round_.stored()} if round_.ids else set()
        scene = Scene(place.server, clock, _meanwhile(name, round_))
        proxy = Proxy(scene, _fault(name), hits)
        errors = _run(round_, run, place.backend(proxy), clock, proxy)
        if errors or for_ever:
            errors += _run_again(round_, run, place, clock)
        scene.catch_up()
        duplicates, lost = _count(round_, command)
    if proxy.hasty:
        raise Broken(f"{name}: {proxy.hasty} requests came before Retry-After was over")
    return Outcome(name, command, proxy.hit, duplicates, lost, errors)


def _fault(name: str) -> Fault:
    return {**FAULTS, **TOGETHER, **PEOPLE}[name]


def _meanwhile(name: str, round_: Round) -> Callable[[], None]:
    def another_push() -> None:
        other = Round(round_.place)
        other.name, other.specs, other.keys = round_.name, round_.specs, round_.keys
        other.push(round_.place.backend())

    return another_push if name in TOGETHER else round_.answer_next


def _run(
    round_: Round,
    run: Callable[[Round, LabelStudioBackend], None],
    backend: LabelStudioBackend,
    clock: Clock,
    proxy: Proxy,
) -> list[str]:
    """The text of the error that the command ended with, if it did."""
    began = clock.now
    try:
        run(round_, backend)
    except LabelcycleError as error:
        if not any(words in str(error) for words in ADVICE):
            raise Broken(f"no advice in: {error}") from error
        return [str(error)]
    finally:
        if clock.now - began > LONGEST_S or proxy.requests > MOST_REQUESTS:
            raise Broken(f"{proxy.requests} requests in {clock.now - began:.0f} s")
    return []


def _run_again(
    round_: Round, run: Callable[[Round, LabelStudioBackend], None], place: Place, clock: Clock
) -> list[str]:
    errors = []
    for _ in range(AGAIN):
        proxy = Proxy(Scene(place.server, clock), FAULTS["delayed"], never)
        failed = _run(round_, run, place.backend(proxy), clock, proxy)
        if not failed:
            return errors
        errors += failed
    raise Broken(f"not healed by {AGAIN} more tries: {errors[-1]}")


def _count(round_: Round, command: str) -> tuple[int, int]:
    """Tasks too many and answers twice; tasks and answers lost; after the round's pull."""
    if command == "withdraw":
        left = [task for task in round_.held() if task.untouched]
        duplicates, lost = len(left), 0
    else:
        round_.pull(round_.place.backend())
        keys = Counter(task.key for task in round_.held() if task.untouched or True)
        touched = Counter(task.key for task in round_.held() if not task.untouched)
        surplus = {key: count - max(1, touched[key]) for key, count in keys.items()}
        duplicates = sum(surplus.values()) + round_.twice
        lost = len(round_.keys - keys.keys()) + round_.missing
    here = {int(answer["id"]) for answer in round_.stored()}
    return duplicates, lost + len(round_.given - here)


# --- loops ---------------------------------------------------------------------------------


def every_request(place: Callable[[], Place], command: str, name: str) -> Iterator[Outcome]:
    """The fault at the n-th request, for n = 1, 2, ... until the command is through before."""
    for number in itertools.count(1):
        outcome = attempt(place(), command, name, lambda n, _, at=number: n == at)  # type: ignore[misc]
        if not outcome.steps:
            return
        yield outcome


def from_every_request(place: Callable[[], Place], command: str, name: str) -> Iterator[Outcome]:
    """The fault at the n-th request and at all that follow, for n = 1, 2, ..."""
    for number in itertools.count(1):
        hits = _from(number)
        outcome = attempt(place(), command, name, hits, for_ever=True)
        if not outcome.steps:
            return
        yield outcome


def _from(number: int) -> Callable[[int, str], bool]:
    return lambda n, _: n >= number


def each_step_once(place: Callable[[], Place], command: str, name: str) -> Iterator[Outcome]:
    """The fault at the first request of each step, one trial a step."""
    for wanted in STEPS.values():
        outcome = attempt(place(), command, name, _first(wanted))
        if outcome.steps:
            yield outcome


def _first(wanted: str) -> Callable[[int, str], bool]:
    met: list[str] = []

    def hits(_: int, step: str) -> bool:
        if step != wanted or met:
            return False
        met.append(step)
        return True

    return hits
