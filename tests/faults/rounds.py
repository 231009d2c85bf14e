"""A campaign's round at work at a Label Studio, and the commands that the flows give to it."""

import copy
import shutil
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from faults import campaigns
from faults.double import TOKEN, URL, Double
from faults.transport import Past
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.ports import GUESS
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.cycle import round_closing, round_opening
from labelcycle.rounds import altered_tasks, corrections, pushed_tasks
from labelcycle.rounds.snapshots import Snapshot

CHUNK, PAGE = 2, 3
"""Few, so that tasks travel in several pieces and pages, and a fault can fall between them."""

SEEN = "id,data,overlap,is_labeled,annotators,total_predictions"


class Broken(AssertionError):
    """A command did what it must not do under any fault."""


@dataclass
class Place:
    """A server, past every fault, and what the adapter needs to find it.

    root : folder in which the campaigns lie
    """

    root: Path
    media: Path
    server: httpx.BaseTransport
    url: str
    token: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LABEL_STUDIO_URL": self.url,
            "LABEL_STUDIO_API_KEY": self.token,
            "LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT": str(self.media),
        }

    @cached_property
    def _client(self) -> httpx.Client:
        key = {"Authorization": f"Token {self.token}"}
        return httpx.Client(base_url=f"{self.url}/api/", headers=key, transport=Past(self.server))

    def ask(self, line: str, body: object = None, **query: Any) -> Any:
        """What the server answers to a request such as `GET users`."""
        method, _, path = line.partition(" ")
        answer = self._client.request(method, path, json=body, params=query or None, timeout=120)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    @cached_property
    def people(self) -> list[int]:
        """Three accounts."""
        names = [uuid.uuid4().hex for _ in range(2)]
        new = [{"email": f"{n}@example.org", "username": n, "password": "hut-stock"} for n in names]
        return [1, *(int(self.ask("POST users/", user)["id"]) for user in new)]


def on_double(root: Path) -> Place:
    """A new server in memory."""
    return Place(root, Campaign(root).media, Double(), URL, TOKEN)


@dataclass(frozen=True)
class Seen:
    """A task as the server has it.

    served : it is shown to further people, up to `overlap` in all
    people : who answered or skipped it
    """

    id: int
    key: str
    overlap: int
    served: bool
    people: frozenset[int]
    predictions: int


class Round:
    """The round at work of a campaign of its own.

    given : key of every answer that people gave and left there, by its id
    changed : kind and id, or key, of everything that people changed after a round was closed
    missed : answers that were there before a pull began, and that it did not record
    over : called when the round is over: no server sits on a request for longer
    """

    def __init__(self, place: Place, folder: Path, number: int = 1) -> None:
        self.place, self.folder, self.number = place, folder, number
        self.given: dict[int, str] = {}
        self.changed: list[tuple[str, int | str]] = []
        self.missed: set[int] = set()
        self.over: Callable[[], None] = lambda: None
        self.reached = 0

    @classmethod
    def new(cls, place: Place) -> "Round":
        """Round 1 of a new campaign, before its push."""
        folder = place.root / uuid.uuid4().hex / uuid.uuid4().hex
        campaigns.make(folder, place.media)
        return cls(place, folder)

    def cloned(self, server: httpx.BaseTransport | None = None) -> "Round":
        """The same campaign in another folder; at another server if one is given."""
        made = copy.copy(self)
        made.folder = self.place.root / uuid.uuid4().hex / self.folder.name
        shutil.copytree(self.folder, made.folder, symlinks=True)
        made.given, made.changed = dict(self.given), list(self.changed)
        if server:
            made.place = replace(self.place, server=server)
            vars(made.place)["people"] = self.place.people
        return made

    @property
    def snapshot(self) -> Snapshot:
        return campaigns.snapshot(self.folder, self.number)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def recorded(self) -> bool:
        return (self.snapshot.folder / round_states.PUSHED).exists()

    @property
    def closed(self) -> bool:
        return (self.snapshot.folder / round_states.ANNOTATIONS).exists()

    @property
    def tasks(self) -> tuple[PushedTask, ...]:
        return pushed_tasks.tasks(self.snapshot)

    def backend(self, transport: httpx.BaseTransport | None = None) -> LabelStudioBackend:
        way = transport or Past(self.place.server)
        return LabelStudioBackend(Campaign(self.folder), self.place.environment, transport=way)

    # --- commands, as the flows give them: what is recorded is done --------------------------

    def push(self, backend: LabelStudioBackend) -> None:
        if self.recorded:
            return
        backend.check()
        round_opening.push(self.snapshot, backend, lambda text: None)

    def progress(self, backend: LabelStudioBackend) -> None:
        least = self._done()
        found = round_closing.progress(self.snapshot, backend)
        round_closing.check_page(self.snapshot, backend)
        if not least <= found.answered + found.skipped <= self._done():
            raise Broken(f"{found} with {least} tasks done")
        wrong = self._changed_tasks()
        if wrong and all(names == [GUESS] for names in wrong.values()):
            # a list lacked it: the next look sees it
            round_closing.progress(self.snapshot, self.backend())
            wrong = self._changed_tasks()
        if wrong:
            raise Broken(f"tasks show something else after a look: {wrong}")

    def _changed_tasks(self) -> dict[str, list[str]]:
        """What differs, by key, in tasks that show something else than was pushed."""
        pushed = {task.key: task.display for task in self.tasks}
        project = self.snapshot.records.pushed(self.number).project
        return altered_tasks.differing(
            pushed, self.backend().displayed(project, pushed_tasks.ids(self.tasks))
        )

    def _done(self) -> int:
        """Number of the round's tasks that as many people as wanted have answered."""
        who = self.people_of()
        return sum(len(who[task.key]) >= task.wanted for task in self.tasks)

    def pull(self, backend: LabelStudioBackend) -> None:
        if self.closed:
            return
        before = set(self.given)
        round_closing.pull(self.snapshot, backend)
        counting = corrections.corrected(corrections.pulled(self.snapshot))
        recorded = {answer.annotation for _, answer in counting}
        self.missed |= before - recorded

    def close_early(self, backend: LabelStudioBackend) -> None:
        if round_closing.ending(self.snapshot) is None:
            round_closing.end_early(self.snapshot, "deadline")
        self.pull(backend)

    # --- what the server has ----------------------------------------------------------------

    def projects(self) -> list[dict[str, Any]]:
        """Those of this campaign, the first one first."""
        listed = self.place.ask("GET projects/", page_size=100)["results"]
        mark = f"labelcycle campaign {self.name}"
        own = [p for p in listed if mark in p["description"].splitlines()]
        return sorted(own, key=lambda project: int(project["id"]))

    def held(self) -> list[Seen]:
        """The campaign's tasks in all its projects, by id."""
        which = {"fields": "all", "include": SEEN, "page_size": 100}
        pages = [self.place.ask("GET tasks", project=p["id"], **which) for p in self.projects()]
        tasks = [_seen(task) for page in pages for task in page["tasks"]]
        return sorted(tasks, key=lambda task: task.id)

    def stored(self) -> list[tuple[str, dict[str, Any]]]:
        """Key and annotation, of every answer that the server has, by id."""
        which = {"export_type": "JSON", "download_all_tasks": "true"}
        tasks = [
            task
            for project in self.projects()
            for task in self.place.ask(f"GET projects/{project['id']}/export", **which)
        ]
        found = [(task["data"]["key"], answer) for task in tasks for answer in task["annotations"]]
        return sorted(found, key=lambda each: int(each[1]["id"]))

    def by_key(self) -> dict[str, Seen]:
        """The task of each key; of twins the recorded one, or if that went, an answered one."""
        own = pushed_tasks.ids(self.tasks).values()
        held = sorted(self.held(), key=lambda task: (task.id in own, len(task.people)))
        return {task.key: task for task in held}

    def people_of(self) -> dict[str, set[int]]:
        """Who answered or skipped the task of each key, or a twin of it."""
        who: dict[str, set[int]] = defaultdict(set)
        for task in self.held():
            who[task.key] |= task.people
        return who


def _seen(task: dict[str, Any]) -> Seen:
    return Seen(
        id=task["id"],
        key=task["data"]["key"],
        overlap=task["overlap"],
        served=not task["is_labeled"],
        people=frozenset(task["annotators"]),
        predictions=task["total_predictions"],
    )
