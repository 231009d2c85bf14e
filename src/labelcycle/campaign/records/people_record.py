"""The part `people` of `metrics.json`: agreement, reliability and cost of those who answered."""

from collections.abc import Mapping
from dataclasses import dataclass

from labelcycle.core.answer_times import Effort
from labelcycle.core.metrics import Estimate


@dataclass(frozen=True)
class UnknownClasses:
    """Answers that name no class of the campaign: how many, and the first of the names."""

    answers: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class LabelMethod:
    """How answers became labels; instead : why not as the settings ask, None if so."""

    used: str
    instead: str | None


@dataclass(frozen=True)
class Costs:
    """What answers cost: all, and those of each annotator, strategy and accepted class.

    cap : seconds that one answer can cost at most
    """

    cap: float
    all: Effort
    by_annotator: Mapping[str, Effort]
    by_strategy: Mapping[str, Effort]
    by_class: Mapping[str, Effort]
    without_label: Effort


@dataclass(frozen=True)
class GoldAnswers:
    """One person's answers to gold tasks.

    right : the share that names the known class, None without an answer
    seconds : the median of an answer
    """

    answers: int
    skipped: int
    right: Estimate | None
    seconds: float | None


@dataclass(frozen=True)
class GoldFigures:
    """How reliable people are on gold tasks; below : those who are named for it."""

    below: tuple[str, ...]
    annotators: Mapping[str, GoldAnswers]


@dataclass(frozen=True)
class Reliability:
    """What is known of one annotator.

    compared : samples that others answered, too
    skill, recall : shares of probably right answers, of all and of each class, where Dawid and
        Skene's model could tell
    """

    answers: int
    compared: int
    agreement_with_others: Estimate | None
    skill: Estimate | None
    recall: Mapping[str, Estimate | None] | None


@dataclass(frozen=True)
class PeopleFigures:
    """What a round says of its people; times in seconds.

    skips : how many name each reason
    adjudicate, unsettled : samples that are asked again, and that were asked often enough
    alpha, alpha_round : Krippendorff's, of the campaign so far and of this round's samples
    """

    answers: int
    skipped: int
    skips: Mapping[str, int]
    no_class: UnknownClasses
    adjudicate: int
    unsettled: int
    method: LabelMethod
    alpha: float | None
    alpha_round: float | None
    seconds: float
    seconds_per_answer: float | None
    seconds_per_label: float | None
    cost: Costs
    gold: GoldFigures
    annotators: Mapping[str, Reliability]
