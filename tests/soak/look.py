"""What is there to see of a campaign: its files, its tasks and answers, git, and what status says.

Read here as people and programs would, mostly without the code that wrote it.
"""

import json
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.cycle import campaign_status, status_text
from labelcycle.rounds import corrections, snapshots


@dataclass(frozen=True)
class Said:
    """An answer as it stands somewhere."""

    key: str
    person: str
    labels: tuple[str, ...]
    reason: str

    @property
    def place(self) -> tuple[str, str]:
        """What nobody may answer twice."""
        return self.key, self.person


@dataclass(frozen=True)
class Task:
    """A task in the backend."""

    id: int
    key: str
    sample: str
    round: int


@dataclass(frozen=True)
class Seen:
    """A campaign at one moment.

    number, state : of the round at work
    status : what `labelcycle status` says; told : the state of each round, as it tells programs
    changed : files that git would commit, or does not know
    tags : the commit of each
    manifest : id, split, names of groups and picture of every sample
    labels : samples with a label, or a reason for none, that counts
    files : by label file all samples in it
    holdout : samples that the hold-out's answers are of
    tasks, answers : of the backend
    pushed : by round the keys that it recorded as asked
    chosen : samples that the round at work picked
    written : by closed round the answers in its own file
    counting : the answers of closed rounds as they count by now
    standing : rounds whose answers count
    closed : the files of closed rounds
    tombstones : withdrawn samples, and whether that is finished
    quarantined : places of images that were refused
    left : files that hold some of the bytes that were searched
    """

    number: int
    state: str
    status: str
    told: dict[int, str]
    changed: tuple[str, ...]
    tags: dict[str, str]
    manifest: tuple[Sample, ...]
    labels: frozenset[str]
    files: dict[str, tuple[str, ...]]
    holdout: tuple[str, ...]
    tasks: tuple[Task, ...]
    answers: tuple[Said, ...]
    pushed: dict[int, tuple[str, ...]]
    chosen: tuple[str, ...]
    written: dict[int, tuple[Said, ...]]
    counting: tuple[Said, ...]
    standing: frozenset[int]
    closed: dict[str, bytes]
    tombstones: dict[str, bool]
    quarantined: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def open(self) -> bool:
        """People are asked."""
        return self.state == "open"

    @property
    def due(self) -> bool:
        """No round is at work."""
        return self.state == "due"


def look(root: Path, marks: Sequence[bytes]) -> Seen:
    """The campaign in a folder; `marks` is what to search for in it and in its remote."""
    snapshot = snapshots.read(root)
    campaign, number = snapshot.campaign, snapshot.number
    report = campaign_status.status(snapshot)
    told = json.loads(json.dumps(report.as_json()))
    labels = {path.name: _lines(path) for path in sorted(campaign.labels.glob("*.jsonl"))}
    apart = _apart(campaign)
    tasks, answers = _backend(campaign)
    recorded = [_recorded(vars(each)) for _, each in corrections.corrected(_pulled(snapshot))]
    return Seen(
        number=number,
        state=str(snapshot.state),
        status=status_text.as_text(report),
        told={each["round"]: each["state"] for each in told["rounds"]},
        changed=_changed(root),
        tags=_tags(root),
        # a clone whose pull was stopped has none yet
        manifest=tuple(snapshot.records.samples(which="all")) if campaign.has_samples else (),
        labels=frozenset(
            line["sample"] for name, lines in labels.items() if name not in apart for line in lines
        ),
        files={name: tuple(line["sample"] for line in lines) for name, lines in labels.items()},
        holdout=tuple(line["sample"] for line in _lines(campaign.holdout)),
        tasks=tasks,
        answers=answers,
        pushed={
            n: tuple(task.key for task in snapshot.records.pushed(n).tasks)
            for n in range(number + 1)
            if snapshot.records.has(n, "pushed.json")
        },
        chosen=_chosen(campaign, number),
        written={
            n: tuple(map(_recorded, _lines(campaign.round(n) / "annotations.jsonl")))
            for n in range(number)
        },
        counting=tuple(recorded),
        standing=frozenset(snapshot.lineage.counting),
        closed=_closed(campaign, number),
        tombstones={each.sample: each.done for each in snapshot.records.withdrawn().samples},
        quarantined=tuple(line["source"] for line in _lines(campaign.quarantine)),
        left=tuple(_holding(root, marks)) if marks else (),
    )


def _pulled(snapshot: snapshots.Snapshot) -> list[corrections.PulledRound]:
    """Of closed rounds alone: what a stopped close wrote is not whole."""
    return [each for each in corrections.pulled(snapshot) if each.number < snapshot.number]


def _lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def _apart(campaign: Campaign) -> frozenset[str]:
    """Label files of rounds that do not count."""
    if not campaign.labels_apart.exists():
        return frozenset()
    rounds = json.loads(campaign.labels_apart.read_text(encoding="utf-8"))["rounds"]
    return frozenset(f"{number:03d}.jsonl" for number in rounds)


def _backend(campaign: Campaign) -> tuple[tuple[Task, ...], tuple[Said, ...]]:
    """The rows of the file that people answer in."""
    if not campaign.tasks.exists():
        return (), ()
    with closing(sqlite3.connect(campaign.tasks)) as db:
        if not db.execute("PRAGMA user_version").fetchone()[0]:
            return (), ()
        tasks = db.execute("SELECT id, key, sample, round FROM task ORDER BY round, rank")
        rows = [Task(*row) for row in tasks]
        given = db.execute(
            "SELECT key, annotator, labels, reason FROM answer JOIN task ON task.id = answer.task"
        )
        return tuple(rows), tuple(Said(a, b, tuple(json.loads(c)), d) for a, b, c, d in given)


def _recorded(line: dict[str, Any]) -> Said:
    return Said(line["key"], line["annotator"], tuple(line["labels"]), line["reason"])


def _chosen(campaign: Campaign, number: int) -> tuple[str, ...]:
    path = campaign.round(number) / "selection.json"
    if not path.exists():
        return ()
    return tuple(each["sample"] for each in json.loads(path.read_bytes())["samples"])


def _closed(campaign: Campaign, number: int) -> dict[str, bytes]:
    paths = [path for n in range(number) for path in sorted(campaign.round(n).iterdir())]
    paths += [campaign.label_file(n) for n in range(number)]
    there = [path for path in paths if path.exists()]  # a pull that was stopped brought not all
    return {str(path.relative_to(campaign.root)): path.read_bytes() for path in there}


def _git(root: Path, *words: str) -> str:
    done = subprocess.run(git.command(*words), cwd=root, capture_output=True, check=True)
    return done.stdout.decode()


def _changed(root: Path) -> tuple[str, ...]:
    return tuple(_git(root, "status", "--porcelain").splitlines())


def _tags(root: Path) -> dict[str, str]:
    text = _git(root, "for-each-ref", "--format=%(refname:short) %(*objectname)", "refs/tags")
    return dict(line.split() for line in text.splitlines())


def _holding(root: Path, marks: Sequence[bytes]) -> list[str]:
    """Files of the campaign and its remote that hold a mark; objects of git as they are unpacked.

    What is in a repository for itself, as in a clone for `verify`, is looked at as files.
    """
    found = []
    store = root.parent / "store"
    for folder in (root, store):
        for path in sorted(folder.rglob("*")):
            if path.relative_to(folder).parts[0] != ".git" and path.is_file():
                content = path.read_bytes()
                if any(mark in content for mark in marks):
                    found.append(str(path.relative_to(root.parent)))
    objects = subprocess.run(
        git.command("cat-file", "--batch-all-objects", "--batch"),
        cwd=root, capture_output=True, check=True,
    ).stdout  # fmt: skip
    if any(mark in objects for mark in marks):
        found.append("an object of git")
    return found


def traces(root: Path, names: Sequence[str]) -> list[bytes]:
    """The bytes of samples: their images, and their features as they are stored."""
    snapshot = snapshots.read(root)
    campaign, marks = snapshot.campaign, []
    for sample in snapshot.records.samples(which="all"):
        if sample.id in names:
            image = (campaign.images / sample.file).read_bytes()
            marks += [image, image[40:90]]
    for split in ("pool", "holdout"):
        file = campaign.split_features(split)
        ids = [each.id for each in snapshot.records.samples(split)]
        if not file.exists() or len(rows := np.load(file)) != len(ids):
            continue  # more came in since
        for name, row in zip(ids, rows, strict=True):
            if name in names:
                marks += [row.tobytes(), (row / np.linalg.norm(row)).astype("f2").tobytes()]
    return marks
