"""`rounds/NNN/metrics.json`, and `work/metrics.json`, what the stage `evaluate` measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labelcycle.campaign.records.json_values import SPARSE
from labelcycle.campaign.records.people_record import PeopleFigures
from labelcycle.campaign.records.record_files import Record
from labelcycle.core.metrics import Estimate


@dataclass(frozen=True)
class ClassFigures:
    """Figures of one class, None where there is nothing to divide by."""

    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class CohortFigures:
    """How good the model is on the hold-out of one cohort; holdout : how many it was measured on.

    accuracy : None where none of it has a label
    """

    holdout: int
    accuracy: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Evaluation(Record):
    """How good the model is on the hold-out; None where nothing was measured.

    holdout : samples that it was measured on; labels : that it was trained on
    confidence : of every interval, 0..1
    confusion : row is the true class, column the predicted one
    cohorts : by number, as `001`: the same model on each alone
    interval : "groups" where all intervals are a bootstrap over groups, `groups` of them; else
        each sample counts by itself
    reason : why nothing was measured
    """

    version = 2

    labels: int
    holdout: int | None = None
    classes: tuple[str, ...] | None = None
    confidence: float | None = None
    accuracy: Estimate | None = None
    balanced_accuracy: Estimate | None = None
    macro_f1: Estimate | None = None
    per_class: Mapping[str, ClassFigures] | None = None
    confusion: tuple[tuple[int, ...], ...] | None = None
    calibration_error: float | None = None
    cohorts: Mapping[str, CohortFigures] | None = None
    reason: str | None = None
    interval: Literal["samples", "groups"] = field(default="samples", metadata=SPARSE)
    groups: int | None = field(default=None, metadata=SPARSE)


@dataclass(frozen=True)
class ErrorShares:
    """Shares of wrong answers to gold tasks, with and without the model's class shown."""

    shown: Estimate | None
    blind: Estimate | None


@dataclass(frozen=True, kw_only=True)
class ShownGuesses:
    """What showing the model's class does to people, of some answers.

    shown, blind : samples whose tasks showed the model's class, and did not
    override_rate, blind_agreement : shares of other answers with, of the same ones without
    bias : how much more often people say the model's class where they see it
    """

    shown: int
    override_rate: Estimate | None
    blind: int
    blind_agreement: Estimate | None
    bias: Estimate | None
    errors: ErrorShares


@dataclass(frozen=True, kw_only=True)
class PreannotationFigures(ShownGuesses):
    """The same of a round; campaign : of the campaign so far."""

    campaign: ShownGuesses


@dataclass(frozen=True)
class WaitingChanges:
    """Changes that wait: who made how many of whose answers.

    what : the kind of change, or "misled": the tasks may have shown something else
    """

    by: str
    of: str
    what: str
    answers: int


@dataclass(frozen=True)
class CorrectionFigures:
    """What a round found changed: changes by kind, labels that they changed, who made them."""

    edited: int
    added: int
    deleted: int
    tasks: int
    labels: int
    by: Mapping[str, int]
    waiting: tuple[WaitingChanges, ...]


@dataclass(frozen=True, kw_only=True)
class Metrics(Evaluation):
    """The figures of a round, and the digest of each of its other files.

    labels : all that there are to train on; accepted, rejected : what this round's answers made
    undone : tasks that fewer people than wanted have answered
    returned : selected samples without an answer, which are back in the pool
    bought : samples that people answered so far, the hold-out's and skipped ones among them
    closed : when, ISO 8601
    """

    round: int
    strategy: str
    budget: int
    accepted: int
    rejected: int
    tasks: int
    undone: int
    returned: int
    bought: int
    ended: Literal["complete", "incomplete", "deadline", "cancel"]
    cancelled: bool
    people: PeopleFigures
    preannotation: PreannotationFigures
    corrections: CorrectionFigures
    closed: str
    digests: Mapping[str, str]
