"""Tasks that a server makes after the push has looked: nobody is to be paid for them."""

from pathlib import Path

import httpx
from faults.double import TOKEN, URL, Double
from PIL import Image

from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import LabelSchema, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign


class Slow(httpx.BaseTransport):
    """Does the first import when it is told to, long after the client gave up; notes all calls."""

    def __init__(self, server: httpx.BaseTransport) -> None:
        self.server, self.calls = server, list[str]()
        self.late: httpx.Request | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(f"{request.method} {request.url.path}")
        if self.late is None and request.url.path.endswith("/import"):
            request.read()
            self.late = request
            raise httpx.ReadTimeout("the read operation timed out")
        return self.server.handle_request(request)

    def catch_up(self) -> None:
        assert self.late is not None
        self.server.handle_request(self.late)


SCHEMA = LabelSchema(("cat", "dog"), "Choose.")
COUNT = 5


class Round:
    """Tasks for so many people each, all of which the server made once more, late."""

    def __init__(self, campaign: Campaign, people: int) -> None:
        self.campaign, self.server = campaign, Double()
        image = campaign.media / "images" / "a.png"
        image.parent.mkdir(parents=True)
        Image.new("RGB", (2, 2)).save(image)
        specs = [
            TaskSpec(f"c/000/{rank}", f"{rank}", image, rank, 0, wanted=people)
            for rank in range(COUNT)
        ]
        self.wanted = {spec.key: people for spec in specs}
        slow = Slow(self.server)
        backend = self.backend(slow)
        self.project = backend.open_project("c", "Late", SCHEMA)
        self.ids = backend.push(self.project, specs)
        assert len(self.server.tasks) == COUNT
        slow.catch_up()
        assert len(self.server.tasks) == 2 * COUNT

    def backend(self, way: httpx.BaseTransport) -> LabelStudioBackend:
        env = {"LABEL_STUDIO_URL": URL, "LABEL_STUDIO_API_KEY": TOKEN}
        return LabelStudioBackend(self.campaign, env, transport=way, pauses_s=(0, 0))

    def look(self, way: httpx.BaseTransport | None = None) -> int:
        """How many tasks are done."""
        backend = self.backend(way or self.server)
        return backend.progress(self.project, self.ids, self.wanted).answered

    def answer(self, task: int) -> None:
        LabelStudioApi(URL, TOKEN, transport=self.server).annotate(task, result=[])


def test_late_twins_are_gone_with_the_next_look(tmp_path: Path) -> None:
    round_ = Round(Campaign(tmp_path), 1)
    assert round_.look() == 0
    for task in list(round_.server.tasks):  # everybody answers whatever is there
        round_.answer(task)
    assert len(round_.server.annotations) == COUNT
    assert round_.look() == COUNT


def test_an_answered_twin_stays_and_asks_as_many_people(tmp_path: Path) -> None:
    round_ = Round(Campaign(tmp_path), 2)
    twin = max(round_.server.tasks)
    round_.answer(twin)
    assert round_.look() == 0
    held = round_.server.tasks
    assert (len(held), {task["overlap"] for task in held.values()}) == (COUNT, {2})
    assert not held[twin]["is_labeled"]


def test_a_look_lists_the_project_once(tmp_path: Path) -> None:
    round_ = Round(Campaign(tmp_path), 1)
    round_.look()
    counted = Slow(round_.server)
    round_.look(counted)
    assert counted.calls == ["GET /api/tasks/", f"GET /api/projects/{round_.project}/"]
