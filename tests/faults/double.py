"""A Label Studio in memory, as far as the adapter uses it; a contract test keeps it true."""

import copy
import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

import httpx

URL, TOKEN = "http://127.0.0.1:1", "0123456789abcdef" * 2

Reply = tuple[int, Any]
Handler = Callable[..., Reply]
GONE = "Nothing matches the given query."


class Refused(Exception):
    """A request that the server answers with a status of its own."""

    def __init__(self, status: int, detail: Any) -> None:
        self.reply: Reply = (status, {"detail": detail})


class Double(httpx.BaseTransport):
    """One server. Everything it holds can be looked at past the network.

    sender : account that the requests come from; the server alone writes it down
    """

    HELD = ("projects", "tasks", "annotations", "predictions", "folders", "users")

    def __init__(self) -> None:
        self.projects: dict[int, dict[str, Any]] = {}
        self.tasks: dict[int, dict[str, Any]] = {}
        self.annotations: dict[int, dict[str, Any]] = {}
        self.predictions: dict[int, dict[str, Any]] = {}
        self.folders: dict[int, dict[str, Any]] = {}
        self.users: dict[int, dict[str, Any]] = {1: {"id": 1, "email": "admin@localhost"}}
        kinds = ("projects", "tasks", "annotations", "predictions", "folders")
        self._ids = dict.fromkeys(kinds, 1) | {"users": 2}
        self._moments = 0
        self._lock = threading.Lock()
        self.sender = 1

    def copied(self) -> "Double":
        """Another server that holds the same."""
        made = Double()
        for kind in ("_ids", "_moments", *self._ids):
            setattr(made, kind, copy.deepcopy(getattr(self, kind)))
        return made

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        with self._lock:
            if request.headers.get("authorization") != f"Token {TOKEN}":
                return httpx.Response(401, json={"detail": "Invalid token."})
            try:
                status, said = self._reply(request, json.loads(body) if body else None)
            except Refused as refused:
                status, said = refused.reply
        return httpx.Response(status) if said is None else httpx.Response(status, json=said)

    def _reply(self, request: httpx.Request, body: Any) -> Reply:
        for method, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, request.url.path.rstrip("/"))
            if found and method == request.method:
                numbers = map(int, found.groups())
                return handler(self, *numbers, params=request.url.params, body=body)
        raise AssertionError(f"the double does not know {request.method} {request.url.path}")

    def _new(self, kind: str, record: dict[str, Any]) -> dict[str, Any]:
        number = self._ids[kind]
        if (
            kind == "tasks"
        ):  # with SQLite the ids of the last ones are given anew once they are gone
            number = max(self.tasks, default=0) + 1
        self._ids[kind] += 1
        made = {"id": number, **record}
        getattr(self, kind)[number] = made
        return made

    def _one(self, kind: str, number: int) -> dict[str, Any]:
        records: dict[int, dict[str, Any]] = getattr(self, kind)
        if number not in records:
            raise Refused(404, GONE)
        return records[number]

    def _project(self, number: int) -> dict[str, Any]:
        return self._one("projects", number)

    def _tasks_of(self, project: int) -> list[dict[str, Any]]:
        return [task for task in self.tasks.values() if task["project"] == project]

    def _answers_of(self, task: int) -> list[dict[str, Any]]:
        return [answer for answer in self.annotations.values() if answer["task"] == task]

    # --- accounts ---------------------------------------------------------------------------

    def whoami(self, **_: Any) -> Reply:
        return 200, self.users[1]

    def list_users(self, **_: Any) -> Reply:
        return 200, list(self.users.values())

    def make_user(self, body: Any, **_: Any) -> Reply:
        if any(user["email"] == body["email"] for user in self.users.values()):
            raise Refused(400, "Validation error")
        return 201, self._new("users", {"email": body["email"]})

    # --- projects ---------------------------------------------------------------------------

    def list_projects(self, params: Mapping[str, str], **_: Any) -> Reply:
        newest_first = sorted(self.projects.values(), key=lambda p: -p["id"])
        page = _page(newest_first, params)
        counted = [self._counted(project) for project in page]
        return 200, {"count": len(newest_first), "results": counted, "next": None, "previous": None}

    def _counted(self, project: dict[str, Any]) -> dict[str, Any]:
        return project | {"task_number": len(self._tasks_of(project["id"]))}

    def make_project(self, body: Any, **_: Any) -> Reply:
        if not 3 <= len(body["title"]) <= 50:
            raise Refused(400, "Validation error")
        return 201, self._new("projects", {"description": "", "model_version": "", **body})

    def read_project(self, number: int, **_: Any) -> Reply:
        return 200, self._counted(self._project(number))

    def change_project(self, number: int, body: Any, **_: Any) -> Reply:
        project = self._project(number)
        wanted = body.get("model_version", "")
        made = {p["model_version"] for p in self.predictions.values() if p["project"] == number}
        if wanted and wanted not in made:
            raise Refused(400, "Validation error")
        project |= body
        return 200, self._counted(project)

    def delete_project(self, number: int, **_: Any) -> Reply:
        self._project(number)
        for task in self._tasks_of(number):
            self._forget(task["id"])
        del self.projects[number]
        return 204, None

    def list_folders(self, params: Mapping[str, str], **_: Any) -> Reply:
        project = int(params["project"])
        self._project(project)
        return 200, [folder for folder in self.folders.values() if folder["project"] == project]

    def make_folder(self, body: Any, **_: Any) -> Reply:
        return 201, self._new("folders", body)

    # --- tasks ------------------------------------------------------------------------------

    def list_tasks(self, params: Mapping[str, str], **_: Any) -> Reply:
        project = int(params["project"])
        self._project(project)
        found = self._tasks_of(project)
        if "query" in params:
            wanted = set(json.loads(params["query"])["selectedItems"]["included"])
            found = [task for task in found if task["id"] in wanted]
        fields = params["include"].split(",")
        page = [self._listed(task, fields) for task in _page(found, params)]
        if params.get("fields") == "all" and "annotators" in fields:
            for task in page:
                people = {answer["completed_by"] for answer in self._answers_of(task["id"])}
                task["annotators"] = sorted(people)
        return 200, {"total": len(found), "tasks": page}

    def _listed(self, task: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        answers = self._answers_of(task["id"])
        skips = sum(answer["was_cancelled"] for answer in answers)
        whole = task | {"total_annotations": len(answers) - skips, "cancelled_annotations": skips}
        whole["total_predictions"] = len(self._predictions_of(task["id"]))
        whole["updated_by"] = [{"user_id": task["updated_by"]}] if task["updated_by"] else []
        whole["annotators"] = []  # the server tells who only where all fields are asked for
        return {name: whole[name] for name in fields}

    def _predictions_of(self, task: int) -> list[dict[str, Any]]:
        return [each for each in self.predictions.values() if each["task"] == task]

    def import_tasks(self, project: int, body: Any, **_: Any) -> Reply:
        tags = ElementTree.fromstring(self._project(project)["label_config"]).iter()
        values = (tag.get("value", "") for tag in tags if tag.get("name"))
        shown = [value[1:] for value in values if value.startswith("$")]
        if not body:
            raise Refused(400, "load_tasks: No tasks added")
        if any(name not in task["data"] for task in body for name in shown):
            raise Refused(400, "Validation error")
        ids = []
        for task in body:
            fields = {"data": task["data"], "meta": task.get("meta", {}), "project": project}
            fields["is_labeled"] = False
            fields["overlap"] = self._project(project).get("maximum_annotations", 1)
            fields |= {"updated_by": None, "updated_at": self._moment()}
            made = self._new("tasks", fields)
            ids.append(made["id"])
            for prediction in task.get("predictions", []):
                self._predict(made["id"], prediction)
            for answer in task.get("annotations", []):
                self._answer(made["id"], answer, None)
        return 201, {"task_count": len(ids), "task_ids": ids}

    def read_task(self, number: int, **_: Any) -> Reply:
        task = self._one("tasks", number)
        return 200, {**task, "annotations": self._answers_of(number)}

    def change_task(self, number: int, body: Any, **_: Any) -> Reply:
        task = self._one("tasks", number)
        task |= body | {"updated_at": self._moment()}
        return 200, task  # whether it is done is worked out at the next answer only

    def delete_task(self, number: int, **_: Any) -> Reply:
        self._one("tasks", number)
        self._forget(number)
        return 204, None

    def act(self, params: Mapping[str, str], body: Any, **_: Any) -> Reply:
        """What the Data Manager does with tasks that filters find: deleting them."""
        project = int(params["project"])
        self._project(project)
        assert params["id"] == "delete_tasks"
        assert body["filters"]["conjunction"] == "and"
        chosen = set(body["selectedItems"]["included"])
        found = [task for task in self._tasks_of(project) if task["id"] in chosen]
        for each in body["filters"]["items"]:
            found = [task for task in found if self._passes(task, each)]
        for task in found:
            self._forget(task["id"])
        said = {"processed_items": len(found), "detail": f"Deleted {len(found)} tasks"}
        return 200, said | {"reload": bool(found) and not self._tasks_of(project)}

    def _passes(self, task: dict[str, Any], each: dict[str, Any]) -> bool:
        answers, value = self._answers_of(task["id"]), each["value"]
        skips = sum(answer["was_cancelled"] for answer in answers)
        key = task["data"].get("key", "")
        name = each["filter"].removeprefix("filter:tasks:")
        return {
            ("annotations_ids", "empty"): (not answers) == (value == "True"),
            ("total_annotations", "equal"): len(answers) - skips == value,
            ("cancelled_annotations", "equal"): skips == value,
            ("data.key", "equal"): key == value,
            ("data.key", "contains"): str(value) in str(key),
            ("data.key", "not_contains"): "key" in task["data"] and str(value) not in str(key),
            ("data.key", "empty"): ("key" not in task["data"]) == (value == "True"),
        }[name, each["operator"]]

    def list_predictions(self, params: Mapping[str, str], **_: Any) -> Reply:
        if int(params["task__project"]) not in self.projects:
            raise Refused(400, "Validation error")
        tasks = {task["id"] for task in self._tasks_of(int(params["task__project"]))}
        return 200, [each for each in self.predictions.values() if each["task"] in tasks]

    def predict(self, body: Any, **_: Any) -> Reply:
        if body["task"] not in self.tasks:
            raise Refused(400, "Validation error")
        return 201, self._predict(body["task"], body)

    def _predict(self, task: int, prediction: Mapping[str, Any]) -> dict[str, Any]:
        own = {"task": task, "project": self.tasks[task]["project"]}
        return self._new("predictions", {"model_version": "", "score": None, **prediction, **own})

    def delete_prediction(self, number: int, **_: Any) -> Reply:
        self._one("predictions", number)
        del self.predictions[number]
        return 204, None

    def _forget(self, task: int) -> None:
        del self.tasks[task]
        for prediction in self._predictions_of(task):
            del self.predictions[prediction["id"]]
        for answer in self._answers_of(task):
            del self.annotations[answer["id"]]

    # --- answers ----------------------------------------------------------------------------

    def annotate(self, task: int, body: Any, **_: Any) -> Reply:
        self._one("tasks", task)
        unique = body.get("unique_id")
        if unique and any(answer["unique_id"] == unique for answer in self.annotations.values()):
            raise Refused(409, "Annotation with this unique id already exists")
        return 201, self._answer(task, body, self.sender)

    def _answer(self, task: int, answer: Mapping[str, Any], by: int | None) -> dict[str, Any]:
        at = self._moment()
        made = {"task": task, "was_cancelled": False, "lead_time": None, "completed_by": 1}
        made |= {"unique_id": None, "created_at": at, "updated_at": at}
        made = self._new("annotations", made | dict(answer) | {"updated_by": by})
        self._touch(task, by)
        self._settle(self.tasks[task])
        return made

    def _moment(self) -> str:
        """A time that never comes again."""
        self._moments += 1
        return f"2026-01-01T{self._moments // 3600:02d}:{self._moments // 60 % 60:02d}:" + (
            f"{self._moments % 60:02d}.000000Z"
        )

    def _touch(self, task: int, by: int | None) -> None:
        self.tasks[task] |= {"updated_at": self._moment()} | ({"updated_by": by} if by else {})

    def change_answer(self, number: int, body: Any, **_: Any) -> Reply:
        """Whoever sends it: who wrote it is not to be chosen."""
        answer = self._one("annotations", number)
        answer |= body | {"updated_by": self.sender, "updated_at": self._moment()}
        self._touch(answer["task"], self.sender)
        return 200, answer

    def delete_answer(self, number: int, **_: Any) -> Reply:
        task = self._one("annotations", number)["task"]
        del self.annotations[number]
        self._touch(task, self.sender)
        self._settle(self.tasks[task])
        return 204, None

    def _settle(self, task: dict[str, Any]) -> None:
        counted = self._project(task["project"]).get("skip_queue") == "IGNORE_SKIPPED"
        answers = [a for a in self._answers_of(task["id"]) if counted or not a["was_cancelled"]]
        task["is_labeled"] = len({a["completed_by"] for a in answers}) >= task["overlap"]

    def export(self, project: int, params: httpx.QueryParams, **_: Any) -> Reply:
        self._project(project)
        tasks, ids = self._tasks_of(project), {int(number) for number in params.get_list("ids[]")}
        return 200, [
            {**task, "annotations": answers}
            for task in tasks
            if not ids or task["id"] in ids
            if (answers := self._answers_of(task["id"])) or "download_all_tasks" in params
        ]


def _page(records: list[dict[str, Any]], params: Mapping[str, str]) -> list[dict[str, Any]]:
    size, number = int(params.get("page_size", 100)), int(params.get("page", 1))
    if number > 1 and (number - 1) * size >= len(records):
        raise Refused(404, "Invalid page.")
    return records[(number - 1) * size : number * size]


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/api/current-user/whoami", Double.whoami),
    ("GET", "/api/users", Double.list_users),
    ("POST", "/api/users", Double.make_user),
    ("GET", "/api/projects", Double.list_projects),
    ("POST", "/api/projects", Double.make_project),
    ("GET", r"/api/projects/(\d+)", Double.read_project),
    ("PATCH", r"/api/projects/(\d+)", Double.change_project),
    ("DELETE", r"/api/projects/(\d+)", Double.delete_project),
    ("GET", "/api/storages/localfiles", Double.list_folders),
    ("POST", "/api/storages/localfiles", Double.make_folder),
    ("GET", "/api/tasks", Double.list_tasks),
    ("POST", r"/api/projects/(\d+)/import", Double.import_tasks),
    ("GET", r"/api/tasks/(\d+)", Double.read_task),
    ("PATCH", r"/api/tasks/(\d+)", Double.change_task),
    ("DELETE", r"/api/tasks/(\d+)", Double.delete_task),
    ("POST", "/api/dm/actions", Double.act),
    ("GET", "/api/predictions", Double.list_predictions),
    ("POST", "/api/predictions", Double.predict),
    ("DELETE", r"/api/predictions/(\d+)", Double.delete_prediction),
    ("POST", r"/api/tasks/(\d+)/annotations", Double.annotate),
    ("PATCH", r"/api/annotations/(\d+)", Double.change_answer),
    ("DELETE", r"/api/annotations/(\d+)", Double.delete_answer),
    ("GET", r"/api/projects/(\d+)/export", Double.export),
)
