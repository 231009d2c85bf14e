"""Stage `evaluate`: how good the model is on the hold-out's human labels, as JSON and figures."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import atomic_files, json_files, layout, sample_files, sample_groups
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import read_holdout
from labelcycle.campaign.records.metrics_record import ClassFigures, CohortFigures, Evaluation
from labelcycle.campaign.sample_files import Sample
from labelcycle.core import group_intervals, metrics
from labelcycle.core.calibration import calibration_error
from labelcycle.core.seeding import derive
from labelcycle.errors import DataError
from labelcycle.nn.learner_inputs import Seen
from labelcycle.stages.pool_files import class_index, read_features, rounded
from labelcycle.stages.train import model_probabilities, model_seen

CONFUSION = "confusion.png"
PER_CLASS = "per_class.png"


class Options(base.Options):
    """How the model is measured on the hold-out."""

    confidence: float = Field(0.95, gt=0.5, lt=1, description="of every interval")
    bootstrap: int = Field(
        1000,
        ge=100,
        le=1_000_000,
        description="draws for the intervals of balanced accuracy and macro F1, and of accuracy"
        " where there are groups",
    )


def run(campaign: Campaign, options: Options, classes: tuple[str, ...], seed: int) -> None:
    """Write work/metrics.json and the figures below work/figures.

    Where the hold-out has no accepted label, every figure is null and `reason` says so.
    """
    model = json_files.read_json(campaign.model / layout.MODEL_JSON)
    _check_classes(model["classes"], classes)
    truth, held, samples = _holdout(campaign, classes)
    evaluation = Evaluation(
        labels=model["labels"],
        holdout=len(truth),
        classes=classes,
        confidence=options.confidence,
        reason="the hold-out has no accepted label: nothing was measured",
    )
    campaign.figures.mkdir(parents=True, exist_ok=True)
    for name in (CONFUSION, PER_CLASS):
        (campaign.figures / name).unlink(missing_ok=True)
    if len(truth):
        chances = model_probabilities(campaign, samples)
        predicted = chances.argmax(axis=1)
        right = predicted == truth
        confusion = metrics.confusion_matrix(truth, predicted.astype(np.int64), len(classes))
        rng = derive(seed, 0, "evaluate")
        figures = summary(confusion, classes, options, rng)
        cohorts = by_cohort(campaign, held, right, options, derive(seed, 0, "evaluate cohorts"))
        groups = group_numbers(held)
        if groups is not None:
            figures |= by_group(groups, truth, predicted, figures, options, rng)
        sure = chances.max(axis=1).astype(np.float64)
        calibration = rounded(calibration_error(sure, right))
        evaluation = replace(
            evaluation,
            **figures,
            calibration_error=calibration,
            cohorts=cohorts,
            reason=None,
        )
        _draw(campaign, confusion, classes)
    evaluation.write(campaign.metrics)


def summary(
    confusion: NDArray[np.int64],
    classes: Sequence[str],
    options: Options,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The figures of a confusion matrix with at least one sample, by their names in the record."""
    balanced, macro = metrics.bootstrap(confusion, options.confidence, options.bootstrap, rng)
    figures = metrics.per_class(confusion)
    return {
        "accuracy": _rounded(metrics.accuracy(confusion, options.confidence)),
        "balanced_accuracy": _rounded(balanced),
        "macro_f1": _rounded(macro),
        "per_class": {
            name: ClassFigures(
                precision=rounded(figures.precision[i]),
                recall=rounded(figures.recall[i]),
                f1=rounded(figures.f1[i]),
                support=int(figures.support[i]),
            )
            for i, name in enumerate(classes)
        },
        "confusion": tuple(tuple(row) for row in confusion.tolist()),
    }


def group_numbers(held: Sequence[Sample]) -> NDArray[np.int64] | None:
    """(m,) the group of each sample of the hold-out; None if `ingest.group` names none of them."""
    if not any(sample.named_groups for sample in held):
        return None
    numbers = np.unique(sample_groups.components(held), return_inverse=True)[1]
    return numbers.astype(np.int64)


def by_group(
    groups: NDArray[np.int64],
    truth: NDArray[np.int64],
    predicted: NDArray[np.integer],
    figures: Mapping[str, Any],
    options: Options,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """The figures whose intervals are a bootstrap over groups.

    groups, truth, predicted : (m,); figures : those of single samples
    """
    how = options.confidence, options.bootstrap, rng
    accuracy = group_intervals.accuracy(groups, predicted == truth, *how)
    cells = np.stack([truth, predicted], axis=1).astype(np.int64)
    single = figures["balanced_accuracy"], figures["macro_f1"]
    balanced, macro = group_intervals.classwise(groups, cells, single, *how)
    return {
        "accuracy": _rounded(accuracy),
        "balanced_accuracy": _rounded(balanced),
        "macro_f1": _rounded(macro),
        "interval": "groups",
        "groups": int(groups.max()) + 1,
    }


def by_cohort(
    campaign: Campaign,
    held: Sequence[Sample],
    right: NDArray[np.bool_],
    options: Options,
    rng: np.random.Generator,
) -> dict[str, CohortFigures]:
    """The accuracy on the hold-out of each cohort, by its number.

    held, right : (m,), the labelled samples of the hold-out
    """
    figures = {}
    cohorts = np.array([sample.cohort for sample in held])
    groups = group_numbers(held)
    for number in sample_files.counted(campaign.samples):
        here = cohorts == number
        own = right[here]
        accuracy = None
        if len(own) and groups is None:
            accuracy = metrics.wilson(int(own.sum()), len(own), options.confidence)
        elif len(own) and groups is not None:
            how = options.confidence, options.bootstrap, rng
            accuracy = group_intervals.accuracy(groups[here], own, *how)
        figures[f"{number:03d}"] = CohortFigures(len(own), accuracy and _rounded(accuracy))
    return figures


def _rounded(estimate: metrics.Estimate) -> metrics.Estimate:
    return metrics.Estimate(**rounded(asdict(estimate)))


def _holdout(
    campaign: Campaign, classes: Sequence[str]
) -> tuple[NDArray[np.int64], list[Sample], Seen]:
    """Of the hold-out samples with an accepted label: class indices (m,), lines, and inputs."""
    ids, features = read_features(campaign, "holdout")
    held = sample_files.read_samples(campaign.samples, "holdout")
    answers = {label.sample: label for label in read_holdout(campaign)}
    unknown = sorted(set(answers) - set(ids))
    if unknown:
        raise DataError(
            f"{campaign.holdout} has a label for sample {unknown[0]}: wanted samples of the"
            " hold-out only; restore the file with git and DVC"
        )
    rows = [i for i, identity in enumerate(ids) if _accepted(answers.get(identity))]
    truth = [class_index(answers[ids[i]], classes) for i in rows]
    samples = model_seen(campaign, "holdout", features)
    picked = np.array(rows, dtype=np.int64)
    return np.array(truth, dtype=np.int64), [held[i] for i in rows], samples.some(picked)


def _accepted(answer: Label | None) -> bool:
    return answer is not None and answer.label is not None


def _check_classes(trained: Sequence[str], classes: Sequence[str]) -> None:
    if list(trained) != list(classes):
        raise DataError(
            f"the model was trained for {', '.join(trained)}: wanted {', '.join(classes)};"
            " run `labelcycle stage train`"
        )


def _draw(campaign: Campaign, confusion: NDArray[np.int64], classes: Sequence[str]) -> None:
    from labelcycle.stages import charts  # matplotlib, which every command would load

    each = metrics.per_class(confusion)
    atomic_files.write_bytes(campaign.figures / CONFUSION, charts.confusion(confusion, classes))
    atomic_files.write_bytes(campaign.figures / PER_CLASS, charts.per_class(each, classes))
