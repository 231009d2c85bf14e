"""What tasks show people in Label Studio, and how it is put right.

Every account may change the data of a task, and add and change its pre-annotations; the server
does not tell who did.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labelcycle.adapters.annotation.label_studio import task_import
from labelcycle.adapters.annotation.label_studio.listed_task import ListedTask
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import GUESS, Display


@dataclass(frozen=True)
class Shown:
    """A task and its pre-annotations, as the server lists them."""

    task: ListedTask
    predictions: tuple[Mapping[str, Any], ...]

    @property
    def display(self) -> Display:
        """What people see of it."""
        return task_import.displayed(self.task.data, self.predictions)


def shown(
    api: LabelStudioApi, project: int, found: Mapping[str, Iterable[ListedTask]]
) -> dict[str, list[Shown]]:
    """The tasks `found` (by key, with their twins) with their pre-annotations.

    Those of all tasks are read: how many a task has is a field that everybody may change.
    """
    predictions = _predictions(api, project) if found else {}
    return {
        key: [Shown(task, tuple(predictions.get(task.id, ()))) for task in twins]
        for key, twins in found.items()
    }


def restore(api: LabelStudioApi, key: str, task: Shown, wanted: Display) -> None:
    """Have a task show again what `wanted` says, without pre-annotations that are not in it."""
    number, data = task.task.id, {name: wanted[name] for name in wanted if name != GUESS}
    if dict(task.task.data) != data | {"key": key}:
        api.call(
            f"putting task {number} right",
            lambda sdk: sdk.tasks.update(str(number), data=data | {"key": key}),
        )
    for prediction in task.predictions:
        if task_import.guess(prediction) != wanted.get(GUESS):
            _remove(api, number, int(prediction["id"]))


def _remove(api: LabelStudioApi, task: int, prediction: int) -> None:
    doing = f"removing a pre-annotation of task {task}"
    api.call(doing, lambda sdk: sdk.predictions.delete(prediction))


def _predictions(api: LabelStudioApi, project: int) -> dict[int, list[Mapping[str, Any]]]:
    """The pre-annotations of a project's tasks, by the id of the task."""
    by_task: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    # by the project of the task: a pre-annotation has one of its own, which anybody may choose
    doing = "reading the pre-annotations"
    listed = api.read(doing, "predictions/", _dicts, project, {"task__project": project})
    for prediction in listed:
        by_task[int(prediction["task"])].append(prediction)
    return by_task


def _dicts(listed: Any) -> list[Mapping[str, Any]]:
    return [dict(prediction) for prediction in listed]
