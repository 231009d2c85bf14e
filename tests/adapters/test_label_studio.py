"""The Label Studio adapter against a real server, with faults between them."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from label_studio_sdk import LabelStudio
from PIL import Image

from labelcycle.adapters.annotation.label_studio import (
    LabelStudioBackend,
    labeling_config,
    server_checks,
)
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import health, processes
from labelcycle.adapters.local import services as local_services
from labelcycle.adapters.local.services import Services
from labelcycle.adapters.ports import AnnotationProgress, LabelSchema, Prediction, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import ServiceDown, ServiceRefused, StateError

pytestmark = pytest.mark.service

SCHEMA = LabelSchema(("cat", '<&"> Hündin'), "Choose what you see.\nSkip <bad> images.")
ODD_NAME = "a b#%&+ä.png"


class Server:
    """The real server, one project of it, and ways to reach it past the adapter."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.environment = local_services.environment(campaign)
        self.url, self.token = self.environment["LABEL_STUDIO_URL"], self._token()
        self.name = uuid.uuid4().hex
        self.backend = self.connect()
        self.api = LabelStudioApi(self.url, self.token)
        self.project = self.backend.open_project(self.name, "Test", SCHEMA)
        limits = httpx.Limits(max_keepalive_connections=0)
        self.sdk = LabelStudio(
            base_url=self.url,
            api_key=self.token,
            max_retries=0,
            httpx_client=httpx.Client(limits=limits, timeout=60),
        )

    def _token(self) -> str:
        return self.environment["LABEL_STUDIO_API_KEY"]

    def connect(self, transport: httpx.BaseTransport | None = None) -> LabelStudioBackend:
        return LabelStudioBackend(
            self.campaign, self.environment, transport=transport, pauses_s=(0, 0, 0)
        )

    def get(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Token {self.token}"}
        return httpx.get(self.url + path, headers=headers, timeout=60)

    def tasks(self, count: int, label: str | None = None) -> list[TaskSpec]:
        """`count` tasks of one round, in an order that is not the rank's."""
        image = self.campaign.media / "images" / ODD_NAME
        image.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), "red").save(image)
        prediction = Prediction(label, 0.6, "round-000") if label else None
        specs = [
            TaskSpec(
                f"{self.name}/001/{rank:016x}", f"{rank:016x}", image, rank, 1,
                prediction=prediction,
            )
            for rank in range(count)
        ]  # fmt: skip
        return specs[::-1]

    def keys(self) -> list[str | None]:
        """Keys of all tasks the server holds, twins included, in the order of ids."""
        return [task.key for task in self.api.tasks(self.project)]

    def answer(self, task: int, label: str | None, **more: Any) -> None:
        more = {"completed_by": 1, "lead_time": 1.5, "unique_id": str(uuid.uuid4())} | more
        assert self.api.annotate(task, result=labeling_config.result(label), **more)


@pytest.fixture(scope="module")
def running(service_campaign: Campaign, label_studio: Services) -> Campaign:
    return service_campaign


@pytest.fixture
def server(running: Campaign) -> Server:
    return Server(running)


def ranked(tasks: list[TaskSpec]) -> list[str]:
    return [task.key for task in sorted(tasks, key=lambda task: task.rank)]


class Fault(httpx.BaseTransport):
    """Passes requests on; the `at`-th one to an address that matches gets another answer.

    answer : the server's own response, or None where it was never asked -> what the client sees
    """

    def __init__(
        self,
        pattern: str,
        answer: Callable[[httpx.Response | None], httpx.Response],
        *,
        passes: bool = True,
        at: int = 1,
    ) -> None:
        self._network = httpx.HTTPTransport()
        self._pattern, self._answer, self._passes, self._at = pattern, answer, passes, at
        self.seen = 0

    def close(self) -> None:
        self._network.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if re.search(self._pattern, f"{request.method} {request.url.path}"):
            self.seen += 1
            if self.seen == self._at:
                response = self._network.handle_request(request) if self._passes else None
                if response:
                    response.read()
                return self._answer(response)
        return self._network.handle_request(request)


def bad_gateway(response: httpx.Response | None) -> httpx.Response:
    return httpx.Response(502, text="<html>Bad Gateway</html>")


def timeout(response: httpx.Response | None) -> httpx.Response:
    raise httpx.ReadTimeout("the read operation timed out")


def page_of_html(response: httpx.Response | None) -> httpx.Response:
    return httpx.Response(200, text="<html>Log in</html>")


# --- push ----------------------------------------------------------------------------------


def test_push_after_a_half_done_push(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcycle.adapters.annotation.label_studio.label_studio_backend.CHUNK", 2)
    tasks = server.tasks(5)
    down = Fault("POST .*/import$", timeout, passes=False, at=2)
    with pytest.raises(ServiceDown, match=r"does not answer at .*\(pushing 2 tasks: the read op"):
        LabelStudioBackend(server.campaign, server.environment, transport=down, pauses_s=()).push(
            server.project, tasks
        )
    assert server.keys() == ranked(tasks)[:2]
    server.backend.push(server.project, tasks)
    assert server.keys() == ranked(tasks)


@pytest.mark.parametrize("answer", [bad_gateway, timeout])
@pytest.mark.parametrize("passes", [True, False])
@pytest.mark.parametrize("at", [1, 2])
def test_a_server_that_fails_makes_no_twins(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[httpx.Response | None], httpx.Response],
    passes: bool,
    at: int,
) -> None:
    monkeypatch.setattr("labelcycle.adapters.annotation.label_studio.label_studio_backend.CHUNK", 2)
    tasks = server.tasks(4)
    fault = Fault("POST .*/import$", answer, passes=passes, at=at)
    ids = server.connect(fault).push(server.project, tasks)
    assert fault.seen == (2 if passes else 3)  # nothing was sent that was there already
    assert server.keys() == ranked(tasks)
    assert sorted(ids.values()) == [ids[key] for key in ranked(tasks)]


def test_the_sdk_itself_would_make_twins(server: Server) -> None:
    """Why the adapter lets the SDK repeat nothing; once this fails, that is no more needed."""
    fault = Fault("POST .*/import$", bad_gateway)
    with httpx.Client(transport=fault, timeout=60) as client:
        sdk = LabelStudio(base_url=server.url, api_key=server.token, httpx_client=client)
        sdk.projects.import_tasks(server.project, request=[{"data": {"image": "x", "key": "twin"}}])
    assert server.keys() == ["twin", "twin"]


def test_twins_go_but_no_answer(server: Server) -> None:
    tasks = server.tasks(3)
    first = server.backend.push(server.project, tasks)
    keys = ranked(tasks)
    twins = [{"data": {"image": "x", "key": key}} for key in keys]
    server.api.import_tasks(server.project, twins)
    by_key = {key: [t.id for t in server.api.tasks(server.project) if t.key == key] for key in keys}
    server.answer(by_key[keys[1]][1], "cat")  # the second twin of one is answered
    server.answer(by_key[keys[2]][0], "cat")  # both of another
    server.answer(by_key[keys[2]][1], None, was_cancelled=True)
    ids = server.backend.push(server.project, tasks)
    assert ids == {**first, keys[1]: by_key[keys[1]][1]}
    assert sorted(server.keys()) == sorted([*keys, keys[2]])
    answers = server.backend.pull(server.project, ids)
    assert [(a.key, a.labels, a.skipped) for a in answers] == [
        (keys[2], ("cat",), False),
        (keys[1], ("cat",), False),
        (keys[2], (), True),
    ]


def test_pre_annotations_are_stored_and_shown(server: Server) -> None:
    name = SCHEMA.classes[1]
    ids = server.backend.push(server.project, server.tasks(2, name), "round-000")
    for task in ids.values():
        stored = server.get(f"/api/predictions?task={task}").json()
        assert [(p["model_version"], p["score"]) for p in stored] == [("round-000", 0.6)]
        assert stored[0]["result"][0]["value"] == {"choices": [name]}
    project = server.get(f"/api/projects/{server.project}").json()
    assert project["model_version"] == "round-000"
    assert project["show_collab_predictions"] is True


def test_tasks_are_served_in_the_order_of_rank(server: Server) -> None:
    tasks = server.tasks(4)
    server.backend.push(server.project, tasks)
    served = []
    for _ in tasks:
        task = server.get(f"/api/projects/{server.project}/next").json()
        served.append(task["data"]["key"])
        server.answer(task["id"], "cat")
    assert served == ranked(tasks)


def test_images_are_shown_and_nothing_tells_the_class(server: Server) -> None:
    ids = server.backend.push(server.project, server.tasks(1))
    task = server.get(f"/api/tasks/{next(iter(ids.values()))}").json()
    answer = server.get(task["data"]["image"])
    assert answer.status_code == 200
    assert answer.content == (server.campaign.media / "images" / ODD_NAME).read_bytes()
    assert set(task["data"]) == {"image", "key", "place"}
    assert set(task["meta"]) == {"sample", "round", "rank"}
    shown = server.url + task["data"]["image"]
    assert httpx.get(shown, timeout=60).status_code == 401  # who is not logged in


def test_the_project_is_made_once(server: Server) -> None:
    assert server.connect().open_project(server.name, "Other", SCHEMA) == server.project
    server.backend.check_schema(server.project, SCHEMA)
    shown = server.get(f"/api/projects/{server.project}").json()
    assert shown["title"] == "Test"
    assert shown["expert_instruction"] == "Choose what you see.<br>Skip &lt;bad&gt; images."
    assert server.backend.project_url(server.project) == f"{server.url}/projects/{shown['id']}/data"
    page = server.get(f"/projects/{server.project}/data")
    assert page.headers["location"].startswith("/user/login/?next=/projects/")  # for people


def test_the_project_is_made_once_though_the_server_failed(server: Server) -> None:
    name = uuid.uuid4().hex
    made = server.connect(Fault("POST /api/projects/$", bad_gateway)).open_project(
        name, "Test", SCHEMA
    )
    assert server.backend.open_project(name, "Test", SCHEMA) == made
    marks = [p.id for p in server.api.projects() if name in p.description]
    assert marks == [made]


# --- people --------------------------------------------------------------------------------


def test_pull_brings_every_kind_of_answer(server: Server) -> None:
    ids = server.backend.push(server.project, server.tasks(6))
    keys = sorted(ids)
    server.answer(ids[keys[0]], SCHEMA.classes[1])
    server.answer(ids[keys[1]], None, was_cancelled=True)
    server.answer(ids[keys[2]], None)  # an empty answer, as the API takes it
    server.answer(ids[keys[3]], "zebra")  # a class that nobody offered
    for label in ("cat", SCHEMA.classes[1]):  # one person twice
        server.answer(ids[keys[4]], label)
    answers = server.backend.pull(server.project, ids)
    assert [(a.key, a.labels, a.skipped) for a in answers] == [
        (keys[0], (SCHEMA.classes[1],), False),
        (keys[1], (), True),
        (keys[2], (), False),
        (keys[3], ("zebra",), False),
        (keys[4], ("cat",), False),
        (keys[4], (SCHEMA.classes[1],), False),
    ]
    assert {(a.annotator, a.lead_time_s) for a in answers} == {("1", 1.5)}
    assert [a.annotation for a in answers] == sorted(a.annotation for a in answers)
    assert server.backend.progress(server.project, ids) == AnnotationProgress(6, 4, 1, given=6)
    some = {keys[0]: ids[keys[0]]}
    assert server.backend.progress(server.project, some) == AnnotationProgress(1, 1, 0, given=1)
    assert [a.key for a in server.backend.pull(server.project, some)] == [keys[0]]


def test_drafts_are_no_answers(server: Server) -> None:
    ids = server.backend.push(server.project, server.tasks(1))
    task = next(iter(ids.values()))
    response = httpx.post(
        f"{server.url}/api/tasks/{task}/drafts",
        headers={"Authorization": f"Token {server.token}"},
        json={"result": labeling_config.result("cat"), "lead_time": 1},
        timeout=60,
    )
    assert response.status_code == 201
    assert server.backend.pull(server.project, ids) == []
    assert server.backend.progress(server.project, ids) == AnnotationProgress(1, 0, 0)


def test_a_round_is_withdrawn_in_two_steps_which_leave_what_people_did(server: Server) -> None:
    """First nobody is asked any more, and only later unanswered tasks go: not those of others."""
    tasks = server.tasks(5)
    ids = server.backend.push(server.project, tasks)
    keys = ranked(tasks)
    server.answer(ids[keys[0]], "cat")
    server.answer(ids[keys[1]], None, was_cancelled=True)
    some = {key: ids[key] for key in keys[:4]}
    server.backend.withdraw(server.project, some)
    assert [t.served for t in server.api.tasks(server.project)] == [False] * 4 + [True]
    server.answer(ids[keys[2]], "dog")  # by somebody who had it open
    for _ in range(2):
        server.backend.tidy(server.project, some)
        assert server.keys() == [*keys[:3], keys[4]]
    assert len(server.backend.pull(server.project, some, optional=some)) == 3
    again = {key: number - 1 for key, number in ids.items()}  # the numbers of others
    server.backend.tidy(server.project, {keys[0].replace("/001/", "/002/"): ids[keys[4]]})
    server.backend.tidy(server.project, {keys[4]: again[keys[4]]})
    assert server.keys() == [*keys[:3], keys[4]]


def test_tasks_of_others_are_removed_and_their_answers_count_nowhere(server: Server) -> None:
    """Somebody presses Sync, imports tasks, or makes one under the key of a sample to come."""
    first, later = server.tasks(2)
    ids = server.backend.push(server.project, [first])
    strangers = [{"image": "y"}, {"image": "y", "key": "other/001/x"}, {"image": "y", "key": 7}]
    strangers += [{"image": "z"}, {"image": "evil", "key": later.key}]
    server.api.import_tasks(server.project, [{"data": data} for data in strangers])
    answered = next(t.id for t in server.api.tasks(server.project) if t.data["image"] == "z")
    server.answer(answered, "cat")
    done = server.backend.progress(server.project, ids)
    assert (done.strangers, done.given, done.tasks) == (4, 0, 1)
    left = {t.id: t.served for t in server.api.tasks(server.project) if t.key is None}
    assert left == {answered: False}
    ids |= server.backend.push(server.project, [later])
    assert len(server.backend.pull(server.project, ids)) == 0
    shown = {t.key: t.data["image"] for t in server.api.tasks(server.project)}
    assert "evil" not in shown.values()


def test_a_task_that_bears_the_key_of_another_is_neither(server: Server) -> None:
    tasks = server.tasks(3)
    ids = server.backend.push(server.project, tasks)
    one, two, three = ranked(tasks)
    for key in ids:
        server.answer(ids[key], "cat")
    data = {"image": "x", "key": two}
    server.api.call("swapping", lambda sdk: sdk.tasks.update(str(ids[one]), data=data))
    answers = server.backend.pull(server.project, ids, optional=ids)
    assert [(a.key, a.task) for a in answers] == [(two, ids[two]), (three, ids[three])]


# --- what goes wrong -----------------------------------------------------------------------


def test_a_deleted_project_is_named(server: Server) -> None:
    ids = server.backend.push(server.project, server.tasks(1))
    server.sdk.projects.delete(server.project)
    wanted = rf"^project {server.project} is not at {server.url} .*cancel --abandon` to end the ro"
    for call in (
        lambda: server.backend.push(server.project, server.tasks(1)),
        lambda: server.backend.progress(server.project, ids),
        lambda: server.backend.pull(server.project, ids),
        lambda: server.backend.check_schema(server.project, SCHEMA),
    ):
        with pytest.raises(ServiceRefused, match=wanted):
            call()


def test_a_removed_class_is_named(server: Server) -> None:
    less = labeling_config.build(LabelSchema(("cat",), SCHEMA.instruction))
    server.sdk.projects.update(server.project, label_config=less)
    wanted = (
        rf"^the labelling interface of project {server.project} \(http.*\) no longer offers"
        r" '<&\"> Hündin'; wanted the classes 'cat', '<&\"> Hündin'; put it right in its Settings"
    )
    with pytest.raises(ServiceRefused, match=wanted):
        server.backend.check_schema(server.project, SCHEMA)
    with pytest.raises(ServiceRefused, match="wanted a pre-annotation among 'cat', got"):
        server.backend.push(server.project, server.tasks(1, SCHEMA.classes[1]), "m")


def test_an_interface_that_nobody_edited_follows_the_schema(server: Server) -> None:
    ids = server.backend.push(server.project, server.tasks(1))
    server.answer(next(iter(ids.values())), "cat")
    new = LabelSchema(("Katze", *SCHEMA.classes[1:], "cow"), "Choose anew.")
    server.sdk.projects.update(server.project, title="Renamed by hand")
    for _ in range(2):
        assert server.backend.open_project(server.name, "Test", new) == server.project
        server.backend.check_schema(server.project, new)
    shown = server.api.project(server.project)
    assert labeling_config.classes(shown.config) == new.classes
    assert shown.description.startswith(f"labelcycle campaign {server.name}\n")
    assert len(shown.description.splitlines()) == 2
    assert shown.title == "Renamed by hand"
    (given,) = server.backend.pull(server.project, ids)
    assert given.labels == ("cat",)


def test_an_interface_edited_by_hand_stays_and_is_named(server: Server) -> None:
    config = labeling_config.build(SCHEMA)
    edited = config.replace('choice="single-radio"', 'choice="multiple"')
    server.sdk.projects.update(server.project, label_config=edited)
    new = LabelSchema((*SCHEMA.classes, "cow"), SCHEMA.instruction)
    for schema in (SCHEMA, new):
        server.backend.open_project(server.name, "Test", schema)
        assert server.api.project(server.project).config == edited
        with pytest.raises(ServiceRefused, match=r"has choice 'multiple' for the choice \(wanted"):
            server.backend.check_schema(server.project, schema)
    server.sdk.projects.update(server.project, label_config=config.replace("><", "> <"))
    server.backend.open_project(server.name, "Test", new)
    server.backend.check_schema(server.project, new)


def test_a_project_without_the_mark_gets_it_once_it_asks_as_it_should(server: Server) -> None:
    mark = f"labelcycle campaign {server.name}"
    server.sdk.projects.update(server.project, description=mark)
    new = LabelSchema(("a", "b"), SCHEMA.instruction)
    for schema, followed in ((new, False), (SCHEMA, False), (new, True)):
        server.backend.open_project(server.name, "Test", schema)
        offered = labeling_config.classes(server.api.project(server.project).config)
        assert (offered == new.classes) == followed


def one_line(error: BaseException, secret: str) -> bool:
    return "\n" not in str(error) and secret not in f"{error}{error!r}"


def test_a_wrong_token(server: Server) -> None:
    wrong = "f" * 40
    env = server.environment | {"LABEL_STUDIO_API_KEY": wrong}
    backend = LabelStudioBackend(server.campaign, env)
    wanted = "refuses the token .* wanted the access token of an account there; set LABEL_STUDIO_A"
    with pytest.raises(ServiceRefused, match=wanted) as caught:
        backend.open_project("x", "Test", SCHEMA)
    assert one_line(caught.value, wrong)
    assert wrong not in repr(backend)


def test_html_instead_of_json(server: Server) -> None:
    backend = server.connect(Fault("GET /api/projects/$", page_of_html))
    wanted = "answered, but not as Label Studio does .*<html>Log in</html>.*check that LABEL_STUDIO"
    with pytest.raises(ServiceRefused, match=wanted):
        backend.open_project("x", "Test", SCHEMA)


def test_an_export_that_is_cut_short(server: Server) -> None:
    ids = server.backend.push(server.project, server.tasks(2))

    def empty(response: httpx.Response | None) -> httpx.Response:
        return httpx.Response(200, text="[]")

    assert server.connect(Fault("/export$", empty)).pull(server.project, ids) == []

    def cut(response: httpx.Response | None) -> httpx.Response:
        assert response is not None
        return httpx.Response(200, content=response.content[:-20])

    with pytest.raises(ServiceRefused, match=r"answered, but not .*\(exporting the annotations: "):
        server.connect(Fault("/export$", cut)).pull(server.project, ids)


def test_up_brings_all_three(running: Campaign, services: Services) -> None:
    environment = local_services.environment(running)
    lines = [*server_checks.check(environment), *health.check(environment)]
    assert [(name, ok, remedy) for name, ok, _, remedy in lines] == [
        ("Label Studio", True, ""),
        ("Label Studio token", True, ""),
        ("MLflow", True, ""),
        ("Prefect", True, ""),
    ]
    assert lines[1][2] == "works as admin@localhost"
    for name, service in services.services.items():
        folder = running.private / name.replace("_", "-")
        assert processes.alive(service.process)
        assert list(folder.glob("*.db")) or list(folder.glob("*.sqlite3"))


def test_up_uses_what_runs(running: Campaign, label_studio: Services) -> None:
    said: list[str] = []
    again = local_services.up(running, only=["label_studio"], show=said.append)
    assert again.services == label_studio.services
    assert said[0] == "Label Studio runs already"
    with pytest.raises(StateError, match=r"for this computer alone; wanted it to listen on 0\."):
        local_services.up(running, host="0.0.0.0", only=["label_studio"], show=said.append)
    assert again.invite is not None
    page = httpx.get(again.invite, timeout=60)
    assert page.status_code == 200
    record = running.services.read_text()
    assert again.password is not None
    assert again.password in record
    log = Path(again.services["label_studio"].log).read_text()
    assert again.password not in log
