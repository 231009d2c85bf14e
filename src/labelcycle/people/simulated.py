"""Simulated people, who answer through Label Studio's own API from a file of true classes."""

import hashlib
import secrets
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

import numpy as np

from labelcycle.adapters.annotation.label_studio import labeling_config, task_people
from labelcycle.adapters.annotation.label_studio.listed_task import Task
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.campaign.store import Campaign, read_samples
from labelcycle.core import csv_tables
from labelcycle.core.class_names import composed
from labelcycle.errors import DataError

LEAD_TIME_LOG_MEAN, LEAD_TIME_LOG_SIGMA = 0.9, 0.4
"""Of the natural logarithm of the seconds spent on an image: median 2.5 s, nine of ten < 4.2 s."""

SHOW_EVERY = 50

Kind = Literal["right", "wrong", "skip"]


@dataclass(frozen=True)
class Done:
    """What the people did: answers (of them wrong ones) and skips."""

    answered: int
    wrong: int
    skipped: int


@dataclass(frozen=True)
class Reply:
    """What one person does with one task; label is None for a skip.

    turn : 0 for the first simulated person at the task, 1 for the second, ...
    """

    task: Task
    person: int
    label: str | None
    kind: Kind
    lead_time_s: float
    turn: int = 0


def read_truth(campaign: Campaign, path: Path) -> dict[str, str]:
    """True class by sample id, for the campaign's samples that the file names.

    The CSV has a column `label`, and `sample` (the id) or `file` (the image's name as it was when
    it was ingested, folders left out). Raises DataError if it has not, or contradicts itself.
    """
    rows = [row.cells for row in csv_tables.read(path, (("label",), ("sample", "file")))]
    column = next((name for name in ("sample", "file") if rows and name in rows[0]), "file")
    named: dict[str, str] = {}
    for row in rows:
        name, label = (
            PurePath(row[column]).name,
            composed(csv_tables.unguarded(row["label"].strip())),
        )
        if named.setdefault(name, label) != label:
            raise DataError(
                f"{path}: wanted one class for {name}, got {named[name]!r} and {label!r};"
                " name the images by sample id"
            )
    samples = read_samples(campaign.samples)
    keys = {
        s.id: [s.id] if column == "sample" else [PurePath(x).name for x in (s.source, *s.also)]
        for s in samples
    }
    return {sample: named[key] for sample, names in keys.items() for key in names if key in named}


def annotate(
    url: str,
    token: str,
    project: int,
    truth: Mapping[str, str],
    *,
    wanted: Mapping[int, int] | None = None,
    annotators: int = 2,
    error_rates: Sequence[float] = (0.0,),
    skip_rate: float = 0.0,
    seed: int = 0,
    show: Callable[[str], None],
) -> Done:
    """What simulated people did with the open tasks of a project.

    truth : sample id -> class; a task's sample stands in its meta
    wanted : how many different people are to answer each task to look at, by id; by default one
        each of every task of the project
    annotators : accounts they use, each working in its own thread
    error_rates : share in 0..1 of answers with a wrong class, of each person in turn
    skip_rate : share in 0..1 of skips
    seed : same seed, samples and rounds: same answers, whatever was answered before

    Done twice it is done once: answered tasks are left alone, and an answer has an id of its own
    that the server takes one time. Raises DataError for a task whose class is not known, or that
    wants more people than there are; or for more rates than people.
    """
    _check_rates(error_rates, annotators)
    api = LabelStudioApi(url, token)
    pending = _pending(api, project, wanted)
    classes = labeling_config.classes(api.project(project).config)
    _check([each.task for each in pending], truth, classes)
    _check_people(pending, annotators)
    people = _accounts(api, annotators)
    replies = []
    for each in pending:
        turns = [
            _reply(each.task, truth, classes, annotators, error_rates, skip_rate, seed, turn)
            for turn in range(annotators)
        ]
        free = [reply for reply in turns if people[reply.person] not in each.there]
        replies += free[: each.lacking]
    shares = [[r for r in replies if r.person == person] for person in range(annotators)]
    with ThreadPoolExecutor(annotators) as pool:
        work = [
            pool.submit(_answer_all, api, people[person], share, show)
            for person, share in enumerate(shares)
        ]
        for future in work:
            future.result()
    kinds = Counter(reply.kind for reply in replies)
    return Done(kinds["right"] + kinds["wrong"], kinds["wrong"], kinds["skip"])


@dataclass(frozen=True)
class _Pending:
    """A task that wants further people: how many, and who was there already."""

    task: Task
    lacking: int
    there: frozenset[int] = frozenset()


def _pending(api: LabelStudioApi, project: int, wanted: Mapping[int, int] | None) -> list[_Pending]:
    found = api.tasks(project, None if wanted is None else list(wanted))
    own = [task for task in found if task.key is not None]
    least = {task.id: (wanted or {}).get(task.id, 1) for task in own}
    begun = [task.id for task in own if not task.untouched]
    there = task_people.annotators(api, project, [t for t in begun if least[t] > 1])
    untouched = [_Pending(task, least[task.id]) for task in own if task.untouched]
    partly = [
        _Pending(task, least[task.id] - len(there[task.id]), there[task.id])
        for task in own
        if task.id in there
    ]
    return [*untouched, *(each for each in partly if each.lacking > 0)]


def _check_rates(error_rates: Sequence[float], annotators: int) -> None:
    if not 0 < len(error_rates) <= annotators:
        raise DataError(
            f"wanted 1 to {annotators} error rates for {annotators} people, got"
            f" {len(error_rates)}; give --error-rate once for all, or once for each"
        )


def _check_people(pending: Sequence[_Pending], annotators: int) -> None:
    most = max((each.lacking + len(each.there) for each in pending), default=1)
    if most > annotators:
        raise DataError(
            f"wanted {most} different people for a task, got {annotators}; give --annotators {most}"
        )


def _check(tasks: Sequence[Task], truth: Mapping[str, str], classes: Sequence[str]) -> None:
    """Raise DataError before anything is answered if a class is missing or not offered."""
    missing = [str(task.meta.get("sample")) for task in tasks if _sample(task) not in truth]
    if missing:
        raise DataError(
            f"wanted the true class of each of {len(tasks)} open tasks, got none for"
            f" {len(missing)}, first sample {missing[0]}; add them to the file of true classes"
        )
    unknown = sorted({truth[_sample(task)] for task in tasks} - set(classes))
    if unknown:
        raise DataError(
            f"wanted true classes among {', '.join(map(repr, classes))}, got"
            f" {', '.join(map(repr, unknown))}; put them right in the file of true classes"
        )


def _sample(task: Task) -> str:
    return str(task.meta.get("sample"))


def _reply(
    task: Task,
    truth: Mapping[str, str],
    classes: Sequence[str],
    annotators: int,
    error_rates: Sequence[float],
    skip_rate: float,
    seed: int,
    turn: int = 0,
) -> Reply:
    """Drawn from seed, sample, round and turn alone: no order and no restart changes it."""
    name = f"{seed}/{task.meta.get('round')}/{_sample(task)}"
    first = np.random.default_rng(_entropy(name))
    person = (int(first.integers(annotators)) + turn) % annotators
    rng = first if turn == 0 else np.random.default_rng(_entropy(f"{name}/{turn}"))
    lead_time_s = round(float(rng.lognormal(LEAD_TIME_LOG_MEAN, LEAD_TIME_LOG_SIGMA)), 2)
    skips, errs = rng.random(2) < (skip_rate, error_rates[person % len(error_rates)])
    right = truth[_sample(task)]
    wrong = [name for name in classes if name != right]
    slip = int(rng.integers(max(len(wrong), 1)))
    if skips:
        return Reply(task, person, None, "skip", lead_time_s, turn)
    if errs and wrong:
        return Reply(task, person, wrong[slip], "wrong", lead_time_s, turn)
    return Reply(task, person, right, "right", lead_time_s, turn)


def _entropy(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")


def _accounts(api: LabelStudioApi, annotators: int) -> list[int]:
    """Id of each person's account; made if it does not exist."""
    known = api.users()
    names = [f"simulated-{number}@localhost" for number in range(1, annotators + 1)]
    return [
        known[name] if name in known else api.create_user(name, secrets.token_urlsafe(12))
        for name in names
    ]


def _answer_all(
    api: LabelStudioApi, user: int, replies: Sequence[Reply], show: Callable[[str], None]
) -> None:
    """One person works through a share of the tasks, in the order they are served."""
    for count, reply in enumerate(replies, start=1):
        turn = f"/{reply.turn}" if reply.turn else ""
        name = f"{reply.task.key}/{reply.task.id}{turn}"
        api.annotate(
            reply.task.id,
            result=labeling_config.result(reply.label),
            completed_by=user,
            was_cancelled=reply.label is None,
            lead_time=reply.lead_time_s,
            unique_id=str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
        )
        if count % SHOW_EVERY == 0 or count == len(replies):
            show(f"simulated person {reply.person + 1}: {count} of {len(replies)} tasks")
