"""Answers that a program gives through Label Studio's own API, each under a person's account."""

import secrets
import uuid
from collections.abc import Mapping, Sequence

from labelcycle.adapters.annotation.label_studio import labeling_config, task_people
from labelcycle.adapters.annotation.label_studio.listed_task import ListedTask
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import OpenTask
from labelcycle.core import skip_reasons


def open_tasks(
    api: LabelStudioApi, project: int, wanted: Mapping[int, int] | None
) -> list[OpenTask]:
    """The tasks that want further people, those first that nobody has answered.

    wanted : how many different people, by id; None: one each of every task of the project
    """
    listed = api.tasks(project, None if wanted is None else list(wanted))
    keyed = [task for task in listed if task.key is not None]
    least = {task.id: (wanted or {}).get(task.id, 1) for task in keyed}
    begun = [task.id for task in keyed if not task.untouched and least[task.id] > 1]
    there = task_people.annotators(api, project, begun)
    untouched = [_open(task, least[task.id], frozenset()) for task in keyed if task.untouched]
    partly = [
        _open(task, least[task.id], frozenset(map(str, there[task.id])))
        for task in keyed
        if task.id in there
    ]
    return [*untouched, *(task for task in partly if task.lacking > 0)]


def _open(task: ListedTask, wanted: int, there: frozenset[str]) -> OpenTask:
    number, sample = task.meta.get("round"), str(task.meta.get("sample"))
    round_ = number if isinstance(number, int) else 0  # a task's meta is anybody's to change
    return OpenTask(task.id, task.key or "", sample, round_, wanted - len(there), there)


def people(api: LabelStudioApi, count: int) -> list[str]:
    """Accounts of `count` simulated people, as answers name them; made if they do not exist."""
    known = api.users()
    names = [f"simulated-{number}@localhost" for number in range(1, count + 1)]
    return [
        str(known[name] if name in known else api.create_user(name, secrets.token_urlsafe(12)))
        for name in names
    ]


def give(
    api: LabelStudioApi,
    task: OpenTask,
    person: int,
    labels: Sequence[str],
    reason: str,
    lead_time_s: float | None,
) -> None:
    """Store one person's answer: under an id of its own, which the server takes one time."""
    names = [skip_reasons.worded(reason)] if reason else labels
    name = f"{task.key}/{task.id}/{person}"
    api.annotate(
        task.id,
        result=[result for each in names for result in labeling_config.result(each)],
        completed_by=person,
        was_cancelled=not names,
        lead_time=lead_time_s,
        unique_id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
    )
