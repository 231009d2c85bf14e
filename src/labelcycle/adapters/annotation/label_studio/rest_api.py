"""The one door to label_studio_sdk: single calls, plain values out, our errors.

Lists are read as plain JSON. The SDK would make a model of each record: 65 ms of 70 for a page of
1,000 tasks.

No write is retried here. The SDK repeats a POST after a 502, and the server may have done it
already (2.1.2: two tasks for one); who calls repeats what is safe to repeat.
"""

import contextlib
import json
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import httpx
from label_studio_sdk.core.api_error import ApiError

from labelcycle.adapters import http
from labelcycle.adapters.annotation.label_studio.labeling_config import chunks
from labelcycle.adapters.annotation.label_studio.listed_task import TASK_FIELDS, ListedTask, as_task
from labelcycle.adapters.annotation.label_studio.rest_errors import Wording, check_access
from labelcycle.adapters.annotation.label_studio.rest_network import Network
from labelcycle.errors import ServiceDown

R = TypeVar("R")

PAGE = 1000
IDS_A_QUESTION = 200
"""Ids travel in the address, which servers cut off at about 8 kB."""
IDS_AN_EXPORT = 250


@dataclass(frozen=True)
class Project:
    """A project: how many tasks it holds and what it asks."""

    id: int
    title: str
    description: str
    config: str
    tasks: int


def tasks_query(ids: Sequence[int]) -> str:
    """The `query` that asks for the tasks of these ids alone, at most `IDS_A_QUESTION`."""
    selected = {"selectedItems": {"all": False, "included": list(ids)}}
    return json.dumps(selected, separators=(",", ":"))


def _sdk(**how: Any) -> Any:
    """The SDK's client, without its additions: they import pandas and boto3, for 0.8 s."""
    from label_studio_sdk.base_client import LabelStudioBase

    client: Any = LabelStudioBase
    return client(**how)


class LabelStudioApi:
    """A connection to one server with one token. All methods raise ServiceDown or ServiceRefused.

    transport : replaces the network, for tests
    """

    def __init__(
        self, url: str, token: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        check_access(url, token)
        self._wording = Wording(self.url, token)
        network = Network(transport)
        weakref.finalize(self, network.close)  # no open socket outlives the connection
        with self._our_errors("connecting"):
            # Any: the SDK's answers are not checked against its types, so these would mislead
            self._sdk: Any = _sdk(
                base_url=self.url, api_key=token, max_retries=0, httpx_client=network
            )

    def __repr__(self) -> str:
        return f"LabelStudioApi({self.url})"

    # --- projects ---------------------------------------------------------------------------

    def whoami(self) -> str:
        """E-mail address of the account that the token belongs to."""
        return self._me()[1]

    @cached_property
    def me(self) -> int:
        """Id of that account."""
        return self._me()[0]

    def _me(self) -> tuple[int, str]:
        with self._our_errors("asking who the token belongs to"):
            account = self._get("current-user/whoami")
            return int(account["id"]), str(account["email"])

    def projects(self) -> list[Project]:
        """Every project that the account sees, by id."""
        by_id: dict[int, Project] = {}
        with self._our_errors("listing the projects"):
            for page in range(1, 10**6):
                answer = self._get("projects/", page=page, page_size=100)
                projects, total = answer["results"], int(answer["count"])
                by_id |= {int(project["id"]): _project(project) for project in projects}
                if len(by_id) >= total or not projects:
                    break
        self._complete("projects", len(by_id), total)
        return [by_id[key] for key in sorted(by_id)]

    def project(self, project: int) -> Project:
        """One project. Raises ServiceRefused if it is gone."""
        with self._our_errors(f"reading project {project}", project):
            return _project(self._get(f"projects/{project}/"))

    def create_project(self, **settings: Any) -> int:
        """Id of a new project with these settings."""
        with self._our_errors("making the project"):
            return int(self._sdk.projects.create(**settings).id)

    def update_project(self, project: int, **settings: Any) -> None:
        """Change settings of a project."""
        with self._our_errors(f"changing {', '.join(settings)} of project {project}", project):
            self._sdk.projects.update(project, **settings)

    # --- tasks ------------------------------------------------------------------------------

    def tasks(self, project: int, ids: Sequence[int] | None = None) -> list[ListedTask]:
        """The project's tasks, or those of `ids` that exist, by id; never a part of them.

        Their data are as they were imported: an image in a bucket by its own address.
        """
        if ids is None:
            by_id = self._listing(project, None)
            self._complete("tasks", len(by_id), self.project(project).tasks)
        else:
            by_id = {}
            for some in chunks(sorted(ids), IDS_A_QUESTION):
                by_id |= self._listing(project, tasks_query(some))
        return [by_id[key] for key in sorted(by_id)]

    def _listing(self, project: int, query: str | None) -> dict[int, ListedTask]:
        """Tasks by id, page by page: the SDK's own pager takes a 404 for the end."""
        by_id: dict[int, ListedTask] = {}
        total = 0
        with self._our_errors("listing the tasks", project):
            for page in range(1, 10**6):
                items, reported = self._page(project, page, query)
                total = max(total, reported)
                by_id |= {int(task["id"]): as_task(task) for task in items}
                if len(by_id) >= total or not items:
                    break
        self._complete("tasks", len(by_id), total)
        return by_id

    def _page(self, project: int, page: int, query: str | None) -> tuple[list[Any], int]:
        """A page of tasks and how many there are in all; none and 0 behind the last page."""
        which: dict[str, Any] = {"project": project, "page": page, "page_size": PAGE}
        which |= {"query": query} if query else {}
        try:
            answer = self._get(
                "tasks/", **which, fields="task_only", include=TASK_FIELDS, resolve_uri=False
            )
        except ApiError as error:
            if error.status_code == 404 and page > 1:  # tasks went while the pages were read
                return [], 0
            raise
        return list(answer["tasks"]), int(answer["total"])

    def import_tasks(self, project: int, records: Sequence[Mapping[str, Any]]) -> None:
        """Make a task of each record. After an error they may be there, or not, or will be."""
        with self._our_errors(f"pushing {len(records)} tasks", project):
            self._sdk.projects.import_tasks(project, request=records, return_task_ids=True)

    def annotations(self, task: int) -> int:
        """How many annotations a task has, skips included; 0 if there is no such task."""
        with self._our_errors(f"reading task {task}"):
            try:
                return len(self._get(f"tasks/{task}/")["annotations"])
            except ApiError as error:
                if error.status_code != 404:
                    raise
        return 0

    def export(self, project: int, tasks: Sequence[int]) -> list[dict[str, Any]]:
        """Those of `tasks` that exist, with their annotations, as the JSON export has them."""
        records: list[dict[str, Any]] = []
        for some in chunks(sorted(tasks), IDS_AN_EXPORT):
            # 2.1.2 sends its own argument as `ids`, which the server does not read
            which = {"additional_query_parameters": {"ids[]": list(some)}}
            with self._our_errors("exporting the annotations", project):
                stream = self._sdk.projects.exports.download_sync(
                    project, export_type="JSON", download_all_tasks=True, request_options=which
                )
                exported = json.loads(b"".join(stream))
                records += [_exported(record) for record in exported]
        return records

    # --- people -----------------------------------------------------------------------------

    def users(self) -> dict[str, int]:
        """Id of each account by e-mail address."""
        with self._our_errors("listing the accounts"):
            return {str(user.email): int(user.id) for user in self._sdk.users.list()}

    def create_user(self, email: str, password: str) -> int:
        """Id of a new account."""
        with self._our_errors(f"making the account {email}"):
            name = email.partition("@")[0]
            user = self._sdk.users.create(email=email, username=name, password=password)
            return int(user.id)

    def annotate(self, task: int, **annotation: Any) -> bool:
        """Store an annotation; False if one with its `unique_id` exists already."""
        with self._our_errors(f"answering task {task}"):
            try:
                self._sdk.annotations.create(task, **annotation)
            except ApiError as error:
                if error.status_code == 409 and "unique_id" in annotation:
                    return False
                raise
        return True

    def call(self, doing: str, ask: Callable[[Any], R], project: int | None = None) -> R:
        """What `ask` makes of the SDK's client, for what only one other module needs."""
        with self._our_errors(doing, project):
            return ask(self._sdk)

    def read(
        self, doing: str, path: str, made: Callable[[Any], R], of: int, query: Mapping[str, Any]
    ) -> R:
        """What `made` makes of a page's JSON, for what only one other module needs.

        of : the project that a status 404 is about
        """
        with self._our_errors(doing, of):
            return made(self._get(path, **query))

    def _get(self, path: str, **query: Any) -> Any:
        """The JSON of a page of the API. Raises what the SDK's own calls raise."""
        response = self._sdk._client_wrapper.httpx_client.request(
            f"api/{path}", method="GET", params=query
        )
        status = response.status_code
        try:
            found = response.json()
        except ValueError as error:
            raise ApiError(status_code=status, body=response.text) from error
        if not response.is_success:
            raise ApiError(status_code=status, body=found)
        return found

    # --- errors -----------------------------------------------------------------------------

    def _complete(self, what: str, got: int, wanted: int) -> None:
        if got != wanted:
            raise ServiceDown(
                f"the list of {what} of {self.url} is not complete: wanted {wanted}, got {got};"
                " somebody may be changing them: run the same command again"
            )

    @contextlib.contextmanager
    def _our_errors(self, doing: str, project: int | None = None) -> Iterator[None]:
        """Turn what the SDK raises into our errors."""
        try:
            yield
        except httpx.TransportError as error:
            raise self._wording.unreachable(error, doing) from error
        except http.Elsewhere as error:
            raise self._wording.redirected(error, doing) from error
        except httpx.RequestError as error:
            raise self._wording.malformed(error, doing) from error
        except ApiError as error:
            raise self._wording.refused(error.status_code, error.body, doing, project) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._wording.malformed(error, doing) from error


def _exported(record: Any) -> dict[str, Any]:
    """An exported task as it came. Raises if it is not what `pull` relies on."""
    if not isinstance(record["annotations"], list) or not isinstance(record["data"]["key"], str):
        raise TypeError(f"task {int(record['id'])} is not as Label Studio exports it")
    return dict(record)


def _project(project: Any) -> Project:
    return Project(
        id=int(project["id"]),
        title=project.get("title") or "",
        description=project.get("description") or "",
        config=project.get("label_config") or "",
        tasks=int(project.get("task_number") or 0),
    )
