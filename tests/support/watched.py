"""The backend `files` as the tests of rounds have it: looked into, edited past its door, broken."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Self

from labelcycle.adapters.annotation.files import FilesBackend
from labelcycle.adapters.annotation.files.sqlite_file import SqliteFile
from labelcycle.adapters.ports import Address, Answer, Display, LabelSchema, OpenTask, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import ServiceDown
from labelcycle.rounds.changed_answers import Compared


class WatchedFiles(FilesBackend):
    """`down` makes every call fail, as a server that is away does.

    specs : every task as it was pushed, by key
    edited : somebody changed what is asked, in the backend itself
    models : of each push
    altered : by key, what somebody changed in what tasks show
    withdrawn : keys that nobody has answered, of tasks that are asked no more
    """

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(campaign)
        self.specs: dict[str, TaskSpec] = {}
        self.edited, self.down = False, False
        self.models: list[str | None] = []
        self.altered: dict[str, dict[str, str]] = {}
        self.withdrawn: set[str] = set()
        self.push_dies_after: int | None = None

    def at(self, campaign: Campaign) -> Self:
        """The same in the folder of another campaign, which holds the same."""
        FilesBackend.__init__(self, campaign)
        return self

    @property
    def _file(self) -> SqliteFile:
        if self.down:
            raise ServiceDown("the file does not answer")
        return self._sqlite

    @_file.setter
    def _file(self, file: SqliteFile) -> None:
        self._sqlite = file

    def open_project(self, campaign: str, title: str, schema: LabelSchema) -> int:
        if self.edited:
            schema = self.schema
        return super().open_project(campaign, title, schema)

    def push(
        self, project: int, tasks: Sequence[TaskSpec], model: str | None = None
    ) -> dict[str, int]:
        if self.push_dies_after is not None:
            room, self.push_dies_after = self.push_dies_after - len(self.ids), None
            ranked = sorted(tasks, key=lambda task: task.rank)
            self.push(project, ranked[: max(0, room)], model)
            raise ServiceDown("the push broke off")
        self.models.append(model)
        self.specs |= {task.key: task for task in tasks if task.key not in self.ids}
        return super().push(project, tasks, model)

    def displayed(self, project: int, tasks: Mapping[str, int]) -> dict[str, list[Display]]:
        there = super().displayed(project, tasks)
        return {k: [{**each, **self.altered.get(k, {})} for each in there[k]] for k in there}

    def restore(
        self, project: int, tasks: Mapping[str, int], displays: Mapping[str, Display]
    ) -> None:
        super().restore(project, tasks, displays)
        for key in displays:
            del self.altered[key]

    def withdraw(self, project: int, tasks: Mapping[str, int]) -> None:
        super().withdraw(project, tasks)
        self.withdrawn |= tasks.keys() - {answer.key for answer in self.answers}

    # --- what it holds ----------------------------------------------------------------------

    def sql(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """Whatever is done past its door; nothing where there is no file."""
        if not self.path.exists():
            return []
        with closing(sqlite3.connect(self.path)) as db, db:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA foreign_keys = ON")
            return db.execute(statement, values).fetchall()

    @property
    def ids(self) -> dict[str, int]:
        """Id of every task by key."""
        return {row["key"]: row["id"] for row in self.sql("SELECT key, id FROM task ORDER BY id")}

    @property
    def tasks(self) -> dict[str, TaskSpec]:
        """The tasks that are asked, or were answered."""
        ids = self.ids
        return {k: spec for k, spec in self.specs.items() if k in ids and k not in self.withdrawn}

    @property
    def answers(self) -> list[Answer]:
        """Every answer, in the order in which they came."""
        with self._file.reading() as db:
            found = self._answers(db, self.ids.values())
        return sorted(found, key=lambda answer: answer.annotation)

    @property
    def schema(self) -> LabelSchema:
        """What is asked."""
        (row,) = self.sql("SELECT * FROM project")
        return LabelSchema(tuple(json.loads(row["classes"])), row["instruction"])

    @schema.setter
    def schema(self, schema: LabelSchema) -> None:
        now = (json.dumps(schema.classes), schema.instruction)
        self.sql("UPDATE project SET classes = ?, instruction = ?", *now)

    # --- what people do ---------------------------------------------------------------------

    def answer(
        self,
        key: str,
        *labels: str,
        skipped: bool = False,
        annotator: str = "ann",
        by: str | None = None,
        reason: str = "",
    ) -> None:
        """One person answers one task; `by` : another one does, in that person's name."""
        task = OpenTask(self.ids[key], key, "", 0)
        self.give(task, annotator, labels, reason=reason, lead_time_s=1.5, editor=by)
        if not (labels or skipped or reason):  # an empty answer, which pages of others may allow
            self.sql("UPDATE answer SET skipped = 0 WHERE task = ? AND labels = '[]'", task.id)

    def edit(self, key: str, *labels: str, annotator: str = "ann", by: str | None = None) -> None:
        """A person changes the answer given to a task; `by` : another one does."""
        own = [a for a in self.answers if (a.key, a.annotator) == (key, annotator)]
        assert own
        self.answer(key, *labels, annotator=annotator, by=by)

    def delete_answers(self, key: str, by: str | None = None) -> None:
        """Somebody deletes the answers to a task."""
        self.sql("DELETE FROM answer WHERE task = ?", self.ids[key])
        self.sql("UPDATE task SET touched = ? WHERE key = ?", by, key)

    def rename(self, key: str, by: str, label: str) -> None:
        """Somebody makes the answers to a task his own, with another label."""
        changed = "UPDATE answer SET annotator = ?, editor = ?, labels = ? WHERE task = ?"
        self.sql(changed, by, by, json.dumps([label]), self.ids[key])

    def move(self, key: str, to: str) -> None:
        """Somebody moves the answers to a task to another one, in a second name."""
        changed = "UPDATE answer SET task = ? WHERE task = ?"
        self.sql(changed, self.ids[to], self.ids[key])
        self.sql("UPDATE task SET touched = NULL WHERE key = ?", key)  # nobody knows who did it

    def delete_task(self, key: str) -> None:
        """Somebody deletes a task, and with it its answers."""
        self.sql("DELETE FROM task WHERE key = ?", key)

    def lose_project(self) -> None:
        """Somebody deletes the file."""
        self.path.unlink()


def asking(campaign: Campaign, keys: Sequence[str], project: int = 7) -> WatchedFiles:
    """A backend that asks one person each about tasks 1, 2, ... of these keys."""
    made = WatchedFiles(campaign)
    number = made.open_project("k", "Test", LabelSchema(("dark", "light"), ""))
    made.push(number, [TaskSpec(k, k, Address("http://x"), i, 0) for i, k in enumerate(keys)])
    made.sql("UPDATE task SET project = NULL")
    made.sql("UPDATE project SET number = ?", project)
    made.sql("UPDATE task SET project = ?", project)
    made.pushed = lambda campaign, prefix: made.ids  # type: ignore[method-assign] # plain keys
    return made


def counting(found: Compared) -> list[tuple[str, str, str]]:
    """Key, annotator and class of each answer that counts."""
    return [(answer.key, answer.annotator, *answer.labels) for answer in found.answers]
