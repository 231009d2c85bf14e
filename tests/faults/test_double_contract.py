"""The double answers as the real Label Studio does: one script for both, the same record."""

import json
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from faults.double import TOKEN, URL, Double
from faults.rounds import SEEN
from labelcycle.adapters.annotation.label_studio import labeling_config
from labelcycle.adapters.annotation.label_studio.listed_task import TASK_FIELDS
from labelcycle.adapters.annotation.label_studio.tidying import UNTOUCHED
from labelcycle.adapters.local import services as local_services
from labelcycle.adapters.local.services import Services
from labelcycle.adapters.ports import LabelSchema
from labelcycle.campaign.campaign_paths import Campaign

pytestmark = pytest.mark.service

CONFIG = labeling_config.build(LabelSchema(("cat", "dog"), ""))
GONE = 9_999_999


class Script:
    """Calls to one server, and what came of them, without ids and times."""

    def __init__(self, client: httpx.Client, folder: Path) -> None:
        self.client, self.folder, self.record = client, folder, []
        self.record: list[tuple[str, int, Any]] = []

    def call(self, line: str, body: Any = None, keys: str = "") -> Any:
        """The JSON of an answer; status and the named keys go on record."""
        method, _, path = line.partition(" ")
        response = self.client.request(method, f"/api/{path}", json=body)
        said = None
        if "json" in response.headers.get("content-type", "") and response.content:
            said = response.json()
        shown = {key: said[key] for key in keys.split()} if keys else None
        self.record.append((method, response.status_code, shown))
        return said

    def note(self, value: Any) -> None:
        self.record.append(("", 0, value))

    def tasks(self, project: int, page: int = 1, size: int = 2, **more: str) -> Any:
        fields = TASK_FIELDS
        query = httpx.QueryParams(
            project=project, page=page, page_size=size, fields="task_only", include=fields, **more
        )
        said = self.call(f"GET tasks?{query}")
        if said and "tasks" in said:
            unlike = {"id": 0, "updated_at": ""}
            self.note([said["total"], *({**task, **unlike} for task in said["tasks"])])
        return said


def play(script: Script) -> list[tuple[str, int, Any]]:
    """Everything that the adapter asks of a server, and what it answers to nonsense."""
    call = script.call
    project = _project(script)
    ids = _tasks(script, project)
    _answers(script, project, ids)
    _several(script, project, ids)
    _shown(script, project, ids)
    _deletions(script, project, ids)
    call(f"DELETE tasks/{ids[0]}/")
    call(f"DELETE tasks/{ids[0]}/")
    call(f"GET tasks/{ids[0]}/")
    script.tasks(project)
    call(f"GET projects/{project}/", keys="task_number")
    call(f"DELETE projects/{project}/")
    call(f"GET projects/{project}/")
    script.tasks(project)
    return script.record


def _project(script: Script) -> int:
    call = script.call
    call("GET current-user/whoami", keys="email")
    call("POST projects/", {"title": "ab", "label_config": CONFIG})
    settings = {"title": "Contract", "description": "mark", "label_config": CONFIG}
    made = call("POST projects/", settings, keys="title description label_config model_version")
    project = int(made["id"])
    listed = call("GET projects/?page=1&page_size=1")
    script.note([len(listed["results"]), listed["results"][0]["id"] == project])
    call("GET projects/?page=99&page_size=100")
    call(f"GET projects/{project}/", keys="title description label_config task_number")
    call(f"GET projects/{GONE}/")
    call(f"PATCH projects/{project}/", {"expert_instruction": "x"}, keys="expert_instruction")
    call(f"PATCH projects/{project}/", {"model_version": "m"})
    call(f"PATCH projects/{GONE}/", {"expert_instruction": "x"})
    script.note(call(f"GET storages/localfiles/?project={project}"))
    call(f"GET storages/localfiles/?project={GONE}")
    folder = {"project": project, "path": str(script.folder), "use_blob_urls": True}
    call("POST storages/localfiles/", folder, keys="path")
    call("POST storages/localfiles/", folder, keys="path")
    script.note([f["path"] for f in call(f"GET storages/localfiles/?project={project}")])
    return project


def _tasks(script: Script, project: int) -> list[int]:
    call = script.call
    script.tasks(project)
    script.tasks(project, page=2)
    script.tasks(GONE)
    records = [{"data": {"image": "x", "key": f"k{n}"}, "meta": {"rank": n}} for n in range(3)]
    unknown = {"model_version": "m", "score": 0.5, "result": labeling_config.result("zebra")}
    records[0]["predictions"] = [unknown]
    made = call(f"POST projects/{project}/import?return_task_ids=true", records, keys="task_count")
    ids = list(made["task_ids"])
    script.note(ids == sorted(ids))
    call(f"POST projects/{project}/import", [{"data": {"image": "x"}}, {"data": {"key": "k"}}])
    call(f"POST projects/{project}/import", [])
    call(f"POST projects/{GONE}/import", records)
    for page in (1, 2, 3):
        script.tasks(project, page=page)
    some = {"selectedItems": {"all": False, "included": [ids[2], GONE]}}
    script.tasks(project, query=json.dumps(some))
    call(f"PATCH projects/{project}/", {"model_version": "m"}, keys="model_version")
    for _ in range(2):  # twins are taken, and the id of one that was deleted
        twin = call(f"POST projects/{project}/import?return_task_ids=true", records[2:])
        script.note(twin["task_ids"][0] - ids[-1])
        call(f"DELETE tasks/{twin['task_ids'][0]}/")
    call(f"POST projects/{project}/import", records[2:], keys="task_count")
    call(f"GET projects/{project}/", keys="task_number")
    return ids


def _answers(script: Script, project: int, ids: list[int]) -> None:
    call = script.call
    unique = str(uuid.uuid4())
    answer = {"result": labeling_config.result("cat"), "completed_by": 1, "lead_time": 1.5}
    keys = "result was_cancelled lead_time completed_by"
    call(f"POST tasks/{ids[0]}/annotations/", answer | {"unique_id": unique}, keys=keys)
    call(f"POST tasks/{ids[0]}/annotations/", answer | {"unique_id": unique})
    call(f"POST tasks/{GONE}/annotations/", answer)
    skip = {"result": [], "was_cancelled": True, "unique_id": str(uuid.uuid4())}
    call(f"POST tasks/{ids[0]}/annotations/", skip, keys=keys)
    zebra = {"result": labeling_config.result("zebra"), "unique_id": str(uuid.uuid4())}
    call(f"POST tasks/{ids[1]}/annotations/", zebra, keys=keys)
    script.tasks(project)
    call(f"PATCH tasks/{ids[1]}/", {"overlap": 2, "is_labeled": False}, keys="overlap is_labeled")
    call(f"PATCH tasks/{ids[2]}/", {"overlap": 2}, keys="overlap is_labeled")
    call(f"PATCH tasks/{GONE}/", {"overlap": 2})
    again = {"result": labeling_config.result("cat"), "unique_id": str(uuid.uuid4())}
    call(f"POST tasks/{ids[1]}/annotations/", again, keys=keys)  # by the same person
    script.tasks(project)
    for fields in ("all", "task_only"):
        path = f"tasks?project={project}&fields={fields}&include=id,annotators&page_size=9"
        script.note([task["annotators"] for task in call(f"GET {path}")["tasks"]])
    script.note(len(call(f"GET tasks/{ids[0]}/")["annotations"]))
    call(f"GET tasks/{GONE}/")
    kept = ("result", "was_cancelled", "lead_time", "completed_by")
    for ending in ("", f"&ids[]={ids[0]}&ids[]={ids[2]}", f"&ids[]={GONE}"):
        path = f"projects/{project}/export?export_type=JSON&download_all_tasks=true{ending}"
        response = script.client.get(f"/api/{path}")
        exported = sorted(response.json(), key=lambda task: task["id"])
        for task in exported:
            given = [{key: a[key] for key in kept} for a in task["annotations"]]
            script.note((task["data"], task["meta"], given))
    script.call(f"GET projects/{GONE}/export?export_type=JSON")


def _deletions(script: Script, project: int, ids: list[int]) -> None:
    """Tasks that filters find, of chosen ones: no other and none that was answered."""
    more = [{"data": {"image": "x", "key": key}} for key in ("j/0", "j/1", "i/0")]
    more += [{"data": {"image": "x"}}]
    path = f"POST projects/{project}/import?return_task_ids=true"
    made = [*ids, *script.call(path, more)["task_ids"]]
    for named in (
        ("data.key", "equal", "String", "j/9"),
        ("data.key", "equal", "String", "k0"),
        ("data.key", "contains", "String", "j/"),
        ("data.key", "not_contains", "String", "k"),
        ("data.key", "empty", "String", "True"),
    ):
        items = [
            {"filter": f"filter:tasks:{name}", "operator": how, "type": kind, "value": value}
            for name, how, kind, value in (*UNTOUCHED, named)
        ]
        body = {"filters": {"conjunction": "and", "items": items}}
        body |= {"selectedItems": {"all": False, "included": [*made, GONE]}}
        where = f"POST dm/actions/?id=delete_tasks&project={project}"
        script.call(where, body, keys="processed_items detail reload")
        script.tasks(project, size=20)


def _shown(script: Script, project: int, ids: list[int]) -> None:
    """What a task shows, and its pre-annotations, as everybody may change them."""
    call = script.call

    def look() -> list[int]:
        """Ids of the pre-annotations; the rest of them goes on record."""
        script.tasks(project, size=9, resolve_uri="false")
        listed = call(f"GET predictions/?task__project={project}")
        kept = ("result", "model_version", "score")
        for each in sorted(listed, key=lambda each: int(each["id"])):
            script.note([ids.index(each["task"]), {key: each[key] for key in kept}])
        return sorted(int(each["id"]) for each in listed)

    look()
    call(f"GET predictions/?task__project={GONE}")
    call(f"PATCH tasks/{ids[1]}/", {"data": {"image": "y", "key": "k1", "more": "z"}}, keys="data")
    said = {"task": ids[1], "result": labeling_config.result("cat"), "model_version": "m"}
    call("POST predictions/", said, keys="result model_version")
    call("POST predictions/", said | {"task": GONE})
    for number in look():
        call(f"DELETE predictions/{number}/")
        call(f"DELETE predictions/{number}/")
    look()
    call(f"PATCH tasks/{ids[1]}/", {"data": {"image": "x", "key": "k1"}}, keys="data")


def _several(script: Script, project: int, ids: list[int]) -> None:
    """Overlaps, two people's answers, and what they change of them."""
    call = script.call
    name = uuid.uuid4().hex
    account = {"email": f"{name}@example.org", "username": name, "password": "hut-stock"}
    other = int(call("POST users/", account)["id"])
    call("POST users/", account)
    script.note(account["email"] in [user["email"] for user in call("GET users/")])
    people = {1: "ann", other: "bob"}
    task = ids[2]

    def asked() -> None:
        query = f"GET tasks?project={project}&page_size=9&fields=all&include={SEEN}"
        for each in call(query)["tasks"]:
            who = [people[person] for person in each["annotators"]]
            script.note({**each, "id": 0, "annotators": who})

    def answer(person: int) -> int:
        said = {"result": labeling_config.result("cat"), "completed_by": person}
        return int(call(f"POST tasks/{task}/annotations/", said, keys="result")["id"])

    def ask(people: int, *, done: bool) -> None:
        call(f"PATCH tasks/{task}/", {"overlap": people, "is_labeled": done}, keys="overlap")
        asked()

    ask(1, done=False)
    first = answer(1)
    asked()
    ask(2, done=False)
    second = answer(other)
    asked()
    dog = {"result": labeling_config.result("dog")}
    call(f"PATCH annotations/{first}/", dog, keys="result was_cancelled lead_time")
    call(f"PATCH annotations/{GONE}/", dog)
    asked()
    call(f"DELETE annotations/{second}/")
    call(f"DELETE annotations/{second}/")
    asked()
    ask(1, done=True)
    answer(other)
    asked()
    ask(1, done=False)
    ask(3, done=False)
    call(f"DELETE annotations/{first}/")
    asked()
    script.note(len(call(f"GET tasks/{task}/")["annotations"]))


def test_the_double_answers_as_the_server_does(
    service_campaign: Campaign, label_studio: Services
) -> None:
    env = local_services.environment(service_campaign)
    folder = service_campaign.media / "images"
    folder.mkdir(exist_ok=True)
    headers = {"Authorization": f"Token {env['LABEL_STUDIO_API_KEY']}"}
    with httpx.Client(base_url=env["LABEL_STUDIO_URL"], headers=headers, timeout=120) as client:
        real = play(Script(client, folder))
    headers = {"Authorization": f"Token {TOKEN}"}
    with httpx.Client(base_url=URL, headers=headers, transport=Double()) as client:
        double = play(Script(client, folder))
    # The real one holds the projects of other tests, and its account may have another name.
    real[0] = (*real[0][:2], double[0][2])
    for number, (wanted, got) in enumerate(zip(real, double, strict=True)):
        assert got == wanted, f"call {number}"


def test_both_refuse_a_wrong_token(service_campaign: Campaign, label_studio: Services) -> None:
    url = local_services.environment(service_campaign)["LABEL_STUDIO_URL"]
    for where, transport in ((url, None), (URL, Double())):
        with httpx.Client(transport=transport, headers={"Authorization": "Token x"}) as client:
            answer = client.get(f"{where}/api/projects/1/")
        assert (answer.status_code, answer.json()["detail"]) == (401, "Invalid token.")
