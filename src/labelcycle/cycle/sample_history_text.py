"""What `labelcycle explain` prints, from the values."""

from collections.abc import Iterator, Mapping
from typing import Any

from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.pushed_record import ADJUDICATION, GOLD, HOLDOUT, SELECTED
from labelcycle.campaign.records.withdrawn_record import Tombstone
from labelcycle.core import skip_reasons
from labelcycle.cycle.sample_history import NearSample, RoundOfSample, SampleHistory, StrategyPick

ASKED = {
    SELECTED: "asked because it was chosen",
    HOLDOUT: "asked for the hold-out",
    GOLD: "asked as a gold task, whose class is known",
    ADJUDICATION: "asked again, for the answers so far made no label",
}


def as_text(history: SampleHistory) -> str:
    """The history for people."""
    sample = history.sample
    lines = [
        f"{sample.id}: {sample.source}",
        f"  {sample.width} x {sample.height} pixels, in the"
        f" {'hold-out' if sample.split == 'holdout' else 'pool'} by cohort {sample.cohort}, stored"
        f" as {sample.file}",
        *([f"  of group {', '.join(sample.named_groups)}"] if sample.named_groups else []),
        *(f"  also found at {path}" for path in sample.also),
        *(f"  {note}" for note in sample.notes),
        *(f"  nearly the same picture: {other}" for other in history.same_picture),
        *([f"  known before round 0: {history.owned.label}"] if history.owned else []),
        f"  counts as: {_counted(history.label)}",
    ]
    if not history.counts:
        lines.append("  it waits: it counts from the next round on")
    for entry in history.rounds:
        lines += ["", *_round(entry)]
    if history.without_model:
        lines += ["", f"not told: {history.without_model}"]
    if history.near:
        lines += ["", "nearest in the pool, by today's features:", *map(_near, history.near)]
    return "\n".join(lines)


def withdrawn(stone: Tombstone) -> str:
    """What is left to tell of a withdrawn sample."""
    split = "hold-out" if stone.split == "holdout" else "pool"
    lines = [
        f"{stone.sample}: withdrawn on {stone.at}",
        f"  reason: {stone.reason}",
        f"  it was in the {split} by cohort {stone.cohort}, up to round"
        f" {stone.round if stone.is_open else stone.round - 1}"
        if stone.round or stone.is_open
        else f"  it was in the {split}, before any round",
        "  it does not come back by an ingest",
    ]
    if not stone.done:
        lines.append("  not all of it is removed yet: run `labelcycle withdraw`")
    return "\n".join(lines)


def _counted(label: Label | None) -> str:
    if label is None:
        return "nothing yet"
    return _verdict(label)


def _verdict(label: Label) -> str:
    votes = ", ".join(f"{count} for {name}" for name, count in label.votes.items())
    sure = "" if label.confidence is None else f"confidence {label.confidence:.2f}"
    more = "; ".join(part for part in (votes, sure) if part)
    what = label.label or f"no class ({label.reason})"
    return f"{what} ({more})" if more and label.label else what


def _round(entry: RoundOfSample) -> Iterator[str]:
    state = "cancelled" if entry.cancelled else "closed" if entry.closed else "open"
    if not entry.standing:
        state += f", rolled back: its answers {'count on' if entry.counts else 'do not count'}"
    yield f"round {entry.round}, {state}"
    if entry.choice:
        yield f"  {_choice(entry.choice)}"
    task = entry.task
    if task:
        wanted = "" if task.wanted == 1 else f"; {task.wanted} people wanted"
        place = f"as image {task.rank + 1} of the round, task {task.task}"
        yield f"  {ASKED[task.kind]}, {place}{wanted}"
        if task.predicted:
            shown = "shown to them" if task.shown else "not shown"
            yield f"  the model of the time thought {task.predicted}; {shown}"
        if not entry.answers:
            yield "  nobody has answered" if entry.closed else "  no answer seen yet"
    for answer in entry.answers:
        yield f"  {_answer(answer)}"
    for change in entry.changes:
        yield f"  {_change(change)}"
    if entry.label:
        yield f"  label: {_verdict(entry.label)}"
    if entry.learned:
        yield "  its model learned from this sample"
    if entry.chances:
        yield f"  its model says {_chances(entry.chances)}"
    if not (entry.choice or task or entry.label or entry.learned or entry.chances):
        yield "  nothing to do with this sample"


def _choice(choice: StrategyPick) -> str:
    pick = choice.sample
    why = ", ".join(f"{name} {_short(value)}" for name, value in pick.why.items())
    place = f"place {pick.rank + 1} of {choice.budget}"
    text = f"chosen by {choice.strategy}: {place}, score {_short(pick.score)}"
    return f"{text}; {why}" if why else text


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _said(answer: Answer) -> str:
    if answer.skipped:
        return skip_reasons.worded(answer.reason)
    return ", ".join(answer.labels) or "an empty answer"


def _answer(answer: Answer) -> str:
    seconds = "" if answer.lead_time_s is None else f" in {answer.lead_time_s:.1f} s"
    edited = "" if answer.editor in (None, answer.annotator) else f", written by {answer.editor}"
    changed = "" if answer.updated == answer.created else f", changed {answer.updated}"
    return f"{answer.annotator}: {_said(answer)}{seconds}, {answer.created}{changed}{edited}"


def _change(change: Correction) -> str:
    before = _said(change.before) if change.before else "nothing"
    after = _said(change.after) if change.after else "nothing"
    state = {"counts": "it counts", "waits": "it waits for a decision", "rejected": "rejected"}
    what = f"later {change.what} by {change.by}: {before}, then {after}"
    return f"{what}; {state[change.state]}"


def _chances(chances: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in chances.items())


def _near(near: NearSample) -> str:
    return f"  {near.sample}  cosine {near.cosine:.3f}  {near.label or '-'}  {near.source}"
