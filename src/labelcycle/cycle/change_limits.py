"""Whether a close may go on, or somebody has to look at what was changed in answers first.

A person who corrects a few answers is welcome. Many changed labels, or a changed hold-out, are an
accident or an attack more often, and each later round would be measured by them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from labelcycle.campaign import round_states
from labelcycle.campaign.labels import read_all_labels, read_holdout
from labelcycle.campaign.store import OWNED
from labelcycle.config import CloseOptions
from labelcycle.errors import StateError
from labelcycle.rounds import (
    authors,
    corrected_labels,
    correction_decisions,
    corrections,
    pushed_tasks,
)
from labelcycle.rounds.changed_answers import Compared
from labelcycle.rounds.corrections import Correction
from labelcycle.rounds.pushed_tasks import GOLD, HOLDOUT
from labelcycle.rounds.snapshots import Snapshot

WHAT_NEXT = (
    "look at them with `labelcycle corrections`; `labelcycle corrections accept --all` lets the"
    " close go on with them, `labelcycle corrections reject --all` without them"
)


@dataclass(frozen=True)
class Harm:
    """How much a close would change, or lose, that nobody has decided on.

    labels, holdout : how many, those of the hold-out alone; of : of how many in all
    by : how many changes of each person
    """

    labels: int
    holdout: int
    of: int
    by: Counter[str]

    def beyond(self, options: CloseOptions) -> bool:
        """True if that is more than the settings allow without a person's word."""
        many = self.labels > options.most_changed and self.labels > options.share_changed * self.of
        return many or self.holdout > options.most_changed_holdout


def check(snapshot: Snapshot, found: Compared) -> None:
    """Raise StateError if `found` changes more labels than may change without a person's word.

    Or if so many answers of the round at work do not count that it would lose as much.
    """
    options = snapshot.config.close
    changed = _changed(snapshot, found)
    if changed.beyond(options):
        raise StateError(
            f"round {snapshot.number} is not closed: corrections of closed rounds would change"
            f" {changed.labels} of {changed.of} labels, {changed.holdout} of them in the hold-out,"
            f" by {people(changed.by)}; wanted {_limits(options)}; {WHAT_NEXT}"
        )
    lost = _lost(snapshot, found)
    if lost.beyond(options):
        raise StateError(
            f"round {snapshot.number} is not closed: of {lost.labels} of its {lost.of} tasks no"
            f" answer counts, {lost.holdout} of them of the hold-out, for their answers wait,"
            f" changed by {people(lost.by)}; wanted {_limits(options)}; {WHAT_NEXT}"
        )


def _limits(options: CloseOptions) -> str:
    return (
        f"at most {options.most_changed} (close.most_changed) or {options.share_changed:.0%}"
        f" (close.share_changed), and {options.most_changed_holdout} of the hold-out"
        " (close.most_changed_holdout)"
    )


def _changed(snapshot: Snapshot, found: Compared) -> Harm:
    """The labels of closed rounds that become others by corrections nobody has decided on."""
    pending = found.pending(snapshot)
    tasks = corrections.watched(snapshot)
    decided = correction_decisions.read(snapshot)
    open_ = [c for c in pending.changes if c.key in tasks and _undecided(c, decided)]
    present = {x.sample: x for x in read_holdout(snapshot.campaign)}
    held = present.keys() & {t.sample for _, t in tasks.values() if t.kind == HOLDOUT}
    present |= read_all_labels(snapshot.campaign)
    counting = {name for name, x in present.items() if x.label is not None and x.source != OWNED}
    samples = {tasks[c.key][1].sample for c in open_} & counting
    new = corrected_labels.labels(snapshot, (), pending) if samples else []
    other = {x.sample for x in new if x.sample in samples and x.label != present[x.sample].label}
    by = Counter(c.by for c in open_ if tasks[c.key][1].sample in other)
    return Harm(len(other), len(other & held), len(counting), by)


def _undecided(change: Correction, decided: Iterable[str]) -> bool:
    return change.state == "counts" and change.version not in decided


def _lost(snapshot: Snapshot, found: Compared) -> Harm:
    """The tasks of the round at work of which only answers are there that wait."""
    if not (snapshot.folder / round_states.PUSHED).exists():
        return Harm(0, 0, 0, Counter())
    tasks = {t.key: t for t in pushed_tasks.tasks(snapshot) if t.kind != GOLD}
    heard = {record["key"] for record in found.answers}
    waiting = [c for c in found.changes if c.state == "waits" and c.key in tasks.keys() - heard]
    keys = {c.key for c in waiting}
    held = sum(tasks[key].kind == HOLDOUT for key in keys)
    return Harm(len(keys), held, len(tasks), Counter(c.by for c in waiting))


def people(by: Counter[str]) -> str:
    """Who made how many changes."""
    return ", ".join(f"{authors.named(who)} ({n})" for who, n in by.most_common())
