"""How tasks are removed from Label Studio: only those that nobody has answered, in one request.

The server itself looks whether a task has an answer when it deletes, so none that comes meanwhile
is lost. A task is named by its id and its key: Label Studio on SQLite gives the ids of deleted
tasks anew, and a request that a slow server does late must not meet the new task.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from labelcycle.adapters.label_config import chunks
from labelcycle.adapters.label_studio_api import IDS_A_QUESTION, LabelStudioApi, Task

UNTOUCHED = (
    ("annotations_ids", "empty", "Unknown", "True"),
    ("total_annotations", "equal", "Number", 0),
    ("cancelled_annotations", "equal", "Number", 0),
)
"""Filters that a task without answers and skips passes: the first asks for the annotations
themselves, for the counts lag behind; the others would see one whose account is gone."""


def remove_twins(api: LabelStudioApi, project: int, twins: Iterable[Task]) -> None:
    """Remove those of `twins`, surplus tasks of their keys, that nobody has answered."""
    for task in twins:
        _remove(api, project, [task.id], ("data.key", "equal", "String", task.key))


def remove_round(api: LabelStudioApi, project: int, tasks: Mapping[str, int]) -> None:
    """Remove those of `tasks` (key -> id), of closed rounds, that nobody has answered."""
    by_round: dict[str, list[int]] = {}
    for key, number in tasks.items():
        by_round.setdefault(f"{key.rpartition('/')[0]}/", []).append(number)
    for prefix, ids in by_round.items():
        for some in chunks(sorted(ids), IDS_A_QUESTION):
            _remove(api, project, some, ("data.key", "contains", "String", prefix))


def _remove(
    api: LabelStudioApi, project: int, ids: Collection[int], named: tuple[str, str, str, Any]
) -> None:
    filters = [
        {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}
        for name, operator, kind, value in (*UNTOUCHED, named)
    ]
    api.call(
        f"deleting {len(ids)} unanswered tasks",
        lambda sdk: sdk.actions.create(
            id="delete_tasks",
            project=project,
            filters={"conjunction": "and", "items": filters},
            selected_items={"all": False, "included": list(ids)},
        ),
        project,
    )
