"""What corrections of closed rounds do to labels, and what is said of them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from labelcycle.core.consensus import unknown_class
from labelcycle.core.migrations import counted_as
from labelcycle.cycle import answers, asked, corrections
from labelcycle.cycle.asked import GOLD
from labelcycle.cycle.standing import Standing
from labelcycle.labels import read_all_labels, read_holdout, read_migrations, removed_class
from labelcycle.store import Label, read_labels

WITHDRAWN = "its answer was withdrawn"
"""Why a sample has no label whose answers were all deleted: it is not trained on any more."""

COUNTED = {"edited": "edited", "added": "added", "deleted": "deleted", "task deleted": "tasks"}
"""Kind of correction -> its name in `metrics.json`."""


def labels(standing: Standing, heard: Collection[str]) -> list[Label]:
    """New words on samples of closed rounds: those whose corrected answers now say otherwise.

    heard : samples on which this round's own answers say something anyway
    """
    changed = {name: n for name, n in _samples(standing).items() if name not in heard}
    words = answers.last_words(answers.on_labels(answers.read(standing)))
    config = standing.config
    judged = answers.verdicts(words, asked.wanted(standing), changed, config.classes, config.accept)
    present = {label.sample: label for label in read_holdout(standing.campaign)}
    present |= read_all_labels(standing.campaign)
    says = _reader(standing)
    found = []
    for sample, number in changed.items():
        source = f"{_mark(standing)}{number}"
        verdict = judged.get(sample)
        new = answers.label(sample, verdict, source) if verdict else _withdrawn(sample, source)
        if sample not in present or says(new) != says(present[sample]):
            found.append(new)
    return found


def _samples(standing: Standing) -> dict[str, int]:
    """The samples whose answers were corrected, and the last round whose were."""
    tasks = corrections.watched(standing)
    changed = [tasks[c.key] for c in corrections.read(standing) if c.annotation is not None]
    in_order = sorted((number, task.sample) for number, task in changed if task.kind != GOLD)
    return {sample: number for number, sample in in_order}


def _withdrawn(sample: str, source: str) -> Label:
    return Label(sample, None, WITHDRAWN, source=source)


def _reader(standing: Standing) -> Callable[[Label], tuple[str | None, str | None, bool]]:
    """What tells two verdicts apart. A removed class is unknown to new ones, which is the same."""
    table = counted_as(read_migrations(standing.campaign))
    gone = {unknown_class(x): removed_class(x) for x, now in table.items() if now is None}
    return lambda each: (each.label, gone.get(each.reason or "", each.reason), each.adjudicate)


def _mark(standing: Standing) -> str:
    return f"round {standing.number}, correction of round "


# --- what is said --------------------------------------------------------------------------


def revised(standing: Standing, found: Iterable[Label]) -> list[Label]:
    """Those labels that this round's corrections made."""
    return [label for label in found if label.source.startswith(_mark(standing))]


def figures(standing: Standing) -> dict[str, int]:
    """The value of `corrections` in `metrics.json`: changes by kind, labels that they changed."""
    campaign = standing.campaign
    kinds = Counter(COUNTED[c.what] for c in corrections.read(standing))
    written = [*read_labels(campaign.label_file(standing.number)), *read_labels(campaign.holdout)]
    counts = {name: kinds[name] for name in COUNTED.values()}
    return {**counts, "labels": len(revised(standing, written))}


def told(found: Mapping[str, int] | None) -> str:
    """A line on the changes that a round found; empty if none, or if it did not look."""
    if not found or not any(found.values()):
        return ""
    words = {"edited": "edited", "added": "added", "deleted": "deleted", "tasks": "tasks deleted"}
    parts = [f"{text} {found[name]}" for name, text in words.items() if found[name]]
    return (
        f"corrections of closed rounds: {', '.join(parts)}; labels changed {found['labels']}; each"
        " stands in corrections.jsonl of the round that found it"
    )
