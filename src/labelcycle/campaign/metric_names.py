"""What each figure of a `metrics.json` means.

A name has a dot between the keys. `CLASS`, `PERSON`, `STRATEGY` and `REASON` stand for any name,
`FILE` for a path. An estimate has a value, and the low and the high end of its interval. An effort
is the time of some answers, with the figures of `labelcycle.core.answer_times.Effort`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from itertools import accumulate
from typing import Any

from labelcycle.core.answer_times import Effort
from labelcycle.core.metrics import Estimate

MODEL = {
    "holdout": "samples of the hold-out that have a label",
    "labels": "labels that the model was trained on, or in a round's file: all labels so far",
    "classes": "the class names, in the order of the confusion matrix",
    "confidence": "of every interval, as `evaluate.confidence` says",
    "accuracy": "estimate: share of the hold-out that the model gets right",
    "balanced_accuracy": "estimate: mean recall of the classes",
    "macro_f1": "estimate: mean F1 of the classes",
    "calibration_error": "mean gap between how sure the model is and how often it is right",
    "per_class.CLASS.precision": "share of the predictions of this class that are right",
    "per_class.CLASS.recall": "share of the samples of this class that the model finds",
    "per_class.CLASS.f1": "harmonic mean of precision and recall",
    "per_class.CLASS.support": "samples of this class in the hold-out",
    "confusion": "counts: a row for each true class, a column for each predicted one",
    "reason": "why nothing was measured; only where nothing was",
}
"""Of the model: in `work/metrics.json`, and in the file of each round."""

ROUND = {
    "round": "number of the round",
    "strategy": "the strategy that picked",
    "budget": "samples that it was asked to pick",
    "accepted": "labels that this round added",
    "rejected": "samples that got no label in this round",
    "tasks": "tasks of the round, those of the hold-out among them",
    "undone": "tasks that too few people answered or skipped",
    "returned": "selected samples that nobody answered; they may be selected again",
    "bought": "samples that people have labelled or rejected so far, with the hold-out",
    "ended": "how the round ended: complete, incomplete, deadline or cancel",
    "cancelled": "whether it was cancelled",
    "closed": "when it was closed",
    "digests.FILE": "digest of each file of the round",
    "people.answers": "answers and skips of this round",
    "people.skipped": "skips among them",
    "people.skips.REASON": "skips for each reason",
    "people.no_class.answers": "answers that name no class of the campaign",
    "people.no_class.names": "the names in them",
    "people.adjudicate": "samples that the next round may ask again, because answers disagree",
    "people.unsettled": "samples without a label that are not asked again",
    "people.method.used": "how answers became labels",
    "people.method.instead": "why not as `accept.method` says; null if as it says",
    "people.alpha": "Krippendorff's alpha of the campaign so far; null if it cannot be told",
    "people.alpha_round": "the same for the samples answered in this round",
    "people.seconds": "time that the answers of this round took",
    "people.seconds_per_answer": "median of them",
    "people.seconds_per_label": "time divided by the new labels",
    "people.cost.cap": "seconds that one answer can cost, as `accept.longest` says",
    "people.cost.all": "effort of all answers",
    "people.cost.by_annotator.PERSON": "effort of each person",
    "people.cost.by_strategy.STRATEGY": "effort for what each strategy picked, or for the hold-out",
    "people.cost.by_class.CLASS": "effort for the samples of each class",
    "people.cost.without_label": "effort for samples that have no label",
    "people.gold.below": "people who are surely right on less than `push.gold_alert`",
    "people.gold.annotators.PERSON.answers": "answers to gold tasks",
    "people.gold.annotators.PERSON.skipped": "skips of gold tasks",
    "people.gold.annotators.PERSON.right": "estimate: share of the answers that is right",
    "people.gold.annotators.PERSON.seconds": "median time of an answer",
    "people.annotators.PERSON.answers": "answers in the campaign so far",
    "people.annotators.PERSON.compared": "answers to samples that others answered too",
    "people.annotators.PERSON.agreement_with_others": "estimate: share of those that agree",
    "people.annotators.PERSON.skill": "estimate: share of the answers that is probably right",
    "people.annotators.PERSON.recall.CLASS": "estimate: the same for each class",
    "preannotation.shown": "selected samples of which people saw the model's class",
    "preannotation.override_rate": "estimate: share of those where people chose another class",
    "preannotation.blind": "selected samples of which people did not see it",
    "preannotation.blind_agreement": "estimate: share of those where people chose it unseen",
    "preannotation.bias": "estimate: how much more often people choose it when they see it",
    "preannotation.errors.shown": "estimate: share of wrong answers to gold tasks that showed it",
    "preannotation.errors.blind": "estimate: the same for gold tasks that did not",
    "preannotation.campaign": "the same figures for the campaign so far",
    "corrections.edited": "answers of closed rounds that were changed",
    "corrections.added": "answers to closed rounds that were added",
    "corrections.deleted": "answers of closed rounds that were deleted",
    "corrections.tasks": "tasks of closed rounds that were deleted",
    "corrections.labels": "labels that changed by this",
    "corrections.by.PERSON": "changes by each person",
    "corrections.waiting": "changes that wait for `labelcycle corrections`",
}
"""Of a round: in `rounds/NNN/metrics.json` alone."""

ESTIMATE = {field.name for field in fields(Estimate)}
EFFORT = {field.name for field in fields(Effort)}
PLACEHOLDERS = ("CLASS", "PERSON", "STRATEGY", "REASON", "FILE")


def unnamed(record: Mapping[str, Any]) -> list[str]:
    """The figures of a `metrics.json` that have no name here."""
    known = {part for name in MODEL | ROUND for part in accumulate(name.split("."), _joined)}
    return [name for name in _flat(record, ()) if name not in known]


def _joined(above: str, key: str) -> str:
    return f"{above}.{key}"


def _flat(record: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[str]:
    """The name of each figure below `above`, with words in capitals where any name may be."""
    for key, value in record.items():
        name = ".".join((*above, _placed(above, key)))
        whole = isinstance(value, Mapping) and set(value) in (ESTIMATE, EFFORT)
        if name in MODEL or name in ROUND or whole or not isinstance(value, Mapping):
            yield name
        else:
            yield from _flat(value, (*above, _placed(above, key)))


def _placed(above: tuple[str, ...], key: str) -> str:
    """The key itself, or the word for it where any name may be."""
    start = "".join(f"{part}." for part in above)
    for place in PLACEHOLDERS:
        here = f"{start}{place}"
        if any(name == here or name.startswith(f"{here}.") for name in MODEL | ROUND):
            return place
    return key
