"""What `labelcycle status` prints, from the values."""

from collections.abc import Sequence

from labelcycle.campaign.records.people_record import PeopleFigures
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import next_step
from labelcycle.cycle.campaign_status import (
    ROLLED_BACK,
    CampaignStatus,
    CohortStatus,
    RoundStatus,
)
from labelcycle.people import gold, unknown_classes
from labelcycle.rounds import corrected_labels, measured_accuracy, skipped_samples

COMPARED = 10
"""Fewer samples without a guess say nothing on what seeing one does."""


def as_text(status: CampaignStatus) -> str:
    """The status for people."""
    counts = status.counts
    standing = [entry for entry in status.rounds if entry.state != ROLLED_BACK]
    lines = [
        f"{status.campaign}: {counted(counts.pool, 'sample')} in the pool, {counts.holdout} in the"
        f" hold-out; {counted(counts.labels, 'label')} to train on,"
        f" {counted(counts.bought, 'sample')} answered (hold-out and skips included)",
        *_cohorts(status.cohorts),
        *([status.groups.summary_line()] if status.groups else []),
        *_people(standing, status.missing_class),
        *_again(counts.again),
        *_withdrawn(counts.withdrawn),
        *_preannotation(standing),
        *_corrections(status, standing),
        *status.rolled_back,
    ]
    names = [_strategy(entry) for entry in status.rounds]
    width = max([12, *map(len, names)])
    wide = max([10, *(len(entry.state) for entry in status.rounds)])
    if names:
        lines += [
            "",
            f"{'round':>5}  {'state':<{wide}} {'strategy':<{width}} {'labels':>6}  accuracy",
        ]
    for name, entry in zip(names, status.rounds, strict=True):
        lines.append(
            f"{entry.round:>5}  {entry.state:<{wide}} {name:<{width}}"
            f" {entry.labels:>6}  {_accuracy(entry)}"
        )
    if names and status.mlflow:
        lines += ["", f"curves: {status.mlflow}"]
    if status.params_wait:
        lines += ["", "params.yaml was changed: that counts when the next round opens"]
    return "\n".join([*lines, "", next_step.line(status.next)])


def _cohorts(cohorts: Sequence[CohortStatus]) -> list[str]:
    """A line on each cohort; none where there is only one."""
    if len(cohorts) < 2:
        return []
    lines = []
    for cohort in cohorts:
        if not cohort.counts:
            said = "counts from the next round on"
        elif cohort.accuracy is None:
            said = "accuracy not measured yet"
        else:
            share = measured_accuracy.text(cohort.accuracy, cohort.measured, cohort.holdout)
            said = f"accuracy {share}"
        if cohort.drift:
            said += f"; {cohort.drift.summary}"
        if cohort.unusual:
            said += f"; its most unusual images: {cohort.unusual}"
        lines.append(
            f"cohort {cohort.number}, {cohort.at[:10]}: {cohort.pool} in the pool, {cohort.holdout}"
            f" in the hold-out; {said}"
        )
    return lines


def _people(rounds: Sequence[RoundStatus], missing_class: float) -> list[str]:
    """Lines on the people of the last closed round; none before one is closed."""
    known = [entry.people for entry in rounds if entry.people]
    return people_lines(known[-1], missing_class) if known else []


def people_lines(people: PeopleFigures, missing_class: float) -> list[str]:
    """Lines on the people of a round.

    missing_class : a larger share of answers of none of the classes says that one is missing
    """
    alpha, seconds, lacking = people.alpha, people.seconds_per_label, people.method.instead
    parts = [
        f"agreement {alpha:.2f} (Krippendorff's alpha)" if alpha is not None else "",
        f"{seconds:.1f} s a label in the last round" if seconds is not None else "",
        f"{counted(people.adjudicate, 'sample awaits', 'samples await')} adjudication"
        if people.adjudicate
        else "",
        f"majority, not yet Dawid-Skene ({lacking})" if lacking else "",
    ]
    text = ", ".join(part for part in parts if part)
    lines = [f"people: {text}"] if text else []
    unknown = unknown_classes.summary_line(people.no_class)
    skips = skipped_samples.summary_lines(people, missing_class)
    lines += [f"{line} (last round)" for line in (unknown, *skips) if line]
    return [*lines, *gold.summary_lines(people.gold)]


def _withdrawn(count: int) -> list[str]:
    """A line on samples that were withdrawn; none if there are none."""
    return [f"{counted(count, 'sample was', 'samples were')} withdrawn for good"] if count else []


def _again(count: int) -> list[str]:
    """A line on skipped samples that the next rounds ask again; none if there are none."""
    are = counted(count, "skipped sample is", "skipped samples are")
    return [f"{are} asked again when the next round opens"] if count else []


def _preannotation(rounds: Sequence[RoundStatus]) -> list[str]:
    """A line on what showing the model's class does; none before anybody saw one."""
    known = [entry.preannotation for entry in rounds if entry.preannotation]
    if not known or known[-1].override_rate is None:
        return []
    guesses, rate, bias = known[-1], known[-1].override_rate, known[-1].bias
    text = f"pre-annotations: {rate.value:.0%} of {guesses.shown} overridden"
    if bias and guesses.blind < COMPARED:
        without = counted(guesses.blind, "sample")
        text += f" ({without} without a guess: too few to compare)"
    elif bias:
        text += (
            f"; people who see one agree with it {100 * abs(bias.value):.0f} points"
            f" {'more' if bias.value >= 0 else 'less'} often than people who do not"
            f" ({100 * bias.low:+.0f} to {100 * bias.high:+.0f},"
            f" {counted(guesses.blind, 'sample')} without)"
        )
    return [text]


def _corrections(status: CampaignStatus, standing: Sequence[RoundStatus]) -> list[str]:
    """Lines on what the last closed round found changed, on altered tasks and what waits."""
    known = [entry.corrections for entry in standing if entry.corrections]
    text = corrected_labels.summary_line(known[-1]) if known else ""
    open_rounds = [entry.open for entry in status.rounds if entry.open]
    waiting = [changes for open_round in open_rounds for changes in open_round.waiting]
    waits = corrected_labels.waiting_line([*status.waiting, *waiting])
    altered = [open_round.altered for open_round in open_rounds if open_round.altered]
    last = [f"{text} (found at the last close)"] if text else []
    return [*last, *altered, *([waits] if waits else [])]


def _strategy(entry: RoundStatus) -> str:
    return f"{entry.strategy} ({entry.stood_in} stood in)" if entry.stood_in else entry.strategy


def _accuracy(entry: RoundStatus) -> str:
    if entry.accuracy is not None:
        return measured_accuracy.text(entry.accuracy, entry.measured, entry.holdout, entry.groups)
    if entry.open and entry.open.progress is None:
        return f"- ({entry.open.problem})"
    if entry.open and entry.open.progress:
        progress, url = entry.open.progress, entry.open.url
        return f"- ({progress.summary} at {url})"
    return "-"
