"""What is worth telling whoever keeps the cycle running, as texts: what, how far, where, what next.

A notice is known by its key, which names the event: it is told once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from labelcycle.adapters import annotation
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.adapters.ports import Progress
from labelcycle.campaign import round_states
from labelcycle.campaign.round_states import State
from labelcycle.campaign.store import Campaign
from labelcycle.errors import LabelcycleError
from labelcycle.people import gold, unknown_classes
from labelcycle.rounds import (
    altered_tasks,
    answer_journal,
    authors,
    changed_answers,
    corrected_labels,
    deadline,
    pushed_tasks,
    skipped_samples,
)
from labelcycle.rounds.corrections import Correction
from labelcycle.rounds.snapshot import Standing


@dataclass(frozen=True)
class Notice:
    """One event, for people."""

    key: str
    title: str
    body: str


def due(now: Standing, done: Progress | None) -> list[Notice]:
    """The notices of what the campaign's files say has happened, told already or not.

    done : how far annotators are, if that was looked up
    """
    found = past(now)
    if now.state is State.OPEN:
        found.append(_opened(now))
        if done and done.done:
            found.append(_complete(now, done))
        elif done and deadline.passed(now) and not deadline.quorum(now, done):
            found.append(_late(now, done))
        found += [*_altered(now), *_waiting(now)]
    return found


def past(now: Standing) -> list[Notice]:
    """The notices of the last closed round."""
    return [closed(now), *_below(now)] if now.closed else []


def closed(now: Standing) -> Notice:
    """The last closed round is closed."""
    number = now.closed[-1]
    metrics = now.record(round_states.METRICS, number)
    accuracy = metrics["accuracy"]
    return _notice(
        now,
        f"closed {number:03d}",
        f"round {number} is " + ("cancelled" if metrics["cancelled"] else "closed"),
        f"{metrics['accepted']} labels more, {metrics['rejected']} rejected;"
        f" {metrics['labels']} labels in all.",
        _sentence(deadline.told(metrics)).capitalize(),
        corrected_labels.told(metrics["corrections"]).capitalize(),
        _sentence(corrected_labels.waiting_told(metrics["corrections"]["waiting"])),
        _sentence(unknown_classes.told(metrics.get("people", {}).get("no_class"))),
        *(
            _sentence(text)
            for text in skipped_samples.told(metrics.get("people"), now.config.notify.missing_class)
        ),
        f"Accuracy {accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f})."
        if accuracy
        else "",
        f"Curves: {curves}" if (curves := tracking_uri.of_campaign(now.campaign)) else "",
        _after(now),
    )


def stuck(now: Standing, done: Progress | None, still: timedelta) -> Notice:
    """Nothing has moved for a while.

    still : for how long
    """
    hours = int(still.total_seconds() // 3600)
    if now.state is State.OPEN and done:
        return _notice(
            now,
            f"stuck {mark(now, done)}",
            f"round {now.number} is stuck",
            f"No new answer for {_hours(hours)}: {_far(done)}.",
            _place(now),
            "Next: ask the annotators; or end the round with `labelcycle close --incomplete`, which"
            " returns the rest to the pool; or give it up with `labelcycle cancel`.",
        )
    return _notice(
        now,
        f"stuck {mark(now, done)}",
        f"round {now.number} is stuck",
        f"It has been {now.state} for {_hours(hours)}.",
        f"Next: {round_states.NEXT[now.state]}.",
    )


def _late(now: Standing, done: Progress) -> Notice:
    options = now.config.close
    hours = _hours(options.deadline_hours or 0.0)
    return _notice(
        now,
        f"deadline {now.number:03d}",
        f"round {now.number} is past its deadline",
        f"{_far(done)}; {options.quorum:.0%} were wanted after {hours}.",
        _place(now),
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


def mark(now: Standing, done: Progress | None) -> str:
    """What changes whenever something moves."""
    far = f" {done.given}" if done else ""
    return f"{now.number:03d} {now.state}{far}"


def _below(now: Standing) -> list[Notice]:
    """Somebody was wrong on too many gold tasks; told with each round they had a part in."""
    number = now.closed[-1]
    found = now.record(round_states.METRICS, number).get("people", {}).get("gold", gold.NONE)
    if not found["below"]:
        return []
    return [
        _notice(
            now,
            f"gold {number:03d}",
            f"look at {gold.names(found)}",
            *gold.told(found),
            "Next: show them what is meant; their answers count as before. With"
            " accept.method: dawid_skene they weigh by how reliable each person proved.",
        )
    ]


def _altered(now: Standing) -> list[Notice]:
    """Tasks showed something else than was pushed; told again when there are more of them."""
    count = len(answer_journal.altered(now))
    text = altered_tasks.told(now)
    if not text:
        return []
    waits = [c for c in changed_answers.seen(now) if c.misled]
    return [
        _notice(
            now,
            f"altered {now.number:03d} {count}",
            "look at tasks that were changed",
            _sentence(text),
            _sentence(corrected_labels.waiting_told(corrected_labels.waiting(waits))),
            _place(now),
        )
    ]


def _waiting(now: Standing) -> list[Notice]:
    """Somebody changed answers of others in the open round; told once of each such person."""
    found = [change for change in changed_answers.seen(now) if not change.misled]
    return [
        _notice(
            now,
            f"waiting {now.number:03d} {who}",
            f"look at {authors.named(who)}",
            f"{_told([change for change in found if change.by == who])}.",
            _place(now),
        )
        for who in sorted({change.by for change in found})
    ]


def _told(changes: Collection[Correction]) -> str:
    return corrected_labels.waiting_told(corrected_labels.waiting(changes))


def _opened(now: Standing) -> Notice:
    return _notice(
        now,
        f"open {now.number:03d}",
        f"round {now.number} is open",
        f"{pushed_tasks.told(pushed_tasks.tasks(now))} wait for annotators.",
        _place(now),
        f"Next: {annotation.next_step(_backend(now))}.",
    )


def _complete(now: Standing, done: Progress) -> Notice:
    return _notice(
        now,
        f"complete {now.number:03d}",
        f"round {now.number} is complete",
        f"{_far(done)}.",
        _place(now),
        "Next: nothing; it is being closed, and then you are told what it gave.",
    )


def _notice(now: Standing, key: str, title: str, *lines: str) -> Notice:
    body = "\n".join(line for line in lines if line)
    return Notice(key, f"{now.config.campaign.name}: {title}", body)


def _hours(count: float) -> str:
    return f"{count:g} hour" + ("" if count == 1 else "s")


def _sentence(text: str) -> str:
    return f"{text}." if text else ""


def _far(done: Progress) -> str:
    return f"{done.answered} answered, {done.skipped} skipped of {done.tasks} tasks"


def _backend(now: Standing) -> str:
    return pushed_tasks.place(now, now.number)[0]


def _place(now: Standing) -> str:
    title = annotation.title(_backend(now))
    return f"{title[0].upper()}{title[1:]}: {now.record(round_states.PUSHED)['url']}"


def _after(now: Standing) -> str:
    """What comes after a closed round."""
    settings = now.config.campaign
    if now.finished >= settings.rounds:
        return f"Next: nothing; all {settings.rounds} rounds of campaign.rounds are closed."
    if settings.open_next:
        return "Next: nothing; the next round opens by itself."
    return "Next: open the next round with `labelcycle open`."
