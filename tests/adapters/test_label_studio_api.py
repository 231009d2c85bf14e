"""What the door to Label Studio says when the other side is not as it should be; no server."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from faults.transport import Clock

from labelcycle.adapters.annotation.label_studio import (
    LabelStudioBackend,
    rest_network,
    task_display,
    task_people,
    tidying,
)
from labelcycle.adapters.annotation.label_studio.listed_task import ListedTask
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi, Project
from labelcycle.adapters.annotation.label_studio.rest_errors import Wording, check_access
from labelcycle.adapters.local import processes
from labelcycle.campaign.campaign_paths import Campaign
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


# --- what was tried ------------------------------------------------------------------------


SHOWN = task_display.Shown(ListedTask(5, "k", 0, 0, data={"image": "other"}), ())


@pytest.mark.parametrize(
    ("ask", "doing"),
    [
        (lambda api: api.whoami(), "asking who the token belongs to"),
        (lambda api: api.me, "asking who the token belongs to"),
        (lambda api: api.projects(), "listing the projects"),
        (lambda api: api.project(7), "reading project 7"),
        (lambda api: api.create_project(title="t"), "making the project"),
        (
            lambda api: api.update_project(7, title="t", description="d"),
            "changing title, description of project 7",
        ),
        (lambda api: api.tasks(7), "listing the tasks"),
        (lambda api: api.import_tasks(7, [{"data": {}}] * 3), "pushing 3 tasks"),
        (lambda api: api.annotations(5), "reading task 5"),
        (lambda api: api.export(7, [1]), "exporting the annotations"),
        (lambda api: api.users(), "listing the accounts"),
        (lambda api: api.create_user("a@b", "p"), "making the account a@b"),
        (lambda api: api.annotate(5, result=[]), "answering task 5"),
        (lambda api: task_people.annotators(api, 7, [5]), "asking who answered"),
        (lambda api: task_people.invitation(api, False), "reading the invitation"),
        (lambda api: task_people.invitation(api, True), "renewing the invitation"),
        (lambda api: task_people._change(api, 5, 3, served=True), "asking 3 people about task 5"),
        (
            lambda api: tidying._remove(api, 7, [1, 2], ("n", "o", "k", "v")),
            "deleting 2 unanswered tasks",
        ),
        (lambda api: task_display._predictions(api, 7), "reading the pre-annotations"),
        (lambda api: task_display._remove(api, 5, 3), "removing a pre-annotation of task 5"),
        (lambda api: task_display.restore(api, "k", SHOWN, {}), "putting task 5 right"),
    ],
)
def test_an_error_says_what_was_tried(ask: Callable[[LabelStudioApi], object], doing: str) -> None:
    with pytest.raises(ServiceRefused) as told:
        ask(says(403, {"detail": "No."}))
    error = str(told.value)
    said = f"Label Studio at {URL} refused ({doing}: status 403, {{'detail': 'No.'}}); mend that"
    assert error == said


FAILED = f"Label Studio at {URL} failed (x: status {{}}, y); run the same command again"
REFUSED = f"Label Studio at {URL} refused (x: status {{}}, y); mend that"
ANOTHER = (
    f"{URL} answered, but not as Label Studio does (x: status {{}}, y); check that LABEL_STUDIO_URL"
    " is a Label Studio of version 1.23"
)
TOKEN_REFUSED = (
    f"Label Studio at {URL} refuses the token (x); wanted the access token of an account there; set"
    " LABEL_STUDIO_API_KEY to it"
)


@pytest.mark.parametrize(
    ("status", "kind", "wanted"),
    [
        *((n, ServiceDown, FAILED) for n in (408, 409, 425, 429, 500, 502, 503, 504)),
        *((n, ServiceRefused, REFUSED) for n in (300, 400, 403, 404, 405, 410, 501)),
        *((n, ServiceRefused, ANOTHER) for n in (200, 299)),
        (401, ServiceRefused, TOKEN_REFUSED),
    ],
)
def test_what_a_status_means(status: int, kind: type[LabelcycleError], wanted: str) -> None:
    found = Wording(URL, TOKEN).refused(status, "y", "x", None)
    assert (type(found), str(found)) == (kind, wanted.format(status))


def test_what_went_wrong_is_told_in_a_line_without_the_token() -> None:
    wording = Wording(URL, TOKEN)
    error = ValueError(f"a\n {TOKEN}b " + "x" * 300)
    text = f"a ***b {'x' * 193}…"
    assert str(wording.unreachable(error, "d")) == (
        f"Label Studio does not answer at {URL} (d: {text}); run `labelcycle up`, or set"
        " LABEL_STUDIO_URL to where it runs"
    )
    assert str(wording.redirected(ValueError("there"), "d")) == (
        f"Label Studio at {URL} points elsewhere (d: there); set LABEL_STUDIO_URL to the address"
        " that it has, https and port included"
    )
    assert str(wording.malformed(error, "d")) == (
        f"{URL} answered, but not as Label Studio does (d: {text}); check that LABEL_STUDIO_URL is"
        " a Label Studio of version 1.23"
    )
    kinds = [type(wording.unreachable(error, "d")), type(wording.redirected(error, "d"))]
    assert [*kinds, type(wording.malformed(error, "d"))] == [
        ServiceDown,
        ServiceRefused,
        ServiceRefused,
    ]
    assert str(wording.refused(404, "y" * 200, "d", 7)) == (
        f"project 7 is not at {URL} (d: status 404, {'y' * 200}); wanted the campaign's project, it"
        " was deleted or LABEL_STUDIO_URL names another server; restore it, or run"
        " `labelcycle cancel --abandon` to end the round without its answers"
    )
    assert TOKEN not in repr(wording)


@pytest.mark.parametrize(
    ("url", "token", "wanted"),
    [
        (
            "",
            TOKEN,
            "LABEL_STUDIO_URL: wanted an address such as http://127.0.0.1:8080, got nothing; run"
            " `labelcycle up`, or set it",
        ),
        (
            "ftp://me:hush@h",
            TOKEN,
            "LABEL_STUDIO_URL: wanted an address such as http://127.0.0.1:8080, got 'ftp://h'; run"
            " `labelcycle up`, or set it",
        ),
        (
            "https://me:hush@h",
            TOKEN,
            "LABEL_STUDIO_URL: wanted an address without a user name and password, got them before"
            " https://h: they would be sent in place of the token; take them out",
        ),
        (
            "https://h",
            "",
            "LABEL_STUDIO_API_KEY: wanted the access token of an account at https://h, got nothing;"
            " copy it from the account page, or run `labelcycle up`",
        ),
        (
            "https://h",
            "a b",
            "LABEL_STUDIO_API_KEY: wanted the access token of an account at https://h, got a text"
            " that no token can be; copy it from the account page, or run `labelcycle up`",
        ),
    ],
)
def test_an_access_that_cannot_be(url: str, token: str, wanted: str) -> None:
    with pytest.raises(ServiceRefused) as told:
        check_access(url, token)
    assert str(told.value) == wanted
    check_access("http://h", TOKEN)
    check_access("https://h", TOKEN)


def test_a_list_of_projects_that_lacks_some_is_no_list() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        some = [PROJECT] if request.url.params["page"] == "1" else []
        page = {"count": 3, "results": some, "next": None, "previous": None}
        return httpx.Response(200, json=page)

    with pytest.raises(ServiceDown) as told:
        api(answer).projects()
    assert str(told.value) == (
        f"the list of projects of {URL} is not complete: wanted 3, got 1; somebody may be changing"
        " them: run the same command again"
    )


def test_an_export_of_another_shape_is_refused() -> None:
    for record in (
        {"id": 3, "annotations": 1, "data": {"key": "k"}},
        {"id": 3, "annotations": [], "data": {"key": 1}},
    ):
        with pytest.raises(ServiceRefused) as told:
            says(200, [record]).export(7, [3])
        assert str(told.value) == (
            f"{URL} answered, but not as Label Studio does (exporting the annotations: task 3 is"
            " not as Label Studio exports it); check that LABEL_STUDIO_URL is a Label Studio of"
            " version 1.23"
        )
