"""What the door to Label Studio says when the other side is not as it should be; no server."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from faults.transport import Clock

from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, rest_network
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi, Project
from labelcycle.adapters.local import processes
from labelcycle.campaign.store import Campaign
from labelcycle.errors import LabelcycleError, ServiceDown, ServiceRefused

TOKEN = "0123456789abcdef" * 2
URL = "http://127.0.0.1:1"

PROJECT = {
    "id": 7,
    "title": "t",
    "description": None,
    "label_config": "<View/>",
    "task_number": 3,
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before a read is repeated pass at once."""
    monkeypatch.setattr(rest_network, "time", Clock())


def api(answer: Callable[[httpx.Request], httpx.Response]) -> LabelStudioApi:
    return LabelStudioApi(URL, TOKEN, transport=httpx.MockTransport(answer))


def says(status: int, body: Any) -> LabelStudioApi:
    text = body if isinstance(body, str) else json.dumps(body)
    return api(lambda request: httpx.Response(status, text=text))


def test_a_closed_port() -> None:
    url = f"http://127.0.0.1:{processes.free_port(0, '127.0.0.1')}"
    wanted = (
        rf"^Label Studio does not answer at {url} \(reading project 7: .*Connection refused\);"
        " run `labelcycle up`, or set LABEL_STUDIO_URL to where it runs$"
    )
    with pytest.raises(ServiceDown, match=wanted):
        LabelStudioApi(url, TOKEN).project(7)


@pytest.mark.parametrize(
    ("url", "token", "wanted"),
    [
        (URL, "", r"LABEL_STUDIO_API_KEY: wanted the access token of .*, got nothing; copy it"),
        (URL, "a\nb", r"LABEL_STUDIO_API_KEY: .* got a text that no token can be; copy it"),
        (URL, "schlüssel", r"LABEL_STUDIO_API_KEY: .* got a text that no token can be; copy it"),
        ("", TOKEN, r"LABEL_STUDIO_URL: wanted an address such as .*, got nothing; run"),
        ("localhost:8080", TOKEN, r"LABEL_STUDIO_URL: .*, got 'localhost:8080'; run"),
    ],
)
def test_settings_that_cannot_work(url: str, token: str, wanted: str) -> None:
    with pytest.raises(ServiceRefused, match=wanted):
        LabelStudioApi(url, token)


@pytest.mark.parametrize(
    ("status", "body", "kind", "wanted"),
    [
        (401, {"detail": "Invalid token."}, ServiceRefused, "refuses the token .*LABEL_STUDIO_API"),
        (403, {"detail": "No."}, ServiceRefused, r"refused \(reading project 7: status 403"),
        (404, {"detail": "Not found."}, ServiceRefused, f"^project 7 is not at {URL} "),
        (400, {"a": ["b"]}, ServiceRefused, r"status 400, {'a': \['b'\]}\); mend that$"),
        (429, {}, ServiceDown, "status 429, .*run the same command again$"),
        (500, "<html>\n\n<p>Error", ServiceDown, "status 500, <html> <p>Error.* same command"),
        (200, "<html>Log in", ServiceRefused, "but not as Label Studio does .*<html>Log in"),
        (200, [], ServiceRefused, "but not as Label Studio does .*version 1.23$"),
        (200, {}, ServiceRefused, "but not as Label Studio does .*version 1.23$"),
        (200, "null", ServiceRefused, "but not as Label Studio does .*version 1.23$"),
    ],
)
def test_answers_become_errors(
    status: int, body: Any, kind: type[LabelcycleError], wanted: str
) -> None:
    with pytest.raises(kind, match=wanted):
        says(status, body).project(7)


def test_no_error_shows_the_token_or_a_second_line() -> None:
    door = says(500, f"<html>\nAuthorization: Token {TOKEN}\n{'x' * 5000}")
    with pytest.raises(ServiceDown, match=r"Token \*\*\* x") as caught:
        door.whoami()
    assert TOKEN not in f"{caught.value!r} {door!r}"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_backend_hides_the_token(tmp_path: Any) -> None:
    env = {"LABEL_STUDIO_URL": f"{URL}/", "LABEL_STUDIO_API_KEY": TOKEN}
    backend = LabelStudioBackend(Campaign(tmp_path), env)
    assert repr(backend) == f"LabelStudioBackend({URL})"
    assert backend.project_url(3) == f"{URL}/projects/3/data"
    elsewhere = env | {"LABEL_STUDIO_HOST": "http://192.0.2.7:8080"}
    public = LabelStudioBackend(Campaign(tmp_path), elsewhere)
    assert public.project_url(3) == "http://192.0.2.7:8080/projects/3/data"
    assert public.work_url(3) == "http://192.0.2.7:8080/projects/3/data?labeling=1"


# --- lists ---------------------------------------------------------------------------------


def task(number: int) -> dict[str, Any]:
    return {"id": number, "data": {"key": f"k{number}"}, "meta": None, "total_annotations": 0}


def pages(total: int, *tasks: list[int]) -> LabelStudioApi:
    """A server with pages of tasks; after the last one it says 404, as the real one does."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "/projects/" in request.url.path:
            return httpx.Response(200, json=PROJECT)
        number = int(request.url.params["page"])
        if number > len(tasks):
            return httpx.Response(404, json={"detail": "Invalid page."})
        some = [task(i) for i in tasks[number - 1]]
        return httpx.Response(200, json={"tasks": some, "total": total})

    return api(answer)


def test_pages_are_put_together() -> None:
    found = pages(3, [3, 1], [2]).tasks(7)
    assert [(t.id, t.key, t.untouched) for t in found] == [
        (1, "k1", True),
        (2, "k2", True),
        (3, "k3", True),
    ]


@pytest.mark.parametrize("tasks", [([1], []), ([1, 2], [2], []), ([1, 2],), ([],)])
def test_a_list_that_lacks_tasks_is_no_list(tasks: tuple[list[int], ...]) -> None:
    wanted = r"the list of tasks .* is not complete: wanted 3, got .; .* run the same command again"
    with pytest.raises(ServiceDown, match=wanted):
        pages(3, *tasks).tasks(7)


def test_a_list_shorter_than_the_project_is_no_list() -> None:
    with pytest.raises(ServiceDown, match="is not complete: wanted 3, got 2"):
        pages(2, [1, 2]).tasks(7)


def test_a_project_is_read() -> None:
    assert says(200, PROJECT).project(7) == Project(7, "t", "", "<View/>", 3)
