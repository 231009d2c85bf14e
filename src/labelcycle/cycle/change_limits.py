"""Whether a close may go on, or somebody has to look at what was changed in answers first.

A person who corrects a few answers is welcome. Many changed labels, or a changed hold-out, are an
accident or an attack more often, and each later round would be measured by them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import OWNED
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.pushed_record import GOLD, HOLDOUT
from labelcycle.config import CloseOptions
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import StateError
from labelcycle.rounds import (
    authors,
    campaign_history,
    corrected_labels,
    correction_decisions,
    corrections,
)
from labelcycle.rounds.campaign_history import History
from labelcycle.rounds.changed_answers import Compared
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


def check(snapshot: Snapshot, compared: Compared) -> None:
    """Raise StateError if `compared` changes more labels than may change without a person's word.

    Or if so many answers of the round at work do not count that it would lose as much.
    """
    options = snapshot.config.close
    changed = _changed(snapshot, compared)
    if changed.beyond(options):
        raise StateError(
            f"round {snapshot.number} is not closed: corrections of closed rounds would change"
            f" {changed.labels} of {counted(changed.of, 'label')}, {changed.holdout} of them in"
            f" the hold-out, by {people(changed.by)}; wanted {_limits(options)}; {WHAT_NEXT}"
        )
    lost = _lost(snapshot, compared)
    if lost.beyond(options):
        raise StateError(
            f"round {snapshot.number} is not closed: of {lost.labels} of its"
            f" {counted(lost.of, 'task')} no"
            f" answer counts, {lost.holdout} of them of the hold-out, for their answers wait,"
            f" changed by {people(lost.by)}; wanted {_limits(options)}; {WHAT_NEXT}"
        )


def _limits(options: CloseOptions) -> str:
    return (
        f"at most {options.most_changed} (close.most_changed) or {options.share_changed:.0%}"
        f" (close.share_changed), and {options.most_changed_holdout} of the hold-out"
        " (close.most_changed_holdout)"
    )


def corrected(snapshot: Snapshot, history: History, changes: Iterable[Correction]) -> list[Label]:
    """The labels of closed rounds that become others by changes the round at work found.

    history : with the answers that count after the changes
    """
    config = snapshot.config
    return corrected_labels.labels(
        snapshot.number,
        changes,
        corrections.watched(snapshot),
        history.answers,
        history.labels,
        history.wanted,
        config.classes,
        config.accept,
        history.table,
    )


def _changed(snapshot: Snapshot, compared: Compared) -> Harm:
    """The labels of closed rounds that become others by corrections nobody has decided on."""
    pending = compared.pending(snapshot)
    tasks = corrections.watched(snapshot)
    decided = correction_decisions.read(snapshot)
    open_ = [c for c in pending.changes if c.key in tasks and _undecided(c, decided)]
    holdout = {label.sample: label for label in snapshot.records.holdout()}
    held = holdout.keys() & {t.sample for _, t in tasks.values() if t.kind == HOLDOUT}
    present = holdout | snapshot.records.labels()
    counting = {name for name, x in present.items() if x.label is not None and x.source != OWNED}
    samples = {tasks[c.key][1].sample for c in open_} & counting
    labels: list[Label] = []
    if samples:
        history = campaign_history.read(snapshot, pending)
        labels = corrected(snapshot, history, pending.changes)
    other = {x.sample for x in labels if x.sample in samples and x.label != present[x.sample].label}
    by = Counter(c.by for c in open_ if tasks[c.key][1].sample in other)
    return Harm(len(other), len(other & held), len(counting), by)


def _undecided(change: Correction, decided: Iterable[str]) -> bool:
    return change.state == "counts" and change.id not in decided


def _lost(snapshot: Snapshot, compared: Compared) -> Harm:
    """The tasks of the round at work of which only answers are there that wait."""
    if not snapshot.records.has(snapshot.number, round_states.PUSHED):
        return Harm(0, 0, 0, Counter())
    pushed = snapshot.records.pushed(snapshot.number)
    tasks = {task.key: task for task in pushed.tasks if task.kind != GOLD}
    heard = {answer.key for answer in compared.answers}
    waiting = [c for c in compared.changes if c.state == "waits" and c.key in tasks.keys() - heard]
    keys = {change.key for change in waiting}
    held = sum(tasks[key].kind == HOLDOUT for key in keys)
    return Harm(len(keys), held, len(tasks), Counter(change.by for change in waiting))


def people(by: Counter[str]) -> str:
    """Who made how many changes."""
    return ", ".join(f"{authors.named(who)} ({n})" for who, n in by.most_common())
