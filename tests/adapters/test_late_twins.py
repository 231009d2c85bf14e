"""Tasks that a server makes after the push has looked: nobody is to be paid for them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from faults.rounds import TASKS, Round, on_double
from labelcycle.adapters.annotation import label_studio
from labelcycle.store import Campaign


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


Pushed = Callable[[int], Round]


@pytest.fixture
def pushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pushed:
    """A round for so many people a task, all of whose tasks the server made once more, late."""
    monkeypatch.setattr(label_studio.time, "sleep", lambda seconds: None)

    def push(people: int) -> Round:
        place = on_double(Campaign(tmp_path))
        made, slow = Round(place), Slow(place.server)
        made.specs = [replace(spec, wanted=people) for spec in made.specs]
        made.push(place.backend(slow))
        assert len(made.held()) == TASKS
        slow.catch_up()
        assert len(made.held()) == 2 * TASKS
        return made

    return push


def look(round_: Round, people: int, way: httpx.BaseTransport | None = None) -> int:
    """How many tasks are done."""
    wanted = {spec.key: people for spec in round_.specs}
    return round_.place.backend(way).progress(round_.project, round_.ids, wanted).answered


def test_late_twins_are_gone_with_the_next_look(pushed: Pushed) -> None:
    round_ = pushed(1)
    assert look(round_, 1) == 0
    for task in round_.held():  # everybody answers whatever is there
        round_.answer(task.id)
    assert len(round_.given) == TASKS
    assert look(round_, 1) == TASKS


def test_an_answered_twin_stays_and_asks_as_many_people(pushed: Pushed) -> None:
    round_ = pushed(2)
    twin = max(task.id for task in round_.held())
    round_.answer(twin)
    assert look(round_, 2) == 0
    held = round_.held()
    assert (len(held), {task.overlap for task in held}) == (TASKS, {2})
    assert next(task.served for task in held if task.id == twin)


def test_a_look_lists_the_project_once(pushed: Pushed) -> None:
    round_ = pushed(1)
    look(round_, 1)
    counted = Slow(round_.place.server)
    look(round_, 1, counted)
    assert counted.calls == ["GET /api/tasks/", f"GET /api/projects/{round_.project}/"]
