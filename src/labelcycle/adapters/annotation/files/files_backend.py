"""The tasks and answers of a campaign in its own file. Each call is one transaction.

A project has a number drawn at random: who removes the file does not get the old number, and so
the old tasks, for new ones.
"""

import json
import secrets
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labelcycle.adapters.annotation.files.sqlite_file import SqliteFile
from labelcycle.adapters.ports import (
    GUESS,
    AnnotationProgress,
    Answer,
    Display,
    LabelSchema,
    OpenTask,
    TaskSpec,
)
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import DataError, ServiceRefused


class FilesBackend:
    """The campaign's tasks in a file of its own; see `ports.AnnotationBackend`."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self.path = campaign.tasks
        self._file = SqliteFile(self.path)

    def __repr__(self) -> str:
        return "files"

    def check(self) -> None:
        """Raise if the file is there and cannot be used."""
        with self._file.reading():
            pass

    def accounts(self) -> dict[str, str]:
        """Nobody has an account: people are known by the names that answers have."""
        return {}

    # --- the project ------------------------------------------------------------------------

    def open_project(self, campaign: str, title: str, schema: LabelSchema) -> int:
        """Id of the campaign's project, found by `campaign`; made if there is none."""
        values = (
            title,
            json.dumps(schema.classes, ensure_ascii=False),
            schema.instruction,
            campaign,
        )
        with self._file.writing() as db:
            db.execute(
                "INSERT OR IGNORE INTO project (number, campaign) VALUES (?, ?)",
                (secrets.randbelow(2**31), campaign),
            )
            db.execute(
                "UPDATE project SET title = ?, classes = ?, instruction = ? WHERE campaign = ?",
                values,
            )
            cursor = db.execute("SELECT number FROM project WHERE campaign = ?", (campaign,))
            return int(cursor.fetchone()["number"])

    def work_url(self, project: int) -> str:  # noqa: ARG002
        """Where the tasks are; `labelcycle tasks` lists them."""
        return self.path.as_uri()

    def check_schema(self, project: int, schema: LabelSchema) -> None:
        """Raise `ServiceRefused` with the difference if the project no longer asks for `schema`."""
        with self._file.reading() as db:
            project_row = self._project(db, project)
        stored = LabelSchema(tuple(json.loads(project_row["classes"])), project_row["instruction"])
        for name, wanted in asdict(schema).items():
            got = getattr(stored, name)
            if got != wanted:
                raise ServiceRefused(f"{self.path}: wanted the {name} {wanted!r}, got {got!r}")

    def classes(self, project: int) -> tuple[str, ...]:
        """The class names that the project offers."""
        with self._file.reading() as db:
            return tuple(json.loads(self._project(db, project)["classes"]))

    # --- tasks ------------------------------------------------------------------------------

    def pushed(self, campaign: str, prefix: str) -> dict[str, int]:
        """Task id by key, of the campaign's tasks whose key starts so; none without a project."""
        with self._file.reading() as db:
            rows = db.execute(
                "SELECT key, task.id FROM task JOIN project ON project = number WHERE campaign = ?",
                (campaign,),
            )
            return {row["key"]: row["id"] for row in rows if row["key"].startswith(prefix)}

    def push(
        self, project: int, tasks: Sequence[TaskSpec], model: str | None = None
    ) -> dict[str, int]:
        """Task id by key; each key is exactly one task afterwards, whatever was there before.

        model : name of the model whose predictions annotators are to see, if any

        Raises DataError for a task that cannot be shown.
        """
        ranked = sorted(tasks, key=lambda task: task.rank)
        keys = {task.key for task in ranked}
        if len(keys) != len(ranked):
            raise DataError(f"wanted one task a key, got {len(ranked)} tasks with {len(keys)} keys")
        with self._file.writing() as db:
            offered = json.loads(self._project(db, project)["classes"])
            rows = [self._row(project, task, model, offered) for task in ranked]
            db.executemany(
                "INSERT INTO task (key, project, sample, round, rank, image, guess, wanted, asked)"
                " VALUES (:key, :project, :sample, :round, :rank, :image, :guess, :wanted, 1)"
                " ON CONFLICT (key) DO UPDATE SET rank = excluded.rank, image = excluded.image,"
                " guess = excluded.guess, wanted = excluded.wanted, asked = 1",
                rows,
            )
            there = {row["key"]: int(row["id"]) for row in db.execute("SELECT key, id FROM task")}
            return {task.key: there[task.key] for task in ranked}

    def _row(
        self, project: int, task: TaskSpec, model: str | None, offered: Collection[str]
    ) -> dict[str, Any]:
        """A task as it is stored: nothing in it tells why the sample is asked."""
        prediction = task.prediction if task.shown else None
        guess = prediction.label if prediction and prediction.model == model else None
        if guess is not None and guess not in offered:
            raise ServiceRefused(
                f"wanted a pre-annotation among {', '.join(map(repr, offered))}, got {guess!r}"
            )
        return {
            "key": task.key,
            "project": project,
            "sample": task.sample,
            "round": task.round,
            "rank": task.rank,
            "image": self._image(task),
            "guess": guess,
            "wanted": task.wanted,
        }

    def _image(self, task: TaskSpec) -> str:
        """A file's path in the campaign, or an address."""
        if not isinstance(task.image, Path):
            return task.image.text
        if not task.image.is_file() or not task.image.is_relative_to(self._campaign.root):
            raise DataError(
                f"sample {task.sample}: wanted an image file below {self._campaign.root}, got"
                f" {task.image}"
            )
        return task.image.relative_to(self._campaign.root).as_posix()

    def display(self, tasks: Sequence[TaskSpec]) -> dict[str, Display]:
        """By key, what each task shows once it is pushed."""
        return {
            task.key: _display(
                self._image(task), task.prediction.label if task.prediction and task.shown else None
            )
            for task in tasks
        }

    def displayed(self, project: int, tasks: Mapping[str, int]) -> dict[str, list[Display]]:
        """By key, what each of `tasks` (key -> id) that is there shows now."""
        with self._file.reading() as db:
            self._project(db, project)
            rows = {(row["key"], row["id"]): row for row in db.execute("SELECT * FROM task")}
        there = [(key, rows[key, number]) for key, number in tasks.items() if (key, number) in rows]
        return {key: [_display(row["image"], row["guess"])] for key, row in there}

    def restore(
        self, project: int, tasks: Mapping[str, int], displays: Mapping[str, Display]
    ) -> None:
        """Have those of `tasks` that `displays` names by key show that again."""
        with self._file.writing() as db:
            self._project(db, project)
            db.executemany(
                "UPDATE task SET image = ?, guess = ? WHERE key = ? AND id = ?",
                [
                    (shown["image"], shown.get(GUESS), key, tasks[key])
                    for key, shown in displays.items()
                    if key in tasks
                ],
            )

    def progress(
        self, project: int, tasks: Mapping[str, int], wanted: Mapping[str, int] | None = None
    ) -> AnnotationProgress:
        """How many of `tasks` (key -> id) are done; wanted : people by key, where not one."""
        people: dict[str, set[str]] = {key: set() for key in tasks}
        answered: set[str] = set()
        marks: dict[int, str] = {}
        answers = 0
        for answer in self.pull(project, tasks):
            people[answer.key].add(answer.annotator)
            answered |= set() if answer.skipped else {answer.key}
            last = marks.get(answer.task, "")
            marks[answer.task] = f"{last} {answer.annotation}@{answer.updated}".strip()
            answers += 1
        done = {key for key, who in people.items() if len(who) >= (wanted or {}).get(key, 1)}
        begun = sum(bool(who) for who in people.values())
        return AnnotationProgress(
            tasks=len(tasks),
            answered=len(done & answered),
            skipped=len(done - answered),
            partly=begun - len(done),
            given=answers,
            marks=marks,
        )

    def withdraw(self, project: int, tasks: Mapping[str, int]) -> None:
        """Have nobody asked any more about `tasks`; an answer that comes all the same is late."""
        with self._file.writing() as db:
            self._project(db, project)
            db.executemany(
                "UPDATE task SET asked = 0 WHERE key = ? AND id = ?", list(tasks.items())
            )

    def tidy(self, project: int, tasks: Mapping[str, int]) -> None:
        """Remove those of the withdrawn `tasks` that nobody has answered or skipped."""
        with self._file.writing() as db:
            self._project(db, project)
            db.executemany(
                "DELETE FROM task WHERE key = ? AND id = ?"
                " AND NOT EXISTS (SELECT 1 FROM answer WHERE answer.task = task.id)",
                list(tasks.items()),
            )

    def remove(self, project: int, tasks: Mapping[str, int]) -> None:
        """Remove `tasks` (key -> id), with their answers, and the bytes of both from the file."""
        with self._file.writing(secure=True) as db:
            self._project(db, project)
            db.executemany("DELETE FROM task WHERE key = ?", [(key,) for key in tasks])

    # --- answers ----------------------------------------------------------------------------

    def pull(
        self, project: int, tasks: Mapping[str, int], *, optional: Collection[str] = ()
    ) -> list[Answer]:
        """Every answer to `tasks` (key -> id), a full snapshot, sorted by task and annotation id.

        A task that is gone is an error; one whose key is `optional` then has no answers.
        """
        with self._file.reading() as db:
            self._project(db, project)
            there = {(row["key"], row["id"]) for row in db.execute("SELECT key, id FROM task")}
            gone = [each for each in tasks.items() if each not in there and each[0] not in optional]
            if gone:
                raise self._gone(len(tasks), gone)
            return self._answers(db, {number for _, number in tasks.items() & there})

    def answers_to(self, project: int, tasks: Collection[int]) -> list[Answer]:
        """The answers to some tasks, by id, as they are now; none of one that is gone."""
        with self._file.reading() as db:
            self._project(db, project)
            return self._answers(db, set(tasks))

    def _answers(self, db: sqlite3.Connection, tasks: Collection[int]) -> list[Answer]:
        rows = db.execute(
            "SELECT answer.*, key FROM answer JOIN task ON task.id = answer.task"
            " ORDER BY answer.task, answer.id"
        )
        return [_answer(row) for row in rows if row["task"] in tasks]

    def _gone(self, wanted: int, gone: Sequence[tuple[str, int]]) -> ServiceRefused:
        key, number = gone[0]
        return ServiceRefused(
            f"{self.path}: wanted {wanted} tasks, got {wanted - len(gone)}: task {number} of sample"
            f" {key.rpartition('/')[2]} was deleted; run `labelcycle close --incomplete` to end the"
            " round without what is gone"
        )

    def touched(self, project: int, tasks: Mapping[str, int]) -> dict[str, str | None]:
        """By key, who did the last thing to each of `tasks` that is there; None: nobody knows."""
        with self._file.reading() as db:
            self._project(db, project)
            rows = {(r["key"], r["id"]): r["touched"] for r in db.execute("SELECT * FROM task")}
        return {key: rows[key, number] for key, number in tasks.items() if (key, number) in rows}

    def open_tasks(self, project: int, wanted: Mapping[int, int] | None = None) -> list[OpenTask]:
        """The tasks that want further people, by rank.

        wanted : how many different people are to answer each task to look at, by id; by default
            one each of every task of the project
        """
        with self._file.reading() as db:
            self._project(db, project)
            there: dict[int, set[str]] = {}
            for row in db.execute("SELECT task, annotator FROM answer"):
                there.setdefault(row["task"], set()).add(row["annotator"])
            rows = db.execute(
                "SELECT * FROM task WHERE project = ? AND asked ORDER BY round, rank", (project,)
            ).fetchall()
        tasks = []
        for row in rows:
            people = frozenset(there.get(row["id"], ()))
            lacking = (1 if wanted is None else wanted.get(row["id"], 0)) - len(people)
            if lacking > 0:
                task = OpenTask(row["id"], row["key"], row["sample"], row["round"], lacking, people)
                tasks.append(task)
        return tasks

    def shown(self, project: int) -> dict[int, tuple[str, str | None]]:
        """Of each task its image, a path in the campaign or an address, and the model's guess."""
        with self._file.reading() as db:
            rows = db.execute("SELECT * FROM task WHERE project = ?", (project,))
            return {row["id"]: (row["image"], row["guess"]) for row in rows}

    def people(self, count: int) -> list[str]:
        """Names of `count` simulated people."""
        return [f"simulated-{number}" for number in range(1, count + 1)]

    def give(
        self,
        task: OpenTask,
        person: str,
        labels: Sequence[str],
        *,
        reason: str = "",
        lead_time_s: float | None = None,
        editor: str | None = None,
    ) -> None:
        """One person's answer to a task; given again by the same person, it stands once.

        labels : the class names chosen; none for a skip, for `reason` if it is not empty
        editor : who writes it, if it is somebody else
        """
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        row = {
            "task": task.id,
            "annotator": person,
            "editor": editor or person,
            "labels": json.dumps(list(labels), ensure_ascii=False),
            "skipped": not labels,
            "reason": reason,
            "lead_time_s": lead_time_s,
            "now": now,
        }
        with self._file.writing() as db:
            there = db.execute("SELECT 1 FROM task WHERE id = ? AND key = ?", (task.id, task.key))
            if there.fetchone() is None:
                raise self._gone(1, [(task.key, task.id)])
            changed = db.execute(
                "INSERT INTO answer (task, annotator, editor, labels, skipped, reason, lead_time_s,"
                " created, updated) VALUES (:task, :annotator, :editor, :labels, :skipped, :reason,"
                " :lead_time_s, :now, :now) ON CONFLICT (task, annotator) DO UPDATE SET"
                " editor = :editor, labels = :labels, skipped = :skipped, reason = :reason,"
                " lead_time_s = :lead_time_s, updated = :now"
                " WHERE labels != :labels OR skipped != :skipped OR reason != :reason"
                " OR answer.editor != :editor",
                row,
            )
            if changed.rowcount:
                db.execute("UPDATE task SET touched = :editor WHERE id = :task", row)

    def _project(self, db: sqlite3.Connection, number: int) -> sqlite3.Row:
        row_or_none = db.execute("SELECT * FROM project WHERE number = ?", (number,)).fetchone()
        if row_or_none is None:
            raise ServiceRefused(
                f"{self.path}: wanted project {number}, got none of that number: the file was"
                " removed, or is in another copy of the campaign; bring it back, or end the round"
                " with `labelcycle cancel --abandon`"
            )
        row: sqlite3.Row = row_or_none
        return row


def _answer(row: sqlite3.Row) -> Answer:
    record = {name: row[name] for name in row.keys()}  # noqa: SIM118 - a Row iterates over values
    return Answer(
        annotation=row["id"],
        task=row["task"],
        key=row["key"],
        annotator=row["annotator"],
        editor=row["editor"],
        labels=tuple(json.loads(row["labels"])),
        skipped=bool(row["skipped"]),
        reason=row["reason"],
        lead_time_s=row["lead_time_s"],
        created=row["created"],
        updated=row["updated"],
        raw=record,
    )


def _display(image: str, guess: str | None) -> Display:
    return {"image": image} if guess is None else {"image": image, GUESS: guess}
