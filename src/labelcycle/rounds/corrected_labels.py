"""What corrections of closed rounds do to labels, and what is said of them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import removed_class
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.metrics_record import CorrectionFigures, WaitingChanges
from labelcycle.campaign.records.pushed_record import GOLD, PushedTask
from labelcycle.core import consensus
from labelcycle.core.class_migrations import Table
from labelcycle.core.consensus import unknown_class
from labelcycle.core.counted_nouns import counted
from labelcycle.rounds import answers, authors
from labelcycle.rounds.answers import CountedAnswer

WITHDRAWN = "its answer was withdrawn"
"""Why a sample has no label whose answers were all deleted: it is not trained on any more."""

NAMED = 5
"""So many are named in a line; all stand in `metrics.json`."""

REMOVED = authors.REMOVED.rstrip("/")
"""Stands for all annotators whose accounts are gone."""

MISLED = "misled"
"""Stands for the kind of a change whose task may have shown something else."""


def labels(
    number: int,
    changes: Iterable[Correction],
    watched: Mapping[str, tuple[int, PushedTask]],
    answered: Iterable[CountedAnswer],
    present: Mapping[str, Label],
    wanted: Mapping[str, int],
    classes: tuple[str, ...],
    options: consensus.Options,
    table: Table,
) -> list[Label]:
    """New words on samples of closed rounds: those whose corrected answers now say otherwise.

    number : of the round that found the changes
    watched : round and task by key, as in `corrections.watched`
    answered : every answer that counts, with the changes
    present : the latest word on each sample, the hold-out's too
    wanted : as in `pushed_tasks.people_wanted`; table : what earlier class names count as
    """
    changed = _samples(changes, watched)
    words = answers.last_words(answers.on_labels(answered))
    judged = answers.verdicts(words, wanted, changed, classes, options)
    says = _reader(table)
    new_labels = []
    for sample, asked_in in changed.items():
        source = f"{_mark(number)}{asked_in}"
        verdict = judged.get(sample)
        label = answers.label(sample, verdict, source) if verdict else _withdrawn(sample, source)
        if sample not in present or says(label) != says(present[sample]):
            new_labels.append(label)
    return new_labels


def _samples(
    changes: Iterable[Correction], watched: Mapping[str, tuple[int, PushedTask]]
) -> dict[str, int]:
    """The samples of closed rounds whose answers were corrected, and the last round whose were."""
    counting = (c for c in changes if c.state == "counts" and c.annotation is not None)
    changed = [watched[change.key] for change in counting if change.key in watched]
    in_order = sorted((number, task.sample) for number, task in changed if task.kind != GOLD)
    return {sample: number for number, sample in in_order}


def _withdrawn(sample: str, source: str) -> Label:
    return Label(sample, None, WITHDRAWN, source=source)


def _reader(table: Table) -> Callable[[Label], tuple[str | None, str | None, bool]]:
    """What tells two verdicts apart. A removed class is unknown to new ones, which is the same."""
    gone = {unknown_class(name): removed_class(name) for name, to in table.items() if to is None}
    return lambda label: (label.label, gone.get(label.reason or "", label.reason), label.adjudicate)


def _mark(number: int) -> str:
    return f"round {number}, correction of round "


# --- what is said --------------------------------------------------------------------------


def revised(number: int, labels: Iterable[Label]) -> list[Label]:
    """Those labels that the corrections found by round `number` made."""
    return [label for label in labels if label.source.startswith(_mark(number))]


def figures(
    number: int,
    changes: Iterable[Correction],
    written: Iterable[Label],
    undecided: Collection[Correction],
) -> CorrectionFigures:
    """What round `number` found changed, for `metrics.json`.

    changes : that it found; written : its labels, and those of the hold-out
    undecided : changes that wait, of whatever round
    """
    counting = [change for change in changes if change.state == "counts"]
    kinds = Counter(change.what for change in counting)
    by = Counter(change.by for change in counting if change.annotation is not None)
    return CorrectionFigures(
        edited=kinds["edited"],
        added=kinds["added"],
        deleted=kinds["deleted"],
        tasks=kinds["task deleted"],
        labels=len(revised(number, written)),
        by=dict(sorted(by.items())),
        waiting=waiting(undecided),
    )


def waiting(changes: Collection[Correction]) -> tuple[WaitingChanges, ...]:
    """Who changed how many answers of whom, of changes that wait; removed accounts are one."""
    groups = Counter((c.by, _whose(c.of), MISLED if c.misled else str(c.what)) for c in changes)
    return tuple(WaitingChanges(*group, count) for group, count in sorted(groups.items()))


def summary_line(figures: CorrectionFigures) -> str:
    """A line on the changes that a round found; empty if none."""
    counts = {
        "edited": figures.edited,
        "added": figures.added,
        "deleted": figures.deleted,
        "tasks deleted": figures.tasks,
    }
    parts = [f"{text} {count}" for text, count in counts.items() if count]
    if not parts:
        return ""
    people = ", ".join(f"{authors.named(who)} ({n})" for who, n in figures.by.items())
    return (
        f"corrections of closed rounds: {', '.join(parts)}{f', by {people}' if people else ''};"
        f" labels changed {figures.labels}; each stands in corrections.jsonl of the round that"
        " found it"
    )


def waiting_line(changes: Collection[WaitingChanges]) -> str:
    """A line on changes that wait, as in `waiting`; empty if there are none."""
    if not changes:
        return ""
    parts = [_part(group) for group in changes]
    total = sum(group.answers for group in changes)
    shown = ", ".join(parts[:NAMED]) + (" ..." if len(parts) > NAMED else "")
    subject = counted(total, "answer waits and does", "answers wait and do")
    return f"{subject} not count: {shown}; decide with `labelcycle corrections`"


def _part(group: WaitingChanges) -> str:
    """One entry of `waiting` in words."""
    verbs = {"edited": "changed", "added": "gave", "deleted": "deleted"}
    removed = group.of == REMOVED
    whose = "accounts that were removed" if removed else f"annotator {group.of}"
    if group.what == MISLED:
        return f"{group.answers} of {whose}, whose task may have shown something else"
    if removed and group.what == "added":
        return f"{group.answers} of {whose}, which no look had seen before"
    return f"{authors.named(group.by)} {verbs[group.what]} {group.answers} of {whose}"


def _whose(annotator: str) -> str:
    return REMOVED if annotator.startswith(authors.REMOVED) else annotator
