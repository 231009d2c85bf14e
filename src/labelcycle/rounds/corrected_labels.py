"""What corrections of closed rounds do to labels, and what is said of them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from labelcycle.campaign.labels import read_all_labels, read_holdout, read_migrations, removed_class
from labelcycle.campaign.store import Label, read_labels
from labelcycle.core.class_migrations import counted_as
from labelcycle.core.consensus import unknown_class
from labelcycle.rounds import answers, authors, correction_decisions, corrections, pushed_tasks
from labelcycle.rounds.corrections import Correction, Pending
from labelcycle.rounds.pushed_tasks import GOLD
from labelcycle.rounds.snapshots import Snapshot

WITHDRAWN = "its answer was withdrawn"
"""Why a sample has no label whose answers were all deleted: it is not trained on any more."""

NONE: Mapping[str, Any] = {
    **dict.fromkeys(("edited", "added", "deleted", "tasks", "labels"), 0),
    "by": {},
    "waiting": [],
}
"""The figures of a round that found nothing changed."""

NAMED = 5
"""So many are named in a line; all stand in `metrics.json`."""

REMOVED = authors.REMOVED.rstrip("/")
"""Stands for all annotators whose accounts are gone."""

MISLED = "misled"
"""Stands for the kind of a change whose task may have shown something else."""

COUNTED = {"edited": "edited", "added": "added", "deleted": "deleted", "task deleted": "tasks"}
"""Kind of correction -> its name in `metrics.json`."""


def labels(
    snapshot: Snapshot, heard: Collection[str], pending: Pending | None = None
) -> list[Label]:
    """New words on samples of closed rounds: those whose corrected answers now say otherwise.

    heard : samples on which this round's own answers say something anyway
    pending : as in `corrections.corrected`
    """
    changes = pending.changes if pending else corrections.read(snapshot)
    changed = {name: n for name, n in _samples(snapshot, changes).items() if name not in heard}
    words = answers.last_words(answers.on_labels(answers.read(snapshot, pending)))
    config = snapshot.config
    judged = answers.verdicts(
        words, pushed_tasks.wanted(snapshot), changed, config.classes, config.accept
    )
    present = {label.sample: label for label in read_holdout(snapshot.campaign)}
    present |= read_all_labels(snapshot.campaign)
    says = _reader(snapshot)
    found = []
    for sample, number in changed.items():
        source = f"{_mark(snapshot)}{number}"
        verdict = judged.get(sample)
        new = answers.label(sample, verdict, source) if verdict else _withdrawn(sample, source)
        if sample not in present or says(new) != says(present[sample]):
            found.append(new)
    return found


def _samples(snapshot: Snapshot, changes: Iterable[Correction]) -> dict[str, int]:
    """The samples of closed rounds whose answers were corrected, and the last round whose were."""
    tasks = corrections.watched(snapshot)
    counting = (c for c in changes if c.state == "counts" and c.annotation is not None)
    changed = [tasks[c.key] for c in counting if c.key in tasks]
    in_order = sorted((number, task.sample) for number, task in changed if task.kind != GOLD)
    return {sample: number for number, sample in in_order}


def _withdrawn(sample: str, source: str) -> Label:
    return Label(sample, None, WITHDRAWN, source=source)


def _reader(snapshot: Snapshot) -> Callable[[Label], tuple[str | None, str | None, bool]]:
    """What tells two verdicts apart. A removed class is unknown to new ones, which is the same."""
    table = counted_as(read_migrations(snapshot.campaign))
    gone = {unknown_class(x): removed_class(x) for x, now in table.items() if now is None}
    return lambda each: (each.label, gone.get(each.reason or "", each.reason), each.adjudicate)


def _mark(snapshot: Snapshot) -> str:
    return f"round {snapshot.number}, correction of round "


# --- what is said --------------------------------------------------------------------------


def revised(snapshot: Snapshot, found: Iterable[Label]) -> list[Label]:
    """Those labels that this round's corrections made."""
    return [label for label in found if label.source.startswith(_mark(snapshot))]


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """The value of `corrections` in `metrics.json`.

    That is changes by kind, labels that they changed, who made them; and of those that wait how
    many there are, who made them and whose answers they are.
    """
    campaign = snapshot.campaign
    made = [c for c in corrections.read(snapshot) if c.state == "counts"]
    kinds = Counter(COUNTED[c.what] for c in made)
    written = [*read_labels(campaign.label_file(snapshot.number)), *read_labels(campaign.holdout)]
    counts = {name: kinds[name] for name in COUNTED.values()}
    by = Counter(c.by for c in made if c.annotation is not None)
    return {
        **counts,
        "labels": len(revised(snapshot, written)),
        "by": dict(sorted(by.items())),
        "waiting": waiting(correction_decisions.undecided(snapshot)),
    }


def waiting(changes: Collection[Correction]) -> list[dict[str, Any]]:
    """Who changed how many answers of whom, of changes that wait; removed accounts are one."""
    pairs = Counter((c.by, _whose(c.of), MISLED if c.misled else str(c.what)) for c in changes)
    names = ("by", "of", "what", "answers")
    return [dict(zip(names, (*pair, n), strict=True)) for pair, n in sorted(pairs.items())]


def told(found: Mapping[str, Any] | None) -> str:
    """A line on the changes that a round found; empty if none."""
    if not found or not any(found[name] for name in COUNTED.values()):
        return ""
    words = {"edited": "edited", "added": "added", "deleted": "deleted", "tasks": "tasks deleted"}
    parts = [f"{text} {found[name]}" for name, text in words.items() if found[name]]
    people = ", ".join(f"{authors.named(who)} ({n})" for who, n in found["by"].items())
    return (
        f"corrections of closed rounds: {', '.join(parts)}{f', by {people}' if people else ''};"
        f" labels changed {found['labels']}; each stands in corrections.jsonl of the round that"
        " found it"
    )


def waiting_told(found: Collection[Mapping[str, Any]]) -> str:
    """A line on changes that wait, as in `waiting`; empty if there are none."""
    if not found:
        return ""
    parts = [_part(each) for each in found]
    total = sum(x["answers"] for x in found)
    shown = ", ".join(parts[:NAMED]) + (" ..." if len(parts) > NAMED else "")
    subject = "1 answer waits and does" if total == 1 else f"{total} answers wait and do"
    return f"{subject} not count: {shown}; decide with `labelcycle corrections`"


def _part(each: Mapping[str, Any]) -> str:
    """One entry of `waiting` in words."""
    verbs = {"edited": "changed", "added": "gave", "deleted": "deleted"}
    what, count, of = each["what"], each["answers"], each["of"]
    whose = "accounts that were removed" if of == REMOVED else f"annotator {of}"
    if what == MISLED:
        return f"{count} of {whose}, whose task may have shown something else"
    if of == REMOVED and what == "added":
        return f"{count} of {whose}, which no look had seen before"
    return f"{authors.named(each['by'])} {verbs[what]} {count} of {whose}"


def _whose(annotator: str) -> str:
    return REMOVED if annotator.startswith(authors.REMOVED) else annotator
