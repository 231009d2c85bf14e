"""What Label Studio is sent and how its answers are read, at a double; the real one is slower."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest
from faults.double import TOKEN, URL, Double
from faults.transport import Clock
from PIL import Image

from labelcycle.adapters import annotation, ports
from labelcycle.adapters.annotation import label_studio
from labelcycle.adapters.annotation.label_studio import (
    LabelStudioBackend,
    config_difference,
    label_studio_backend,
    labeling_config,
    rest_network,
    task_people,
)
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import LabelSchema, Prediction, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import DataError, ServiceDown, ServiceRefused, SettingsError, StateError

SCHEMA = LabelSchema(("cat", "dog"), "Choose.")
KEYS = ("c/003/a", "c/003/b")


class Desk:
    """A backend with one project at a double, and every request that reached it.

    after : what becomes of an answer, by method and path
    """

    def __init__(self, folder: Path) -> None:
        self.double = Double()
        self.after: Callable[[str, str, Any], Any] = lambda method, path, said: said
        self.asked: list[tuple[str, str, Any]] = []
        environment = {"LABEL_STUDIO_URL": URL, "LABEL_STUDIO_API_KEY": TOKEN}
        self.campaign = Campaign(folder)
        self.backend = LabelStudioBackend(
            self.campaign, environment, transport=httpx.MockTransport(self._answer)
        )
        self.project = self.backend.open_project("c", "Birds", SCHEMA)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url.path, body))
        answer = self.double.handle_request(request)
        said = answer.json() if answer.content else None
        said = self.after(request.method, request.url.path.rstrip("/"), said)
        return httpx.Response(answer.status_code, json=said)

    def times(self, method: str, end: str) -> int:
        return sum(m == method and path.rstrip("/").endswith(end) for m, path, _ in self.asked)

    def tasks(self, **more: Any) -> list[TaskSpec]:
        image = self.campaign.media / "images" / "a.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (2, 2)).save(image)
        return [
            TaskSpec(key, key[-1] * 4, image, rank, 3, tasks=2, **more)
            for rank, key in enumerate(KEYS)
        ]

    def answer(self, task: int, label: str, **more: Any) -> None:
        result = labeling_config.result(label)
        self.double.annotate(task, {"result": result, "lead_time": 2.5, **more})


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Pauses pass at once."""
    made = Clock()
    monkeypatch.setattr(rest_network, "time", made)
    monkeypatch.setattr(label_studio_backend, "time", made)
    return made


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_project_is_made_so_that_the_page_shows_one_task_after_another(desk: Desk) -> None:
    (made,) = desk.double.projects.values()
    config = labeling_config.build(SCHEMA)
    assert made == {
        "id": desk.project,
        "title": "Birds",
        "description": f"labelcycle campaign c\n{config_difference.mark(config)}",
        "label_config": config,
        "expert_instruction": labeling_config.instruction(SCHEMA),
        "show_instruction": False,
        "sampling": "Sequential sampling",
        "show_skip_button": True,
        "skip_queue": "IGNORE_SKIPPED",
        "enable_empty_annotation": False,
        "show_collab_predictions": True,
        "maximum_annotations": 1,
        "model_version": "",
    }


def test_a_task_as_it_is_stored(desk: Desk) -> None:
    tasks = desk.tasks(wanted=2)
    ids = desk.backend.push(desk.project, [tasks[1], tasks[0]])
    assert list(ids) == list(KEYS)
    first, second = (desk.double.tasks[ids[key]] for key in KEYS)
    assert ids[KEYS[0]] < ids[KEYS[1]]
    assert second["data"] == {
        "image": "/data/local-files/?d=images/a.png",
        "key": KEYS[1],
        "place": "Image 2 of 2",
    }
    assert second["meta"] == {"sample": "bbbb", "round": 3, "rank": 1}
    assert (second["overlap"], second["is_labeled"]) == (2, False)
    assert first["data"]["place"] == "Image 1 of 2"


def test_a_guess_as_it_is_stored_and_shown(desk: Desk) -> None:
    first, second = desk.tasks(wanted=2, prediction=Prediction("dog", 0.75, "round-002"))
    tasks = [replace(first, shown=False), second]
    ids = desk.backend.push(desk.project, tasks, "round-002")
    (guess,) = desk.double.predictions.values()
    assert (guess["task"], guess["model_version"], guess["score"]) == (
        ids[KEYS[1]],
        "round-002",
        0.75,
    )
    assert guess["result"] == labeling_config.result("dog")
    assert desk.double.projects[desk.project]["model_version"] == "round-002"
    shown = desk.backend.displayed(desk.project, ids)
    assert shown == {key: [task] for key, task in desk.backend.display(tasks).items()}
    assert shown[KEYS[1]][0]["guess"] == "dog (round-002)"


def test_a_guess_that_the_project_does_not_offer_is_refused(desk: Desk) -> None:
    with pytest.raises(ServiceRefused) as told:
        desk.backend.push(desk.project, desk.tasks(prediction=Prediction("emu", 0.5, "m")))
    assert str(told.value) == (
        "wanted a pre-annotation among 'cat', 'dog', got 'emu'; put the class back in the"
        " project's labelling interface"
    )


def test_two_tasks_of_one_key_are_refused(desk: Desk) -> None:
    first, _ = desk.tasks()
    with pytest.raises(DataError, match="wanted one task a key, got 2 tasks with 1 keys"):
        desk.backend.push(desk.project, [first, first])
    assert desk.double.tasks == {}


def test_an_answer_as_it_is_read(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    task = ids[KEYS[1]]
    desk.answer(task, "cat", completed_by=5)
    desk.answer(task, "dog", completed_by=None)
    desk.double.annotations[1]["updated_by"] = 6
    desk.double.annotations[2]["updated_by"] = None
    first, second = desk.backend.pull(desk.project, ids)
    assert (first.annotation, first.task, first.key) == (1, task, KEYS[1])
    assert (first.annotator, first.editor) == ("5", "6")
    assert (first.labels, first.skipped, first.reason) == (("cat",), False, "")
    assert first.lead_time_s == 2.5
    assert first.created == desk.double.annotations[1]["created_at"]
    assert first.updated == desk.double.annotations[1]["updated_at"]
    assert dict(first.raw)["completed_by"] == 5
    assert (second.annotator, second.editor) == ("removed/2", None)


def test_answers_to_named_tasks(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    desk.answer(ids[KEYS[1]], "cat")
    assert desk.backend.answers_to(desk.project, [ids[KEYS[1]]]) == desk.backend.pull(
        desk.project, ids
    )
    assert desk.backend.answers_to(desk.project, [ids[KEYS[0]]]) == []
    exports = desk.times("GET", "/export")
    assert desk.backend.answers_to(desk.project, []) == []
    assert desk.times("GET", "/export") == exports


def test_an_answer_that_cannot_be_read_names_the_project(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    desk.answer(ids[KEYS[0]], "cat")
    desk.double.annotations[1]["created_at"] = None
    del desk.double.annotations[1]["was_cancelled"]
    desk.double.annotations[1]["result"] = 3
    with pytest.raises(ServiceRefused) as told:
        desk.backend.answers_to(desk.project, list(ids.values()))
    assert str(told.value).startswith(
        f"the export of project {desk.project} holds an annotation that cannot be read: TypeError: "
    )
    assert str(told.value).endswith(f"; look at it in {URL}/projects/{desk.project}/data")


def test_an_export_that_is_never_complete_is_no_answer(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    desk.answer(ids[KEYS[0]], "cat")
    desk.answer(ids[KEYS[0]], "dog", completed_by=2)
    lacking = 9

    def lack(method: str, path: str, said: Any) -> Any:
        nonlocal lacking
        if path.endswith("/export") and lacking:
            lacking -= 1
            return [{**task, "annotations": task["annotations"][:1]} for task in said]
        return said

    desk.after = lack
    with pytest.raises(ServiceDown) as told:
        desk.backend.pull(desk.project, ids)
    assert str(told.value) == (
        f"the export of project {desk.project} is not complete: wanted 2 tasks with 2"
        " annotations, got 2 with 1; somebody may be changing them: run the same command again"
    )
    assert desk.times("GET", "/export") == 3
    lacking = 2
    assert len(desk.backend.pull(desk.project, ids)) == 2
    assert desk.times("GET", "/export") == 6


def test_an_export_that_lacks_a_task_is_no_answer(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    desk.after = lambda method, path, said: said[:1] if path.endswith("/export") else said
    with pytest.raises(ServiceDown, match="wanted 2 tasks with 0 annotations, got 1 with 0; some"):
        desk.backend.pull(desk.project, ids)


def test_a_count_that_stays_wrong_stops_nothing(desk: Desk) -> None:
    """Somebody moved an answer: the list counts one that the task itself does not have."""
    ids = desk.backend.push(desk.project, desk.tasks())
    desk.answer(ids[KEYS[0]], "cat")

    def more(method: str, path: str, said: Any) -> Any:
        if path == "/api/tasks":
            for task in said["tasks"]:
                task["total_annotations"] += 1
        return said

    desk.after = more
    assert len(desk.backend.pull(desk.project, ids)) == 1


@pytest.mark.parametrize(
    ("gone", "end"),
    [
        (KEYS[:1], "without it"),
        (KEYS, "without these 2"),
    ],
)
def test_a_task_that_somebody_deleted_is_named(desk: Desk, gone: tuple[str, ...], end: str) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    for key in gone:
        desk.double.delete_task(ids[key])
    wanted = (
        f"project {desk.project} ({URL}/projects/{desk.project}/data): wanted 2 tasks, got"
        f" {2 - len(gone)}: task {ids[KEYS[0]]} of sample a was deleted; run `labelcycle close"
        f" --incomplete` to end the round {end}"
    )
    for look in (desk.backend.pull, desk.backend.progress):
        with pytest.raises(ServiceRefused) as told:
            look(desk.project, ids)  # type: ignore[operator]
        assert str(told.value) == wanted
    assert desk.backend.pull(desk.project, ids, optional=gone) == []


def test_tasks_that_never_stay_end_a_push(desk: Desk, clock: Clock) -> None:
    def delete(method: str, path: str, said: Any) -> Any:
        if path.endswith("/import"):
            for number in list(desk.double.tasks)[1:]:
                desk.double.delete_task(number)
        return said

    desk.after = delete
    with pytest.raises(ServiceDown) as told:
        desk.backend.push(desk.project, desk.tasks())
    assert str(told.value) == (
        f"project {desk.project}: wanted 2 tasks, got 1 although the server took them all;"
        " somebody may be deleting them: run the same command again"
    )
    assert desk.times("POST", "/import") == 5
    assert clock.now == 0  # nothing failed, so nothing was waited for


def test_a_push_to_a_server_that_fails_waits_longer_each_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    def down(*_: Any, **__: Any) -> Any:
        raise ServiceDown("no")

    monkeypatch.setattr(desk.backend._api, "import_tasks", down)
    with pytest.raises(ServiceDown, match=r"^no$"):
        desk.backend.push(desk.project, desk.tasks())
    assert clock.now == 17.5


def test_many_tasks_are_made_in_several_requests(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_studio_backend, "CHUNK", 1)
    desk.backend.push(desk.project, desk.tasks())
    bodies = [body for _, path, body in desk.asked if path.endswith("/import")]
    assert [[task["data"]["key"] for task in body] for body in bodies] == [[k] for k in KEYS]


def test_who_did_the_last_thing_to_a_task(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    desk.double.sender = 7
    desk.answer(ids[KEYS[1]], "cat")
    assert desk.backend.touched(desk.project, ids) == {KEYS[0]: None, KEYS[1]: "7"}
    desk.double.tasks[ids[KEYS[1]]]["data"]["key"] = KEYS[0]  # somebody changed it
    assert desk.backend.touched(desk.project, ids) == {KEYS[0]: None}


def test_the_tasks_of_a_campaign_by_the_start_of_their_keys(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    desk.double.import_tasks(desk.project, [{"data": {"image": "x", "place": "", "key": None}}])
    assert desk.backend.pushed("c", "c/003/") == ids
    assert desk.backend.pushed("c", "c/003/b") == {KEYS[1]: ids[KEYS[1]]}
    assert desk.backend.pushed("another", "c/") == {}


def test_what_a_task_shows_is_put_right_alone(desk: Desk) -> None:
    tasks = desk.tasks(prediction=Prediction("dog", 0.75, "m"))
    ids = desk.backend.push(desk.project, tasks)
    wanted = desk.backend.display(tasks)
    task = desk.double.tasks[ids[KEYS[0]]]
    before = dict(task["data"])
    task["data"] = {**before, "image": "other", "hint": "cat"}
    desk.double._predict(
        task["id"], {"model_version": "m", "result": labeling_config.result("cat")}
    )
    shown = desk.backend.displayed(desk.project, ids)[KEYS[0]]
    assert shown == [
        {"image": "other", "hint": "cat", "place": "Image 1 of 2", "guess": "cat (m); dog (m)"}
    ]
    desk.backend.restore(desk.project, ids, {KEYS[0]: wanted[KEYS[0]]})
    assert task["data"] == before
    assert desk.backend.displayed(desk.project, ids) == {key: [wanted[key]] for key in KEYS}
    changes = [method for method, path, _ in desk.asked if method in ("PATCH", "DELETE")]
    desk.backend.restore(desk.project, ids, wanted)  # there is nothing left to do
    assert [method for method, path, _ in desk.asked if method in ("PATCH", "DELETE")] == changes


def test_people_that_a_program_answers_for(desk: Desk) -> None:
    people = desk.backend.people(2)
    assert desk.backend.people(3)[:2] == people
    accounts = desk.backend.accounts()
    assert {accounts[name] for name in people} == {
        "simulated-1@localhost",
        "simulated-2@localhost",
    }
    made = [body for _, path, body in desk.asked if path == "/api/users/" and body]
    assert [account["username"] for account in made] == [f"simulated-{n}" for n in (1, 2, 3)]
    assert len({account["password"] for account in made}) == 3
    assert min(len(account["password"]) for account in made) >= 16


def test_answers_that_a_program_gives(desk: Desk) -> None:
    people = desk.backend.people(2)
    ids = desk.backend.push(desk.project, desk.tasks(wanted=2))
    task = next(t for t in desk.backend.open_tasks(desk.project) if t.id == ids[KEYS[1]])
    assert (task.key, task.sample, task.round, task.lacking) == (KEYS[1], "bbbb", 3, 1)
    for _ in range(2):
        desk.backend.give(task, people[0], ["cat", "dog"], lead_time_s=4.0)
    (stored,) = desk.double.annotations.values()
    assert (stored["completed_by"], stored["lead_time"], stored["was_cancelled"]) == (
        int(people[0]),
        4.0,
        False,
    )
    assert [region["value"]["choices"] for region in stored["result"]] == [["cat"], ["dog"]]
    desk.backend.give(task, people[1], [])
    assert [a["was_cancelled"] for a in desk.double.annotations.values()] == [False, True]


def test_tasks_are_open_until_enough_people_were_there(desk: Desk) -> None:
    people = desk.backend.people(2)
    ids = desk.backend.push(desk.project, desk.tasks(wanted=2))
    task = next(t for t in desk.backend.open_tasks(desk.project) if t.id == ids[KEYS[1]])
    desk.backend.give(task, people[0], ["cat"])
    people_wanted = {ids[KEYS[0]]: 1, ids[KEYS[1]]: 2}
    (untouched, partly) = desk.backend.open_tasks(desk.project, people_wanted)
    assert (untouched.key, untouched.lacking, untouched.there) == (KEYS[0], 1, frozenset())
    assert (partly.key, partly.lacking, partly.there) == (KEYS[1], 1, frozenset(people[:1]))
    desk.backend.give(partly, people[1], [])
    assert [t.key for t in desk.backend.open_tasks(desk.project, people_wanted)] == [KEYS[0]]


def test_the_invitation_is_read_or_renewed(tmp_path: Path) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        return httpx.Response(200, json={"invite_url": f"/{len(asked)}", "token": "t"})

    environment = {"LABEL_STUDIO_URL": URL, "LABEL_STUDIO_API_KEY": TOKEN}
    environment["LABEL_STUDIO_HOST"] = "https://me:hush@labels.example/"
    backend = LabelStudioBackend(
        Campaign(tmp_path), environment, transport=httpx.MockTransport(answer)
    )
    assert backend.invitation(renew=False) == "https://labels.example/1"
    assert backend.invitation(renew=True) == "https://labels.example/2"
    assert [method for method, _ in asked] == ["GET", "POST"]
    assert asked[0] == ("GET", "/api/invite")
    assert asked[1] == ("POST", "/api/invite/reset-token")


def test_a_changed_interface_is_told_with_its_difference(desk: Desk) -> None:
    desk.double.projects[desk.project]["label_config"] = labeling_config.build(
        LabelSchema(("cat", "emu"), "")
    )
    with pytest.raises(ServiceRefused) as told:
        desk.backend.check_schema(desk.project, SCHEMA)
    text = str(told.value)
    assert text.startswith(
        f"the labelling interface of project {desk.project} ({URL}/projects/{desk.project}/data) "
    )
    assert text.endswith(
        "; wanted the classes 'cat', 'dog'; put it right in its Settings under Labeling Interface"
    )
    assert desk.backend.classes(desk.project) == ("cat", "emu")


@pytest.mark.parametrize("count", [1, 2])
def test_lists_are_read_in_pages(desk: Desk, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    api = LabelStudioApi(URL, TOKEN, transport=desk.double)
    monkeypatch.setattr("labelcycle.adapters.annotation.label_studio.rest_api.PAGE", count)
    monkeypatch.setattr(
        "labelcycle.adapters.annotation.label_studio.rest_api.IDS_A_QUESTION", count
    )
    monkeypatch.setattr("labelcycle.adapters.annotation.label_studio.rest_api.IDS_AN_EXPORT", count)
    assert [task.id for task in api.tasks(desk.project)] == sorted(ids.values())
    assert [task.id for task in api.tasks(desk.project, [*ids.values(), 99])] == sorted(
        ids.values()
    )
    desk.answer(ids[KEYS[1]], "cat")
    exported = api.export(desk.project, list(ids.values()))
    assert [len(each["annotations"]) for each in exported] == [0, 1]
    assert [api.annotations(number) for number in (*ids.values(), 99)] == [0, 1, 0]
    others = [desk.backend.open_project(name, "Birds", SCHEMA) for name in "xyz"]
    assert [each.id for each in api.projects()] == [desk.project, *others]


def test_an_answer_is_stored_once(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    api = LabelStudioApi(URL, TOKEN, transport=desk.double)
    answer = {"result": [], "unique_id": "u"}
    assert api.annotate(ids[KEYS[0]], **answer) is True
    assert api.annotate(ids[KEYS[0]], **answer) is False
    with pytest.raises(ServiceRefused, match=r"\(answering task 99: status 404"):
        api.annotate(99, **answer)


def test_nobody_is_asked_any_more(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks(wanted=3))
    desk.backend.withdraw(desk.project, {KEYS[1]: ids[KEYS[1]]})
    first, second = (desk.double.tasks[ids[key]] for key in KEYS)
    assert (first["overlap"], first["is_labeled"]) == (3, False)
    assert (second["overlap"], second["is_labeled"]) == (1, True)
    before = len(desk.asked)
    desk.backend.withdraw(desk.project, {KEYS[1]: ids[KEYS[1]]})
    assert all(method == "GET" for method, *_ in desk.asked[before:])


def test_how_far_people_are(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks(wanted=2))
    wanted = dict.fromkeys(KEYS, 2)
    assert desk.backend.progress(desk.project, ids, wanted).answered == 0
    desk.answer(ids[KEYS[0]], "cat", completed_by=1)
    desk.answer(ids[KEYS[0]], "dog", completed_by=1)
    found = desk.backend.progress(desk.project, ids, wanted)
    assert (found.tasks, found.answered, found.skipped) == (2, 0, 0)
    assert (found.partly, found.given) == (1, 2)
    desk.double.annotate(ids[KEYS[0]], {"result": [], "was_cancelled": True, "completed_by": 2})
    found = desk.backend.progress(desk.project, ids, wanted)
    assert (found.answered, found.skipped, found.partly, found.given) == (1, 0, 0, 3)
    assert set(found.marks) == {ids[KEYS[0]]}
    assert found.strangers == 0
    people = task_people.annotators(desk.backend._api, desk.project, list(ids.values()))
    assert people == {ids[KEYS[0]]: {1, 2}, ids[KEYS[1]]: frozenset()}


def test_the_backend_is_found_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", f"{URL}/")
    monkeypatch.setenv("LABEL_STUDIO_API_KEY", TOKEN)
    monkeypatch.delenv("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT", raising=False)
    campaign = Campaign(tmp_path)
    made = label_studio.connect(campaign)
    assert isinstance(made, LabelStudioBackend)
    assert repr(made) == f"LabelStudioBackend({URL})"
    assert made._campaign is campaign
    assert made._document_root == PurePosixPath(campaign.media)
    monkeypatch.setenv("LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT", "/as/the/server")
    assert label_studio.connect(campaign)._document_root == PurePosixPath("/as/the/server")  # type: ignore[attr-defined]
    monkeypatch.delenv("LABEL_STUDIO_API_KEY")
    with pytest.raises(ServiceRefused, match=r"LABEL_STUDIO_API_KEY: wanted .*, got nothing"):
        label_studio.connect(campaign)


def test_an_ability_is_asked_for_by_name(desk: Desk, tmp_path: Path) -> None:
    assert annotation.able(desk.backend, ports.Inviting, "x") is desk.backend
    files = annotation.of(Campaign(tmp_path), "files")
    with pytest.raises(StateError) as told:
        annotation.able(files, ports.Inviting, "`labelcycle invite`: nobody has an account here")
    assert str(told.value) == (
        "`labelcycle invite`: nobody has an account here (push.backend in params.yaml is files)"
    )
    assert annotation.title("files") == "the campaign's files"
    assert annotation.next_step("label_studio") == "annotators press Label All Tasks"
    assert (
        annotation.next_step("files")
        == "fill in what `labelcycle tasks` lists, or run `labelcycle annotate`"
    )
    assert annotation.title("label_studio") == "Label Studio"
    assert annotation.service("label_studio") == "label_studio"
    assert annotation.service("files") is None
    with pytest.raises(SettingsError, match=r"unknown annotation backend 'file'; .*files"):
        annotation.get("file")


def test_what_somebody_else_made_is_removed_and_its_answers_are_left(desk: Desk) -> None:
    ids = desk.backend.push(desk.project, desk.tasks())
    data = {"image": "x", "place": ""}
    desk.double.import_tasks(
        desk.project,
        [
            {"data": data},
            {"data": {**data, "key": "other/003/a"}},
            {"data": {**data, "key": "c/002/a"}},  # of a closed round
            {"data": {**data, "key": "other/003/b"}},
        ],
    )
    answered = max(desk.double.tasks)
    desk.answer(answered, "cat")
    desk.double.tasks[answered]["is_labeled"] = False  # several people are asked about it
    assert desk.backend.progress(desk.project, ids).strangers == 3
    left = {task["data"]["key"] for task in desk.double.tasks.values()}
    assert left == {*KEYS, "c/002/a", "other/003/b"}
    assert desk.double.tasks[answered]["is_labeled"]
    assert desk.backend.progress(desk.project, {}).strangers == 0  # nothing is known to be ours
    assert len(desk.double.tasks) == 4
