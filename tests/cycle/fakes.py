"""An annotation backend in memory: the same promises as the real one, no server."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from labelcycle.errors import ServiceDown, ServiceRefused
from labelcycle.ports import GUESS, Answer, Display, LabelSchema, Progress, TaskSpec


@dataclass
class FakeBackend:
    """Holds tasks and answers; `down` makes every call fail, as a server that is away does.

    shown : by key, what somebody changed in what tasks show
    edited : somebody changed what is asked, in the backend itself
    last : by key, who did the last thing to a task
    """

    schema: LabelSchema | None = None
    edited: bool = False
    tasks: dict[str, TaskSpec] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    models: list[str | None] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)
    last: dict[str, str] = field(default_factory=dict)
    shown: dict[str, dict[str, str]] = field(default_factory=dict)
    project: int = 7
    down: bool = False
    push_dies_after: int | None = None
    given: int = 0

    def _check(self, project: int | None = None) -> None:
        if self.down:
            raise ServiceDown("Label Studio does not answer")
        if project not in (None, self.project):
            raise ServiceRefused(f"project {project} was deleted")

    def check(self) -> None:
        self._check()

    def open_project(self, campaign: str, title: str, schema: LabelSchema) -> int:
        self._check()
        if not self.edited:
            self.schema = schema
        return self.project

    def work_url(self, project: int) -> str:
        return f"http://127.0.0.1:1/projects/{project}"

    def check_schema(self, project: int, schema: LabelSchema) -> None:
        self._check(project)
        if self.schema != schema:
            raise ServiceRefused("the project's classes differ")

    def pushed(self, campaign: str, prefix: str) -> dict[str, int]:
        self._check()
        return {key: number for key, number in self.ids.items() if key.startswith(prefix)}

    def push(
        self, project: int, tasks: Sequence[TaskSpec], model: str | None = None
    ) -> dict[str, int]:
        self._check(project)
        for task in tasks:
            if self.push_dies_after is not None and len(self.ids) >= self.push_dies_after:
                self.push_dies_after = None
                raise ServiceDown("Label Studio broke off")
            assert not isinstance(task.image, Path) or task.image.is_file()
            if task.key not in self.ids:
                self.ids[task.key] = 100 + len(self.ids)
                self.tasks[task.key] = task
        self.models.append(model)
        return {task.key: self.ids[task.key] for task in tasks}

    def display(self, tasks: Sequence[TaskSpec]) -> dict[str, Display]:
        return {task.key: _display(task) for task in tasks}

    def displayed(self, project: int, tasks: Mapping[str, int]) -> dict[str, list[Display]]:
        self._check(project)
        there = {key: self.tasks[key] for key in tasks if key in self.tasks}
        return {key: [{**_display(t), **self.shown.get(key, {})}] for key, t in there.items()}

    def restore(
        self, project: int, tasks: Mapping[str, int], displays: Mapping[str, Display]
    ) -> None:
        self._check(project)
        for key in displays:
            assert displays[key] == _display(self.tasks[key])
            del self.shown[key]

    def progress(
        self, project: int, tasks: Mapping[str, int], wanted: Mapping[str, int] | None = None
    ) -> Progress:
        self._check(project)
        self._none_gone(tasks, ())
        people = {key: {a.annotator for a in self.answers if a.key == key} for key in tasks}
        done = {key for key in tasks if len(people[key]) >= (wanted or {}).get(key, 1)}
        answered = {a.key for a in self.answers if a.key in done and not a.skipped}
        begun = sum(bool(each) for each in people.values())
        skipped, given = len(done) - len(answered), sum(a.key in tasks for a in self.answers)
        marks = {self.ids[key]: self._mark(key) for key in tasks if people[key]}
        return Progress(len(tasks), len(answered), skipped, begun - len(done), given, marks=marks)

    def _mark(self, key: str) -> str:
        return repr([(a.annotation, a.updated) for a in self.answers if a.key == key])

    def answers_to(self, project: int, tasks: Collection[int]) -> list[Answer]:
        found = [a for a in self.answers if a.task in tasks]
        return sorted(found, key=lambda a: (a.task, a.annotation))

    def touched(self, project: int, tasks: Mapping[str, int]) -> dict[str, str | None]:
        self._check(project)
        return {key: self.last.get(key) for key in tasks if key in self.ids}

    def pull(
        self, project: int, tasks: Mapping[str, int], *, optional: Collection[str] = ()
    ) -> list[Answer]:
        self._check(project)
        self._none_gone(tasks, optional)
        found = [a for a in self.answers if a.key in tasks]
        return sorted(found, key=lambda a: (a.task, a.annotation))

    def _none_gone(self, tasks: Mapping[str, int], optional: Collection[str]) -> None:
        gone = [key for key in tasks if key not in self.ids and key not in optional]
        if gone:
            raise ServiceRefused(f"task {gone[0]} was deleted")

    def lose_project(self) -> None:
        """Somebody deletes the project in Label Studio."""
        self.ids.clear()
        self.tasks.clear()
        self.answers.clear()
        self.project += 1

    def withdraw(self, project: int, tasks: Mapping[str, int]) -> None:
        self._check(project)
        answered = {a.key for a in self.answers}
        for key in tasks.keys() & self.tasks.keys() - answered:  # people may have one open still
            del self.tasks[key]
            self.withdrawn.add(key)

    def tidy(self, project: int, tasks: Mapping[str, int]) -> None:
        self._check(project)
        for key in tasks.keys() - {a.key for a in self.answers}:
            self.ids.pop(key, None)

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
        self.given += 1  # ids are never given anew
        number = self.given
        at = f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
        self.answers.append(
            Answer(
                annotation=number,
                task=self.ids[key],
                key=key,
                annotator=annotator,
                editor=by or annotator,
                labels=labels,
                skipped=skipped or bool(reason),
                reason=reason,
                lead_time_s=1.5,
                created=at,
                updated=at,
                raw={"id": number},
            )
        )

    def edit(self, key: str, *labels: str, annotator: str = "ann", by: str | None = None) -> None:
        """A person changes the answer given to a task; `by` : another one does."""
        place = next(
            i for i, a in enumerate(self.answers) if (a.key, a.annotator) == (key, annotator)
        )
        self.given += 1
        at = f"2026-01-02T00:{self.given // 60:02d}:{self.given % 60:02d}Z"
        self.answers[place] = replace(
            self.answers[place], labels=labels, updated=at, editor=by or annotator
        )

    def delete_answers(self, key: str) -> None:
        """Somebody deletes the answers to a task."""
        self.answers = [a for a in self.answers if a.key != key]

    def delete_task(self, key: str) -> None:
        """Somebody deletes a task, and with it its answers."""
        self.delete_answers(key)
        del self.ids[key], self.tasks[key]


def _display(task: TaskSpec) -> Display:
    guess = {GUESS: task.prediction.label} if task.prediction and task.shown else {}
    return {"image": str(task.image), **guess}
