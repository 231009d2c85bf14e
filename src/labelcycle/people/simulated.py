"""Simulated people, who answer through the campaign's backend from a file of true classes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

import numpy as np

from labelcycle.adapters.ports import Answering, OpenTask
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import read_samples
from labelcycle.core import csv_tables
from labelcycle.core.class_names import composed
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import DataError

LEAD_TIME_LOG_MEAN, LEAD_TIME_LOG_SIGMA = 0.9, 0.4
"""Of the natural logarithm of the seconds spent on an image: median 2.5 s, nine of ten < 4.2 s."""

SHOW_EVERY = 50

Outcome = Literal["right", "wrong", "skip"]


@dataclass(frozen=True)
class Done:
    """What the people did: answers (of them wrong ones) and skips."""

    answered: int
    wrong: int
    skipped: int


@dataclass(frozen=True)
class SimulatedAnswer:
    """What one person does with one task; label is None for a skip.

    turn : 0 for the first simulated person at the task, 1 for the second, ...
    """

    task: OpenTask
    person: int
    label: str | None
    outcome: Outcome
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
    backend: Answering,
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

    truth : sample id -> class
    wanted : how many different people are to answer each task to look at, by id; by default one
        each of every task of the project
    annotators : how many people, each working in a thread of its own
    error_rates : share in 0..1 of answers with a wrong class, of each person in turn
    skip_rate : share in 0..1 of skips
    seed : same seed, samples and rounds: same answers, whatever was answered before

    Done twice it is done once: answered tasks are left alone, and the backend takes a person's
    answer to a task one time. Raises DataError for a task whose class is not known, or that wants
    more people than there are; or for more rates than people.
    """
    _check_rates(error_rates, annotators)
    pending = backend.open_tasks(project, wanted)
    classes = backend.classes(project)
    _check(pending, truth, classes)
    _check_people(pending, annotators)
    people = backend.people(annotators)
    answers = []
    for task in pending:
        turns = [
            _drawn_answer(task, truth, classes, annotators, error_rates, skip_rate, seed, turn)
            for turn in range(annotators)
        ]
        free = [answer for answer in turns if people[answer.person] not in task.there]
        answers += free[: task.lacking]
    shares = [[r for r in answers if r.person == person] for person in range(annotators)]
    with ThreadPoolExecutor(annotators) as pool:
        work = [
            pool.submit(_answer_all, backend, people[person], share, show)
            for person, share in enumerate(shares)
        ]
        for future in work:
            future.result()
    outcomes = Counter(answer.outcome for answer in answers)
    return Done(outcomes["right"] + outcomes["wrong"], outcomes["wrong"], outcomes["skip"])


def _check_rates(error_rates: Sequence[float], annotators: int) -> None:
    if not 0 < len(error_rates) <= annotators:
        raise DataError(
            f"wanted 1 to {annotators} error rates for {annotators} people, got"
            f" {len(error_rates)}; give --error-rate once for all, or once for each"
        )


def _check_people(pending: Sequence[OpenTask], annotators: int) -> None:
    most = max((task.lacking + len(task.there) for task in pending), default=1)
    if most > annotators:
        raise DataError(
            f"wanted {most} different people for a task, got {annotators}; give --annotators {most}"
        )


def _check(tasks: Sequence[OpenTask], truth: Mapping[str, str], classes: Sequence[str]) -> None:
    """Raise DataError before anything is answered if a class is missing or not offered."""
    missing = [task.sample for task in tasks if task.sample not in truth]
    if missing:
        raise DataError(
            f"wanted the true class of each of {counted(len(tasks), 'open task')}, got none for"
            f" {len(missing)}, first sample {missing[0]}; add them to the file of true classes"
        )
    unknown = sorted({truth[task.sample] for task in tasks} - set(classes))
    if unknown:
        raise DataError(
            f"wanted true classes among {', '.join(map(repr, classes))}, got"
            f" {', '.join(map(repr, unknown))}; put them right in the file of true classes"
        )


def _drawn_answer(
    task: OpenTask,
    truth: Mapping[str, str],
    classes: Sequence[str],
    annotators: int,
    error_rates: Sequence[float],
    skip_rate: float,
    seed: int,
    turn: int,
) -> SimulatedAnswer:
    """Drawn from seed, sample, round and turn alone: no order and no restart changes it."""
    name = f"{seed}/{task.round}/{task.sample}"
    first = np.random.default_rng(_entropy(name))
    person = (int(first.integers(annotators)) + turn) % annotators
    rng = first if turn == 0 else np.random.default_rng(_entropy(f"{name}/{turn}"))
    lead_time_s = round(float(rng.lognormal(LEAD_TIME_LOG_MEAN, LEAD_TIME_LOG_SIGMA)), 2)
    skips, errs = rng.random(2) < (skip_rate, error_rates[person % len(error_rates)])
    right = truth[task.sample]
    wrong = [name for name in classes if name != right]
    slip = int(rng.integers(max(len(wrong), 1)))
    if skips:
        return SimulatedAnswer(task, person, None, "skip", lead_time_s, turn)
    if errs and wrong:
        return SimulatedAnswer(task, person, wrong[slip], "wrong", lead_time_s, turn)
    return SimulatedAnswer(task, person, right, "right", lead_time_s, turn)


def _entropy(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "big")


def _answer_all(
    backend: Answering, person: str, answers: Sequence[SimulatedAnswer], show: Callable[[str], None]
) -> None:
    """One person works through a share of the tasks, in the order they are served."""
    for count, answer in enumerate(answers, start=1):
        labels = () if answer.label is None else (answer.label,)
        backend.give(answer.task, person, labels, lead_time_s=answer.lead_time_s)
        if count % SHOW_EVERY == 0 or count == len(answers):
            show(
                f"simulated person {answer.person + 1}: {count} of {counted(len(answers), 'task')}"
            )
