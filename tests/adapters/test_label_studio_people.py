"""Overlap and order against a real server, as annotators who are logged in meet them."""

import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from PIL import Image

from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, labeling_config
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import services as local_services
from labelcycle.adapters.local.services import Services
from labelcycle.adapters.ports import AnnotationProgress, LabelSchema, Prediction, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.core import consensus
from labelcycle.errors import ServiceDown

pytestmark = pytest.mark.service

SCHEMA = LabelSchema(("cat", "dog"), "Choose.")


class Annotator:
    """Somebody with an account and a browser."""

    def __init__(self, url: str, invite: str) -> None:
        self.browser = httpx.Client(base_url=url, follow_redirects=True, timeout=60)
        self.browser.get(invite)
        form = {"email": f"{uuid.uuid4().hex[:8]}@localhost", "password": secrets.token_urlsafe(12)}
        token = {"csrfmiddlewaretoken": self.browser.cookies["csrftoken"]}
        self.browser.post(invite, data=form | token).raise_for_status()

    def next(self, project: int) -> int | None:
        """The task that Label All Tasks shows, None if there is none."""
        answer = self.browser.get(f"/api/projects/{project}/next")
        return None if answer.status_code == 404 else int(answer.raise_for_status().json()["id"])

    def answer(self, task: int, label: str | None) -> None:
        body = {"result": labeling_config.result(label), "was_cancelled": label is None}
        headers = {"X-CSRFToken": self.browser.cookies["csrftoken"]}
        address = f"/api/tasks/{task}/annotations/"
        answer = self.browser.post(address, json=body | {"lead_time": 1.0}, headers=headers)
        assert answer.status_code == 201, answer.text


class Server:
    """A project of the real server."""

    def __init__(self, campaign: Campaign) -> None:
        self.environment = local_services.environment(campaign)
        self.campaign = campaign
        url, token = (self.environment[f"LABEL_STUDIO_{name}"] for name in ("URL", "API_KEY"))
        self.api = LabelStudioApi(url, token)
        self.backend = self.connect()
        self.name = uuid.uuid4().hex
        self.project = self.backend.open_project(self.name, "Test", SCHEMA)

    def connect(self, transport: httpx.BaseTransport | None = None) -> LabelStudioBackend:
        return LabelStudioBackend(
            self.campaign, self.environment, transport=transport, pauses_s=(0, 0)
        )

    def tasks(self, *wanted: int) -> list[TaskSpec]:
        image = self.campaign.media / "images" / "people.png"
        image.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(image)
        return [
            TaskSpec(f"{self.name}/001/{rank:016x}", f"{rank:016x}", image, rank, 1, wanted=people)
            for rank, people in enumerate(wanted)
        ]

    def push(self, *wanted: int) -> list[int]:
        """Ids of the new tasks, by rank."""
        ids = self.backend.push(self.project, self.tasks(*wanted))
        return [ids[key] for key in sorted(ids)]

    def progress(self, *wanted: int) -> AnnotationProgress:
        tasks = self.tasks(*wanted)
        ids = self.backend.pushed(self.name, f"{self.name}/001/")
        return self.backend.progress(self.project, ids, {t.key: t.wanted for t in tasks})


@pytest.fixture
def server(service_campaign: Campaign, label_studio: Services) -> Server:
    return Server(service_campaign)


@pytest.fixture
def people(server: Server, label_studio: Services) -> Iterator[tuple[Annotator, Annotator]]:
    assert label_studio.invite is not None
    ann, bob = (Annotator(server.api.url, label_studio.invite) for _ in range(2))
    yield ann, bob
    ann.browser.close()
    bob.browser.close()


def test_two_people_are_served_by_rank_and_several_until_enough_answered(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    ann, bob = people
    wanted = (1, 2, 1, 2, 1)
    first, both, third, again, last = server.push(*wanted)
    assert server.progress(*wanted) == AnnotationProgress(5, 0, 0)
    seen: dict[str, list[int | None]] = {"ann": [], "bob": []}
    for _ in range(4):  # in turns: each is shown a task while the other has one open
        tasks = [
            (name, who, who.next(server.project)) for name, who in (("ann", ann), ("bob", bob))
        ]
        for name, who, task in tasks:
            seen[name].append(task)
            if task is not None:
                who.answer(task, "cat" if task != again else None)
    assert seen == {"ann": [first, both, again, last], "bob": [both, third, again, None]}
    assert server.progress(*wanted) == AnnotationProgress(5, 4, 1, given=7)


def test_a_task_is_done_when_different_people_answered_it(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    ann, bob = people
    (task,) = server.push(2)
    ann.answer(task, "cat")
    ann.answer(task, "dog")  # the same person once more
    assert server.progress(2) == AnnotationProgress(1, 0, 0, 1, given=2)
    assert bob.next(server.project) is None  # it counts answers, not people, for the stream
    bob.answer(task, None)  # from the list of tasks
    assert server.progress(2) == AnnotationProgress(1, 1, 0, given=3)
    assert bob.next(server.project) is None


def test_a_person_who_presses_submit_twice_at_once_is_one(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    ann, bob = people
    (task,) = server.push(2)
    with ThreadPoolExecutor(2) as pool:
        for _ in pool.map(lambda label: ann.answer(task, label), ("cat", "cat")):
            pass
    done = server.progress(2)
    assert (done.answered, done.partly) == (0, 1)  # one person, however many answers
    ids = server.backend.pushed(server.name, server.name)
    answers = server.backend.pull(server.project, ids)
    assert len({answer.annotator for answer in answers}) == 1
    assert all(answer.editor == answer.annotator for answer in answers)
    bob.answer(task, "cat")
    assert server.progress(2).answered == 1


def test_update_on_an_answer_of_somebody_else_names_who_pressed_it(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    """As from the list of tasks, where the page shows whatever answer there is."""
    ann, bob = people
    (task,) = server.push(1)
    ann.answer(task, "cat")
    ids = server.backend.pushed(server.name, server.name)
    (before,) = server.backend.pull(server.project, ids)
    body = {"result": labeling_config.result("dog"), "was_cancelled": False}
    headers = {"X-CSRFToken": bob.browser.cookies["csrftoken"]}
    path = f"/api/annotations/{before.annotation}/"
    bob.browser.patch(path, json=body, headers=headers).raise_for_status()
    (after,) = server.backend.pull(server.project, ids)
    assert (after.annotator, after.labels) == (before.annotator, ("dog",))
    assert before.editor == before.annotator != after.editor


def test_a_draft_of_a_class_that_is_removed_stops_no_change_of_classes(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    """Sent off later it is an answer that names no class."""
    ann, _ = people
    (task,) = server.push(1)
    said = {"result": labeling_config.result("cat"), "lead_time": 1.0}
    headers = {"X-CSRFToken": ann.browser.cookies["csrftoken"]}
    draft = ann.browser.post(f"/api/tasks/{task}/drafts", json=said, headers=headers)
    assert draft.status_code == 201
    new = LabelSchema(("dog", "cow"), "Choose.")
    server.backend.open_project(server.name, "Test", new)
    server.backend.check_schema(server.project, new)
    said["draft_id"] = draft.json()["id"]
    sent = ann.browser.post(f"/api/tasks/{task}/annotations/", json=said, headers=headers)
    assert sent.status_code == 201
    ids = server.backend.pushed(server.name, server.name)
    (answer,) = server.backend.pull(server.project, ids)
    assert consensus.valid_class(answer.labels, new.classes) is None


def test_sync_on_the_storage_of_the_images_makes_tasks_of_nobody(server: Server) -> None:
    """Somebody presses it in the settings of the project."""
    (task,) = server.push(1)

    def sync(sdk: Any) -> None:
        for storage in sdk.import_storage.local.list(project=server.project):
            sdk.import_storage.local.sync(storage.id)

    server.api.call("syncing", sync)
    deadline = time.monotonic() + 60
    while len(server.api.tasks(server.project)) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert server.progress(1).strangers > 0
    assert [each.id for each in server.api.tasks(server.project)] == [task]


def test_an_answer_that_came_before_the_overlap_was_set_counts_as_one(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    ann, bob = people
    (task,) = server.push(1)
    ann.answer(task, "cat")  # done, as far as the server knows
    assert server.push(2) == [task]
    assert bob.next(server.project) == task
    assert ann.next(server.project) is None


class Broken(httpx.BaseTransport):
    """Lets so many changes of tasks through, then the server is away."""

    def __init__(self, passes: int) -> None:
        self.network, self.left = httpx.HTTPTransport(), passes

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH" and "/tasks/" in request.url.path:
            self.left -= 1
            if self.left < 0:
                raise httpx.ConnectError("connection refused")
        return self.network.handle_request(request)

    def close(self) -> None:
        self.network.close()


def test_a_push_that_broke_off_sets_what_is_wrong_and_nothing_else(server: Server) -> None:
    tasks = server.tasks(*[2] * 6, 1)
    with pytest.raises(ServiceDown, match="asking 2 people about task"):
        server.connect(Broken(2)).push(server.project, tasks)
    assert sorted(t.overlap for t in server.api.tasks(server.project)) == [1, 1, 1, 1, 1, 2, 2]
    counting = Broken(10)
    server.connect(counting).push(server.project, tasks)
    assert counting.left == 10 - 4
    assert [t.overlap for t in server.api.tasks(server.project)] == [2] * 6 + [1]
    server.connect(Broken(0)).push(server.project, tasks)  # nothing is left to change


def test_what_was_begun_is_served_to_nobody_once_the_round_is_ended(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    ann, bob = people
    begun, untouched = server.push(2, 2)
    ann.answer(begun, "cat")
    tasks = server.backend.pushed(server.name, server.name)
    server.backend.withdraw(server.project, tasks)
    assert bob.next(server.project) is None
    server.backend.tidy(server.project, tasks)
    assert [task.id for task in server.api.tasks(server.project)] == [begun]
    assert untouched != begun


def test_a_task_that_somebody_left_open_blocks_no_round(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    ann, bob = people
    (task,) = server.push(1)
    assert ann.next(server.project) == task  # and leaves
    assert bob.next(server.project) is None
    database = server.campaign.private / "label-studio" / "label_studio.sqlite3"
    with closing(sqlite3.connect(database, timeout=60)) as opened, opened:
        late = [(datetime.now(UTC) + timedelta(minutes=30)).isoformat(" "), task]
        ends = "SELECT count(*) FROM tasks_tasklock WHERE expire_at < ? AND task_id = ?"
        assert opened.execute(ends, late).fetchone() == (1,)  # half an hour, not a day
        past = "UPDATE tasks_tasklock SET expire_at = '2001-01-01 00:00:00' WHERE task_id = ?"
        assert opened.execute(past, [task]).rowcount == 1
    assert bob.next(server.project) == task  # and leaves, too
    tasks = server.backend.pushed(server.name, server.name)
    server.backend.withdraw(server.project, tasks)
    server.backend.tidy(server.project, tasks)
    assert server.api.tasks(server.project) == []


def test_nothing_tells_annotators_why_a_task_is_asked(
    server: Server, people: tuple[Annotator, Annotator]
) -> None:
    image = server.tasks(1)[0].image
    seen = []
    for rank, (kind, shown) in enumerate((("selected", False), ("gold", False), ("gold", True))):
        key = f"{server.name}/002/{rank:016x}"
        guess = Prediction("cat", 0.5, "round-001")
        spec = TaskSpec(key, f"{rank:016x}", image, rank, 2, kind, 1, guess, shown)  # type: ignore[arg-type]
        task = server.backend.push(server.project, [spec], "round-001" if shown else None)[key]
        shown_task = people[0].browser.get(f"/api/tasks/{task}/").json()
        assert "gold" not in str(shown_task)
        seen.append(({*shown_task}, {*shown_task["meta"]}, len(shown_task["predictions"])))
    assert seen[0] == seen[1]
    assert seen[0][:2] == seen[2][:2]
    assert [each[2] for each in seen] == [0, 0, 1]
