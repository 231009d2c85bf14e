"""A task as Label Studio takes it, and an annotation as Label Studio gives it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from labelcycle.adapters.annotation.label_studio import labeling_config, shown_images
from labelcycle.adapters.ports import GUESS, Answer, Display, Prediction, TaskSpec
from labelcycle.errors import ServiceRefused


def record(task: TaskSpec, media: Path, offered: Sequence[str]) -> dict[str, Any]:
    """A task as Label Studio imports it; nothing in it tells the class, or why it is asked.

    Annotators can read all of it. Only a pre-annotation that is shown is in it.

    media : folder that the server shows images from
    offered : classes of the project's labelling config
    """
    task_record: dict[str, Any] = {
        "data": {
            labeling_config.IMAGE: shown_images.shown(task, media),
            "key": task.key,
            labeling_config.PLACE: _place(task),
        },
        "meta": {
            "sample": task.sample,
            "round": task.round,
            "rank": task.rank,
        },
    }
    if task.prediction and task.shown:
        task_record["predictions"] = [_prediction(task.prediction, offered)]
    return task_record


def display(task: TaskSpec, media: Path) -> Display:
    """What the task of `record` shows, as `displayed` reads it."""
    shown = {
        labeling_config.IMAGE: shown_images.shown(task, media),
        labeling_config.PLACE: _place(task),
    }
    if task.prediction and task.shown:
        shown[GUESS] = _guess(task.prediction.label, task.prediction.model)
    return shown


def displayed(data: Mapping[str, Any], predictions: Iterable[Mapping[str, Any]]) -> Display:
    """What a task with these data and pre-annotations shows: all data count but the key.

    predictions : as the server lists them; several are one text
    """
    shown = {name: str(value) for name, value in data.items() if name != "key"}
    if guesses := sorted({guess(prediction) for prediction in predictions}):
        shown[GUESS] = "; ".join(guesses)
    return shown


def guess(prediction: Mapping[str, Any]) -> str:
    """A pre-annotation of the server's list as a display has it."""
    labels, reason = labeling_config.labels_and_reason(prediction["result"])
    return _guess(", ".join(labels) or reason, str(prediction["model_version"]))


def _guess(label: str, model: str) -> str:
    return f"{label} ({model})"


def _place(task: TaskSpec) -> str:
    """What the page shows of how far the round is."""
    return f"Image {task.rank + 1}" + (f" of {task.tasks}" if task.tasks else "")


def _prediction(prediction: Prediction, offered: Sequence[str]) -> dict[str, Any]:
    """A pre-annotation. The server takes unknown classes without a word, so they stop here."""
    if prediction.label not in offered:
        raise ServiceRefused(
            f"wanted a pre-annotation among {', '.join(map(repr, offered))}, got"
            f" {prediction.label!r}; put the class back in the project's labelling interface"
        )
    return {
        "model_version": prediction.model,
        "score": prediction.probability,
        "result": labeling_config.result(prediction.label),
    }


def answer(task: Mapping[str, Any], annotation: Mapping[str, Any], service: int) -> Answer:
    """One annotation of an exported task. Raises KeyError, TypeError, ... for anything else.

    service : account of the campaign, which may write for others
    """
    lead_time = annotation.get("lead_time")
    annotator = _annotator(annotation)
    labels, reason = labeling_config.labels_and_reason(annotation["result"])
    return Answer(
        annotation=int(annotation["id"]),
        task=int(task["id"]),
        key=str(task["data"]["key"]),
        annotator=annotator,
        editor=_editor(annotation, annotator, service),
        labels=labels,
        skipped=bool(reason or annotation["was_cancelled"]),
        reason=reason,
        lead_time_s=None if lead_time is None else float(lead_time),
        created=str(annotation["created_at"]),
        updated=str(annotation["updated_at"]),
        raw=annotation,
    )


def _annotator(annotation: Mapping[str, Any]) -> str:
    """The account, as text. One that was removed is forgotten: each of its answers is somebody's.

    Else two such people would be one, and one of their answers to a task would be lost.
    """
    person = annotation.get("completed_by")
    if person is None:
        return f"removed/{annotation['id']}"
    return str(person["id"] if isinstance(person, Mapping) else person)


def _editor(annotation: Mapping[str, Any], annotator: str, service: int) -> str | None:
    """Who wrote what the annotation says now. The server alone sets `updated_by`.

    An answer of an import, and one whose editor's account was removed, has none.
    """
    person = annotation["updated_by"]
    if person is None:
        return None
    return annotator if int(person) == service else str(int(person))
