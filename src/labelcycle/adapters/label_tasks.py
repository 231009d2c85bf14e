"""A task as Label Studio takes it, and an annotation as Label Studio gives it."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from labelcycle.adapters import label_config
from labelcycle.errors import DataError, ServiceRefused
from labelcycle.ports import Answer, Prediction, TaskSpec


def record(task: TaskSpec, media: Path, offered: Sequence[str]) -> dict[str, Any]:
    """A task as Label Studio imports it; nothing in it tells the class, or why it is asked.

    Annotators can read all of it. Only a pre-annotation that is shown is in it.

    media : folder that the server shows images from
    offered : classes of the project's labelling config
    """
    path = quote(str(relative(task, media)))  # unquoted, a # or % in it is answered with 404
    made: dict[str, Any] = {
        "data": {label_config.IMAGE: f"/data/local-files/?d={path}", "key": task.key},
        "meta": {
            "sample": task.sample,
            "round": task.round,
            "rank": task.rank,
        },
    }
    if task.prediction and task.shown:
        made["predictions"] = [_prediction(task.prediction, offered)]
    return made


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
        "result": label_config.result(prediction.label),
    }


def relative(task: TaskSpec, media: Path) -> PurePosixPath:
    """The image's path below the media folder. Raises DataError if it cannot be shown.

    Label Studio shows files of folders below its document root, none that lie in the root itself.
    """
    image = task.image.absolute()
    if image.is_relative_to(media) and image.is_file():
        path = PurePosixPath(image.relative_to(media).as_posix())
        if len(path.parts) > 1 and ".." not in path.parts:
            return path
    raise DataError(
        f"sample {task.sample}: wanted an image in a folder below {media}, got {task.image};"
        " run `labelcycle open` again"
    )


def answer(task: Mapping[str, Any], annotation: Mapping[str, Any]) -> Answer:
    """One annotation of an exported task. Raises KeyError, TypeError, ... for anything else."""
    person = annotation.get("completed_by")
    lead_time = annotation.get("lead_time")
    return Answer(
        annotation=int(annotation["id"]),
        task=int(task["id"]),
        key=str(task["data"]["key"]),
        annotator=str(person["id"] if isinstance(person, Mapping) else person),
        labels=label_config.chosen(annotation["result"]),
        skipped=bool(annotation["was_cancelled"]),
        lead_time_s=None if lead_time is None else float(lead_time),
        created=str(annotation["created_at"]),
        updated=str(annotation["updated_at"]),
        raw=annotation,
    )
