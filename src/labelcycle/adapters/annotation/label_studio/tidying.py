"""Which tasks of a project are the campaign's, and how others are removed.

Only those that nobody has answered are, but for withdrawn samples. The server itself looks at that
when it deletes, so no answer that comes meanwhile is lost. A task is named by its id and its key:
Label Studio on SQLite gives the ids of deleted tasks anew, and a request that a slow server does
late must not meet the new task.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from labelcycle.adapters.annotation.label_studio import labeling_config, task_people
from labelcycle.adapters.annotation.label_studio.labeling_config import chunks
from labelcycle.adapters.annotation.label_studio.listed_task import ListedTask
from labelcycle.adapters.annotation.label_studio.rest_api import IDS_A_QUESTION, LabelStudioApi

UNTOUCHED = (
    ("annotations_ids", "empty", "Unknown", "True"),
    ("total_annotations", "equal", "Number", 0),
    ("cancelled_annotations", "equal", "Number", 0),
)
"""Filters that a task without answers and skips passes: the first asks for the annotations
themselves, for the counts lag behind; the others would see one whose account is gone."""


def grouped(
    listed: Iterable[ListedTask], keys: Mapping[str, object]
) -> dict[str, list[ListedTask]]:
    """The tasks with these keys, by key. One that was made for another of them is not among them.

    keys : with the id of each task, where it is known: anybody may change the key that a task holds
    """
    made_for: dict[object, set[str]] = defaultdict(set)
    for key, number in keys.items():
        if isinstance(number, int):
            made_for[number].add(key)
    present: dict[str, list[ListedTask]] = defaultdict(list)
    for task in listed:
        if task.key and task.key in keys and task.key in made_for.get(task.id, {task.key}):
            present[task.key].append(task)
    return dict(present)


def strange(
    present: Mapping[str, Iterable[ListedTask]], records: Mapping[str, Mapping[str, Any]]
) -> list[ListedTask]:
    """The unanswered tasks that show another image than that of their record."""
    images = {key: record["data"][labeling_config.IMAGE] for key, record in records.items()}
    return [
        task
        for key, twins in present.items()
        for task in twins
        if task.untouched and task.data.get(labeling_config.IMAGE) != images[key]
    ]


def unique(
    api: LabelStudioApi, project: int, found: Mapping[str, Sequence[ListedTask]]
) -> dict[str, list[ListedTask]]:
    """Those of each key's tasks that stay: all that were answered, else the first; others go.

    Answered ones are never deleted: a pull reads a key's answers wherever they are.
    """
    stay = {
        key: [task for task in twins if not task.untouched] or list(twins[:1])
        for key, twins in found.items()
    }
    surplus = [t for key, twins in found.items() for t in twins if t not in stay[key]]
    if surplus:
        remove_twins(api, project, surplus)
        names = {task.id: task.key for task in surplus}
        for task in api.tasks(project, list(names)):  # it was answered meanwhile
            if task.key and task.key == names[task.id]:
                stay[task.key].append(task)
    return stay


def remove_twins(api: LabelStudioApi, project: int, twins: Iterable[ListedTask]) -> None:
    """Remove those of `twins`, surplus tasks of their keys, that nobody has answered."""
    for task in twins:
        _remove(api, project, [task.id], ("data.key", "equal", "String", task.key))


def remove_answered(api: LabelStudioApi, project: int, tasks: Iterable[ListedTask]) -> None:
    """Remove tasks whatever people have said to them: their samples were withdrawn."""
    for task in tasks:
        _remove(api, project, [task.id], ("data.key", "equal", "String", task.key), answered=True)


def remove_round(api: LabelStudioApi, project: int, tasks: Mapping[str, int]) -> None:
    """Remove those of `tasks` (key -> id), of closed rounds, that nobody has answered."""
    by_round: dict[str, list[int]] = {}
    for key, number in tasks.items():
        by_round.setdefault(f"{key.rpartition('/')[0]}/", []).append(number)
    for prefix, ids in by_round.items():
        for some in chunks(sorted(ids), IDS_A_QUESTION):
            _remove(api, project, some, ("data.key", "contains", "String", prefix))


def remove_strangers(
    api: LabelStudioApi, project: int, own: Collection[str], listed: Iterable[ListedTask]
) -> int:
    """How many of the tasks listed are not of the campaign of the keys `own`.

    They come when somebody presses Sync on the project's storage, or imports tasks. Those without
    an answer are removed, so that nobody is asked about them; of the others nobody is asked more.
    """
    campaign = next((key.partition("/")[0] for key in own), "") + "/"
    strangers = [t for t in listed if own and not (t.key or "").startswith(campaign)]
    unanswered = [task for task in strangers if task.untouched]
    nameless = [task.id for task in unanswered if task.data.get("key") is None]
    named = [task.id for task in unanswered if task.data.get("key") is not None]
    for ids, filter_ in (
        (nameless, ("data.key", "empty", "String", "True")),
        (named, ("data.key", "not_contains", "String", campaign)),
    ):
        for some in chunks(ids, IDS_A_QUESTION):
            _remove(api, project, some, filter_)
    task_people.ask_no_more(api, [task for task in strangers if not task.untouched])
    return len(strangers)


def _remove(
    api: LabelStudioApi,
    project: int,
    ids: Collection[int],
    named: tuple[str, str, str, Any],
    *,
    answered: bool = False,
) -> None:
    """Have the server remove those of the tasks whose data are as `named`; answered ones, too."""
    filters = [
        {"filter": f"filter:tasks:{name}", "operator": operator, "type": kind, "value": value}
        for name, operator, kind, value in (*(() if answered else UNTOUCHED), named)
    ]
    api.call(
        f"deleting {len(ids)} {'' if answered else 'unanswered '}tasks",
        lambda sdk: sdk.actions.create(
            id="delete_tasks",
            project=project,
            filters={"conjunction": "and", "items": filters},
            selected_items={"all": False, "included": list(ids)},
        ),
        project,
    )
