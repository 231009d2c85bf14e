"""A round of tasks at a Label Studio, and what commands, people and accidents do to it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from faults.double import TOKEN, URL, Double
from faults.transport import Past
from labelcycle.adapters import label_config
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.label_studio_api import LabelStudioApi, Task
from labelcycle.ports import LabelSchema, Prediction, TaskSpec
from labelcycle.store import Campaign

SCHEMA = LabelSchema(("cat", "dog"), "Choose what you see.")
TASKS, CHUNK, PAGE = 5, 2, 3
"""Few, in several pieces and pages, so that a fault can fall between them."""


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
        projects = [p.id for p in self.api.projects() if mark in p.description.splitlines()]
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
