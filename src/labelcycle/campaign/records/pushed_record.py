"""`rounds/NNN/pushed.json`: what a round asked of people, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labelcycle.campaign.records.record_files import Record

Kind = Literal["selected", "holdout", "gold", "adjudication"]
"""Why a sample is asked: a strategy chose it, it is of the hold-out, its class is known, or the
answers so far made no label. Nobody who answers may know."""

SELECTED: Kind = "selected"
HOLDOUT: Kind = "holdout"
GOLD: Kind = "gold"
ADJUDICATION: Kind = "adjudication"

Display = Mapping[str, str]
"""What a task shows people, by name: `image`, `ports.GUESS`, and whatever else a backend puts
there. The texts are the same for as long as the task shows the same."""


@dataclass(frozen=True)
class LabelSchema:
    """What annotators are asked: the class names, in the order of their hot keys, and a text."""

    classes: tuple[str, ...]
    instruction: str


@dataclass(frozen=True)
class PushedTask:
    """One task of a round.

    task : id in the annotation backend; rank : order in which tasks are served
    wanted : how many different people are to answer it
    predicted : the class that the model of the time gave the sample, None if there was none
    shown : whether annotators saw it
    display : all that the task shows them; an empty one is compared with nothing
    """

    key: str
    sample: str
    rank: int
    task: int
    kind: Kind = SELECTED
    wanted: int = 1
    predicted: str | None = None
    shown: bool = False
    display: Display = field(default_factory=dict)


@dataclass(frozen=True)
class Pushed(Record):
    """What a round asked of people.

    project : id in the backend; url : where people answer
    model : the model whose classes they see, if any
    pushed : when, ISO 8601
    tasks : by rank
    """

    backend: str
    project: int
    url: str
    model: str | None
    pushed: str
    schema: LabelSchema
    tasks: tuple[PushedTask, ...]

    @property
    def place(self) -> tuple[str, int]:
        """Where people were asked: the name of the backend, and the project there."""
        return self.backend, self.project
