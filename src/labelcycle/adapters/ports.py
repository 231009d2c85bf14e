"""The outside world as protocols; what crosses them are labelcycle's own types.

What a round records of them (`Answer`, `Display`, `Kind`, `LabelSchema`) is declared there.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from labelcycle.campaign.records.answer_record import Answer as Answer
from labelcycle.campaign.records.metrics_record import Metrics
from labelcycle.campaign.records.plan_record import Plan
from labelcycle.campaign.records.pushed_record import Display as Display
from labelcycle.campaign.records.pushed_record import Kind as Kind
from labelcycle.campaign.records.pushed_record import LabelSchema as LabelSchema
from labelcycle.core.counted_nouns import counted


@dataclass(frozen=True)
class Prediction:
    """The current model's answer for one sample, which may be shown as a pre-annotation."""

    label: str
    probability: float
    model: str


@dataclass(frozen=True)
class Address:
    """An image that is elsewhere: `https://...`, or `s3://bucket/key` in a bucket.

    presign_minutes : of a bucket, how long a signed address holds; 0: the backend passes the
        bytes on itself, and no browser sees the bucket
    """

    text: str
    presign_minutes: int = 0


@dataclass(frozen=True)
class TaskSpec:
    """One sample as it is handed to annotators.

    key : unique in the campaign, `<campaign>/<round>/<sample>`; pushing it twice makes one task
    image : what is shown: a file below the media folder, or where else it is
    rank : order in which tasks are served, 0 first
    tasks : how many the round has, 0 if that is unknown
    wanted : how many different people are to answer it
    shown : whether the annotator sees the prediction
    """

    key: str
    sample: str
    image: Path | Address
    rank: int
    round: int
    kind: Kind = "selected"
    wanted: int = 1
    prediction: Prediction | None = None
    shown: bool = True
    tasks: int = 0


GUESS = "guess"
"""Names the pre-annotation in a display; it is missing where none is shown."""


@dataclass(frozen=True)
class AnnotationProgress:
    """How far the tasks of a round are.

    A task is done when as many different people as wanted have answered or skipped it.

    answered : tasks that are done, with an answer; skipped : done, with skips alone. In Label
        Studio a reason for no class is sent as an answer, and counted as one here
    partly : tasks that some, but not enough people have answered or skipped
    given : answers and skips there are, of whichever task: it moves whenever anybody works
    strangers : tasks in the project that are not of the campaign; nobody is asked about them
    marks : by task id, a text that is another one after somebody has answered, of begun tasks
    """

    tasks: int
    answered: int
    skipped: int
    partly: int = 0
    given: int = 0
    strangers: int = 0
    marks: Mapping[int, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def figures(self) -> dict[str, int]:
        """The numbers, by name."""
        return {name: value for name, value in vars(self).items() if name != "marks"}

    @property
    def done_tasks(self) -> int:
        """How many tasks are done."""
        return self.answered + self.skipped

    @property
    def summary(self) -> str:
        """How many tasks are done, in words: by a class, a reason for none or a skip."""
        return f"{self.done_tasks} of {counted(self.tasks, 'task')} done"

    @property
    def done(self) -> bool:
        """True when every task is done."""
        return self.done_tasks >= self.tasks


@dataclass(frozen=True)
class OpenTask:
    """A task that wants further people.

    lacking : how many; there : who has answered or skipped it already, by the names answers have
    """

    id: int
    key: str
    sample: str
    round: int
    lacking: int = 1
    there: frozenset[str] = frozenset()


class AnnotationBackend(Protocol):
    """Where people answer. All methods raise `ServiceDown` or `ServiceRefused`."""

    def check(self) -> None:
        """Raise if the backend is away or does not let us in."""

    def accounts(self) -> dict[str, str]:
        """How people know each annotator, by the name that answers have; those without are out."""

    def open_project(self, campaign: str, title: str, schema: LabelSchema) -> int:
        """Id of the campaign's project, found by `campaign`; made if there is none."""

    def work_url(self, project: int) -> str:
        """Address at which annotators work."""

    def check_schema(self, project: int, schema: LabelSchema) -> None:
        """Raise `ServiceRefused` with the difference if the project no longer asks for `schema`."""

    def pushed(self, campaign: str, prefix: str) -> dict[str, int]:
        """Task id by key, of the campaign's tasks whose key starts so; none without a project."""

    def push(
        self, project: int, tasks: Sequence[TaskSpec], model: str | None = None
    ) -> dict[str, int]:
        """Task id by key; each key is exactly one task afterwards, whatever was there before.

        model : name of the model whose predictions annotators are to see, if any
        """

    def display(self, tasks: Sequence[TaskSpec]) -> dict[str, Display]:
        """By key, what each task shows once it is pushed; an empty one is compared with nothing."""

    def displayed(self, project: int, tasks: Mapping[str, int]) -> dict[str, list[Display]]:
        """By key, what each of `tasks` (key -> id) that is there shows now, and each twin of it."""

    def restore(
        self, project: int, tasks: Mapping[str, int], displays: Mapping[str, Display]
    ) -> None:
        """Have those of `tasks` that `displays` names by key, and their twins, show that again.

        A pre-annotation that is not in it goes; one that is missing may stay away.
        """

    def progress(
        self, project: int, tasks: Mapping[str, int], wanted: Mapping[str, int] | None = None
    ) -> AnnotationProgress:
        """How many of `tasks` (key -> id) are done; wanted : people by key, where not one."""

    def pull(
        self, project: int, tasks: Mapping[str, int], *, optional: Collection[str] = ()
    ) -> list[Answer]:
        """Every answer to `tasks` (key -> id), a full snapshot, sorted by task and annotation id.

        A task that is gone is an error; one whose key is `optional` then has no answers.
        """

    def answers_to(self, project: int, tasks: Collection[int]) -> list[Answer]:
        """The answers to some tasks, by id, as they are now; none of one that is gone."""

    def touched(self, project: int, tasks: Mapping[str, int]) -> dict[str, str | None]:
        """By key, who did the last thing to each of `tasks` that is there; None: nobody knows.

        Everybody who answers can forge it.
        """

    def withdraw(self, project: int, tasks: Mapping[str, int]) -> None:
        """Have nobody asked any more about `tasks`; an answer that comes all the same is late."""

    def tidy(self, project: int, tasks: Mapping[str, int]) -> None:
        """Remove those of the withdrawn `tasks` that nobody has answered or skipped."""

    def remove(self, project: int, tasks: Mapping[str, int]) -> None:
        """Remove `tasks` (key -> id) and their twins, with their answers; those that are there."""


@runtime_checkable
class Answering(Protocol):
    """A backend that takes answers from a program: of simulated people, above all."""

    def classes(self, project: int) -> tuple[str, ...]:
        """The class names that the project offers."""

    def open_tasks(self, project: int, wanted: Mapping[int, int] | None = None) -> list[OpenTask]:
        """The tasks that want further people.

        wanted : how many different people are to answer each task to look at, by id; by default
            one each of every task of the project
        """

    def people(self, count: int) -> list[str]:
        """Names, as answers have them, of `count` simulated people; made if they do not exist."""

    def give(
        self,
        task: OpenTask,
        person: str,
        labels: Sequence[str],
        *,
        reason: str = "",
        lead_time_s: float | None = None,
    ) -> None:
        """One person's answer to a task; given again by the same person, it stands once.

        labels : the class names chosen; none for a skip, for `reason` if it is not empty
        """


@runtime_checkable
class Tabular(Answering, Protocol):
    """A backend without a page: what waits is listed in a table, and answered in it."""

    def shown(self, project: int) -> dict[int, tuple[str, str | None]]:
        """Of each task its image, a path in the campaign or an address, and the model's guess."""


@runtime_checkable
class Inviting(Protocol):
    """A backend in which people have accounts of their own."""

    def invitation(self, *, renew: bool) -> str:
        """The link with which they make one; `renew` makes the old link useless."""


@runtime_checkable
class Calling(Protocol):
    """A backend that calls an address of ours when somebody has answered."""

    def keep_webhook(self, project: int, url: str, secret: str) -> None:
        """Have `url` called with `secret`, once for each event, whatever was set before."""

    def remove_webhook(self, project: int) -> None:
        """Have nobody called any more."""


@dataclass(frozen=True)
class DataSet:
    """A data set of a round: the file, its digest then, and its rows."""

    file: str
    digest: str
    rows: int


@dataclass(frozen=True)
class RoundFolders:
    """Folders of a closed round: its records, figures, and the files of its models."""

    record: Path
    figures: Path
    model: Path
    encoder: Path


@dataclass(frozen=True)
class ClosedRound:
    """What a tracker is told of a closed round.

    campaign, key : the campaign's name, and what names it in every clone
    tag, commit : that close the round
    params : the settings of then, as plain values
    data : by name: `pool`, `labels`, `hold-out`
    """

    campaign: str
    key: str
    tag: str
    commit: str
    params: Mapping[str, Any]
    data: Mapping[str, DataSet]
    plan: Plan
    metrics: Metrics
    folders: RoundFolders

    @property
    def number(self) -> int:
        """Number of the round."""
        return self.metrics.round


class Tracker(Protocol):
    """Where rounds are shown as runs and curves."""

    def logged(self, key: str, campaign: str) -> set[int]:
        """Numbers of the rounds that are logged already. Raises ServiceDown or ServiceRefused."""

    def log_round(self, closed: ClosedRound) -> None:
        """Log a closed round, once however often it is called."""

    def appoint(self, key: str, campaign: str, number: int) -> None:
        """Show the model of that round as the one to use, where the last one was rolled back."""

    def address(self, key: str, campaign: str) -> str:
        """Where people see the campaign's rounds."""

    def replace_records(
        self, key: str, campaign: str, records: Mapping[int, Path], without_model: Collection[int]
    ) -> None:
        """Have these files, by round, in the place of those that were logged, and of no others.

        without_model : rounds whose models go, too
        """
