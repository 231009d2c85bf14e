"""What is worth telling whoever keeps the cycle running, as texts: what, how far, where, what next.

A notice is known by its key, which names the event: it is told once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from labelcycle.adapters import annotation
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.round_states import State
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import LabelcycleError
from labelcycle.people import gold, unknown_classes
from labelcycle.rounds import (
    altered_tasks,
    answer_journal,
    authors,
    changed_answers,
    corrected_labels,
    deadline,
    measured_accuracy,
    pushed_tasks,
    skipped_samples,
)
from labelcycle.rounds.snapshots import Snapshot


@dataclass(frozen=True)
class Notice:
    """One event, for people."""

    key: str
    title: str
    body: str


def due(snapshot: Snapshot, progress: AnnotationProgress | None) -> list[Notice]:
    """The notices of what the campaign's files say has happened, told already or not.

    progress : how far annotators are, if that was looked up
    """
    notices = past(snapshot)
    if snapshot.state is State.OPEN:
        notices.append(_opened(snapshot))
        if progress and progress.done:
            notices.append(_complete(snapshot, progress))
        elif progress and deadline.passed(snapshot) and not deadline.quorum(snapshot, progress):
            notices.append(_late(snapshot, progress))
        notices += [*_altered(snapshot), *_waiting(snapshot)]
    return notices


def past(snapshot: Snapshot) -> list[Notice]:
    """The notices of the last closed round."""
    return [closed(snapshot), *_below(snapshot)] if snapshot.closed else []


def closed(snapshot: Snapshot) -> Notice:
    """The last closed round is closed."""
    number = snapshot.closed[-1]
    metrics = snapshot.records.metrics(number)
    accuracy, held = metrics.accuracy, snapshot.records.plan(number).holdout
    missing_class = snapshot.config.notify.missing_class
    return _notice(
        snapshot,
        f"closed {number:03d}",
        f"round {number} is " + ("cancelled" if metrics.cancelled else "closed"),
        f"{counted(metrics.accepted, 'label')} more, {metrics.rejected} rejected;"
        f" {counted(metrics.labels, 'label')} in all.",
        _sentence(deadline.summary_line(metrics)).capitalize(),
        corrected_labels.summary_line(metrics.corrections).capitalize(),
        _sentence(corrected_labels.waiting_line(metrics.corrections.waiting)),
        _sentence(unknown_classes.summary_line(metrics.people.no_class)),
        *(_sentence(text) for text in skipped_samples.summary_lines(metrics.people, missing_class)),
        f"Accuracy {measured_accuracy.text(accuracy, metrics.holdout, held, metrics.groups)}."
        if accuracy
        else "",
        f"Curves: {curves}" if (curves := tracking_uri.of_campaign(snapshot.campaign)) else "",
        _after(snapshot),
    )


def stuck(snapshot: Snapshot, progress: AnnotationProgress | None, still: timedelta) -> Notice:
    """Nothing has moved for a while.

    still : for how long
    """
    hours = int(still.total_seconds() // 3600)
    if snapshot.state is State.OPEN and progress:
        return _notice(
            snapshot,
            f"stuck {mark(snapshot, progress)}",
            f"round {snapshot.number} is stuck",
            f"No new answer for {_hours(hours)}: {progress.summary}.",
            _place(snapshot),
            "Next: ask the annotators; or end the round with `labelcycle close --incomplete`, which"
            " returns the rest to the pool; or give it up with `labelcycle cancel`.",
        )
    return _notice(
        snapshot,
        f"stuck {mark(snapshot, progress)}",
        f"round {snapshot.number} is stuck",
        f"It has been {snapshot.state} for {_hours(hours)}.",
        f"Next: {round_states.NEXT[snapshot.state]}.",
    )


def _late(snapshot: Snapshot, progress: AnnotationProgress) -> Notice:
    options = snapshot.config.close
    hours = _hours(options.deadline_hours or 0.0)
    return _notice(
        snapshot,
        f"deadline {snapshot.number:03d}",
        f"round {snapshot.number} is past its deadline",
        f"{progress.summary}; {options.quorum:.0%} were wanted after {hours}.",
        _place(snapshot),
        "Next: ask the annotators; it is closed as soon as so many are done. Or end it with"
        " `labelcycle close --incomplete`.",
    )


def failed(campaign: Campaign, error: Exception, since: str, log: str) -> Notice:
    """A step failed, and trying it again does not mend it.

    since : when it failed first; log : address of the run's log, "" if it has none
    """
    lines = (
        f"{reason(error)}.",
        f"It failed first at {since}.",
        f"Log: {log}" if log else "",
        f"Next: mend this, then `labelcycle run` in {campaign.root} goes on where it stopped.",
    )
    return Notice(
        f"failed {type(error).__name__} {since}",
        f"{campaign.root.name}: a step failed",
        "\n".join(filter(None, lines)),
    )


def reason(error: Exception) -> str:
    """What failed, in our words; a text that is not ours may hold anything, secrets too."""
    if isinstance(error, LabelcycleError):
        return str(error)
    return f"{type(error).__name__}, see the log of the flow run in Prefect"


def mark(snapshot: Snapshot, progress: AnnotationProgress | None) -> str:
    """What changes whenever something moves."""
    far = f" {progress.given}" if progress else ""
    return f"{snapshot.number:03d} {snapshot.state}{far}"


def _below(snapshot: Snapshot) -> list[Notice]:
    """Somebody was wrong on too many gold tasks; told with each round they had a part in."""
    number = snapshot.closed[-1]
    figures = snapshot.records.metrics(number).people.gold
    if not figures.below:
        return []
    return [
        _notice(
            snapshot,
            f"gold {number:03d}",
            f"look at {gold.names(figures)}",
            *gold.summary_lines(figures),
            "Next: show them what is meant; their answers count as before. With"
            " accept.method: dawid_skene they weigh by how reliable each person proved.",
        )
    ]


def _altered(snapshot: Snapshot) -> list[Notice]:
    """Tasks showed something else than was pushed; told again when there are more of them."""
    count = len(answer_journal.read(snapshot).altered)
    text = altered_tasks.summary_line(snapshot)
    if not text:
        return []
    waits = [c for c in changed_answers.seen(snapshot) if c.misled]
    return [
        _notice(
            snapshot,
            f"altered {snapshot.number:03d} {count}",
            "look at tasks that were changed",
            _sentence(text),
            _sentence(corrected_labels.waiting_line(corrected_labels.waiting(waits))),
            _place(snapshot),
        )
    ]


def _waiting(snapshot: Snapshot) -> list[Notice]:
    """Somebody changed answers of others in the open round; told once of each such person."""
    changes = [change for change in changed_answers.seen(snapshot) if not change.misled]
    return [
        _notice(
            snapshot,
            f"waiting {snapshot.number:03d} {who}",
            f"look at {authors.named(who)}",
            f"{_told([change for change in changes if change.by == who])}.",
            _place(snapshot),
        )
        for who in sorted({change.by for change in changes})
    ]


def _told(changes: Collection[Correction]) -> str:
    return corrected_labels.waiting_line(corrected_labels.waiting(changes))


def _opened(snapshot: Snapshot) -> Notice:
    return _notice(
        snapshot,
        f"open {snapshot.number:03d}",
        f"round {snapshot.number} is open",
        f"{pushed_tasks.summary_line(pushed_tasks.tasks(snapshot))} wait for annotators.",
        _place(snapshot),
        f"Next: {annotation.next_step(_backend(snapshot))}.",
    )


def _complete(snapshot: Snapshot, progress: AnnotationProgress) -> Notice:
    return _notice(
        snapshot,
        f"complete {snapshot.number:03d}",
        f"round {snapshot.number} is complete",
        f"{progress.summary}.",
        _place(snapshot),
        "Next: nothing; it is being closed, and then you are told what it gave.",
    )


def _notice(snapshot: Snapshot, key: str, title: str, *lines: str) -> Notice:
    body = "\n".join(line for line in lines if line)
    return Notice(key, f"{snapshot.config.campaign.name}: {title}", body)


def _hours(count: float) -> str:
    return f"{count:g} hour" + ("" if count == 1 else "s")


def _sentence(text: str) -> str:
    return f"{text}." if text else ""


def _backend(snapshot: Snapshot) -> str:
    return snapshot.records.pushed(snapshot.number).backend


def _place(snapshot: Snapshot) -> str:
    title = annotation.title(_backend(snapshot))
    return f"{title[0].upper()}{title[1:]}: {snapshot.records.pushed(snapshot.number).url}"


def _after(snapshot: Snapshot) -> str:
    """What comes after a closed round."""
    settings = snapshot.config.campaign
    if snapshot.finished >= settings.rounds:
        return f"Next: nothing; all {settings.rounds} rounds of campaign.rounds are closed."
    if settings.open_next:
        return "Next: nothing; the next round opens by itself."
    return "Next: open the next round with `labelcycle open`."
