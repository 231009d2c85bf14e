"""The steps that close a round: answers, labels, metrics, the commit and tag `round/NNN`."""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.adapters.ports import AnnotationBackend, AnnotationProgress, Answer
from labelcycle.campaign import layout, round_states
from labelcycle.campaign.labels import read_all_labels, read_holdout
from labelcycle.campaign.round_states import State
from labelcycle.campaign.store import (
    OWNED,
    read_json,
    read_labels,
    read_samples,
    write_json,
    write_jsonl,
    write_labels,
)
from labelcycle.cycle import change_limits
from labelcycle.cycle.round_opening import asked_schema, check_files, present_time
from labelcycle.errors import StateError
from labelcycle.people import figures, preannotation
from labelcycle.rounds import (
    altered_tasks,
    answer_journal,
    answers,
    changed_answers,
    corrected_labels,
    corrections,
    pushed_tasks,
)
from labelcycle.rounds.corrections import Correction, Pending
from labelcycle.rounds.pushed_tasks import ADJUDICATION, HOLDOUT, SELECTED, Asked
from labelcycle.rounds.snapshots import RESULTS, Snapshot, record_digests

HELD = ("campaign", "pretrain", "embed", "accept", "train", "evaluate")
"""Sections of params.yaml that steer what is computed when a round closes."""
FREE = ("rounds", "open_next", "name", "instruction")
"""Keys of `campaign` that do not."""


def check_settings(snapshot: Snapshot, opened: Mapping[str, Any]) -> None:
    """Raise StateError if what steers the close is not as it was when the round opened.

    That is settings, and the files they name; to cancel a round, the files do not matter.

    opened : the settings as committed in `open/NNN`, as plain values
    """
    now_ = snapshot.config.model_dump(mode="json")
    changed = [
        f"{section}.{key}"
        for section in HELD
        for key, value in now_[section].items()
        if value != opened[section][key] and not (section == "campaign" and key in FREE)
    ]
    if changed:
        raise StateError(
            f"params.yaml: {', '.join(changed)} changed while round {snapshot.number} is open;"
            f" wanted the values of {round_states.open_tag(snapshot.number)} until it is closed;"
            " put them back now and change them afterwards"
        )
    if ending(snapshot) != "cancel":
        check_files(snapshot)


def progress(snapshot: Snapshot, backend: AnnotationBackend) -> AnnotationProgress:
    """How far people are with the open round. What they said is written to the journal.

    Before it which tasks show something else than was pushed; these are put right.
    """
    own = pushed_tasks.tasks(snapshot)
    wanted = {task.key: task.wanted for task in own}
    project = _project(snapshot)
    done = backend.progress(project, pushed_tasks.ids(own), wanted)
    altered_tasks.look(snapshot, backend, project, own)
    answer_journal.note(snapshot, backend, project, done.marks)
    return done


def check_page(snapshot: Snapshot, backend: AnnotationBackend) -> None:
    """Raise ServiceRefused if people are asked something else than when the round was pushed."""
    backend.check_schema(_project(snapshot), asked_schema(snapshot))


def end_early(snapshot: Snapshot, how: str, reason: str = "", abandon: bool = False) -> None:
    """Write `ending.json`: from here on the round is being ended, by `how`.

    how : `incomplete`, `deadline`, or `cancel`
    abandon : its tasks are gone from Label Studio; end it without asking there
    """
    record = {"how": how, "reason": reason, "abandon": abandon, "at": present_time()}
    write_json(snapshot.folder / round_states.ENDING, record)


def ending(snapshot: Snapshot) -> str | None:
    """How the round is being ended early, or None."""
    path = snapshot.folder / round_states.ENDING
    return str(read_json(path)["how"]) if path.exists() else None


def _abandoned(snapshot: Snapshot) -> bool:
    path = snapshot.folder / round_states.ENDING
    return path.exists() and bool(read_json(path)["abandon"])


def pull(snapshot: Snapshot, backend: AnnotationBackend) -> None:
    """Write `annotations.jsonl`: the answers to the round's tasks, and late ones to the hold-out.

    Before it `corrections.jsonl`, of the same snapshot: what was changed in closed rounds, and
    what somebody else than the annotator changed in this one. A round that is being ended early
    asks nobody any more first. One whose project is gone keeps the answers that looks have seen.
    Raises StateError if the round is not complete, or if somebody has to look at changes first.
    """
    if _abandoned(snapshot):
        _record(snapshot, Pending([], list(answer_journal.known(snapshot).values())))
        return
    project, own = _project(snapshot), pushed_tasks.ids(pushed_tasks.tasks(snapshot))
    check_page(snapshot, backend)
    late = pushed_tasks.ids(_open_holdout(snapshot))
    everything = {**_closed(snapshot), **late, **own}
    if ending(snapshot):
        backend.withdraw(project, own)
        altered_tasks.look(snapshot, backend, project, _tasks(snapshot))
        given = backend.pull(project, everything, optional=everything)
    else:
        done = progress(snapshot, backend)
        if not done.done:
            raise StateError(
                f"round {snapshot.number} is not complete: wanted an answer or a skip for each of"
                f" {done.tasks} tasks, got {done.answered + done.skipped};"
                " wait, or run `labelcycle close --incomplete`"
            )
        altered_tasks.look(snapshot, backend, project, _tasks(snapshot))
        given = backend.pull(project, everything, optional=everything.keys() - own.keys())
    found = changed_answers.compare(snapshot, backend, given, late)
    change_limits.check(snapshot, found)
    backend.tidy(project, _withdrawn(snapshot, given))
    _record(snapshot, found.pending(snapshot))


def changes(snapshot: Snapshot, backend: AnnotationBackend) -> list[Correction]:
    """Every change of answers there is now, those too that wait or were rejected."""
    last = pushed_tasks.last_place(snapshot)
    if last is None:
        return []
    late, own = pushed_tasks.ids(_open_holdout(snapshot)), {}
    if snapshot.state in (State.OPEN, State.ENDING):
        own = pushed_tasks.ids(pushed_tasks.tasks(snapshot))
    everything = {**_closed(snapshot), **late, **own}
    altered_tasks.look(snapshot, backend, last[1], _tasks(snapshot))
    given = backend.pull(last[1], everything, optional=everything)
    return changed_answers.compare(snapshot, backend, given, late).changes


def _tasks(snapshot: Snapshot) -> list[Asked]:
    """All tasks of the project of now: the round's own, and those of closed ones."""
    own = (
        pushed_tasks.tasks(snapshot)
        if snapshot.number in pushed_tasks.pushed_rounds(snapshot)
        else []
    )
    return [*own, *(task for _, task in corrections.watched(snapshot).values())]


def _closed(snapshot: Snapshot) -> dict[str, int]:
    return pushed_tasks.ids(task for _, task in corrections.watched(snapshot).values())


def _withdrawn(snapshot: Snapshot, given: Iterable[Answer]) -> dict[str, int]:
    """Tasks of earlier rounds that were withdrawn a while ago, and that nobody has answered."""
    heard = {answer.key for answer in given}
    heard |= {record["key"] for record in corrections.corrected(snapshot)}
    before = datetime.datetime.now(datetime.UTC) - altered_tasks.OPEN_IN_A_BROWSER
    old = {
        number
        for number in pushed_tasks.pushed_rounds(snapshot)
        if (path := snapshot.campaign.round(number) / round_states.ENDING).exists()
        and datetime.datetime.fromisoformat(read_json(path)["at"]) < before
    }
    tasks = corrections.watched(snapshot).values()
    return {t.key: t.task for number, t in tasks if number in old and t.key not in heard}


def _record(snapshot: Snapshot, made: Pending) -> None:
    """Write both; the answers last, for they say that the pull is done."""
    changes = corrections.as_records(made.changes)
    write_jsonl(snapshot.folder / round_states.CORRECTIONS, changes)
    write_jsonl(snapshot.folder / round_states.ANNOTATIONS, made.answers)


def accept(snapshot: Snapshot) -> None:
    """Write the labels that answers and corrections make: the hold-out's, then the pool's."""
    campaign = snapshot.campaign
    own = {t.sample for t in pushed_tasks.tasks(snapshot) if t.kind in (SELECTED, ADJUDICATION)}
    late = {task.sample for task in _open_holdout(snapshot)}
    fresh = answers.labels(snapshot, late | own)
    fresh += corrected_labels.labels(snapshot, {label.sample for label in fresh})
    held = {sample.id for sample in read_samples(campaign.samples, "holdout")}
    holdout = {label.sample: label for label in read_labels(campaign.holdout)}
    holdout |= {label.sample: label for label in fresh if label.sample in held}
    write_labels(campaign.holdout, holdout.values())
    written = (label for label in fresh if label.sample not in held)
    write_labels(campaign.label_file(snapshot.number), written)


def version_labels(snapshot: Snapshot) -> None:
    """Put labels and hold-out answers under DVC where no stage runs that has DVC do so."""
    campaign = snapshot.campaign
    commands.add(campaign.root, [layout.LABELS, layout.HOLDOUT])


def measure(snapshot: Snapshot) -> None:
    """Write `metrics.json`, the last file of the round, with the digests of all others."""
    campaign = snapshot.campaign
    plan, how = snapshot.record(round_states.PLAN), ending(snapshot)
    tasks = pushed_tasks.tasks(snapshot)
    selected = {task.sample for task in tasks if task.kind == SELECTED}
    written = read_labels(campaign.label_file(snapshot.number))
    again = corrected_labels.revised(snapshot, written)
    own = [label for label in written if label not in again]
    holdout = read_labels(campaign.holdout)
    everything = read_all_labels(campaign).values()
    write_json(
        snapshot.folder / round_states.METRICS,
        {
            **({"accuracy": None} if how == "cancel" else read_json(campaign.metrics)),
            "round": snapshot.number,
            "strategy": plan["strategy"],
            "budget": plan["budget"],
            "labels": sum(label.label is not None for label in everything),
            "accepted": sum(label.label is not None for label in own),
            "rejected": sum(label.label is None for label in own),
            "tasks": len(tasks),
            "undone": _undone(snapshot, tasks),
            "returned": len(selected - {label.sample for label in own}),
            "bought": sum(label.source != OWNED for label in everything) + len(holdout),
            "ended": how or "complete",
            "cancelled": how == "cancel",
            "people": figures.figures(snapshot),
            "preannotation": preannotation.figures(snapshot),
            "corrections": corrected_labels.figures(snapshot),
            "closed": present_time(),
            "digests": record_digests(campaign, snapshot.number),
        },
    )


def _undone(snapshot: Snapshot, tasks: Iterable[Asked]) -> int:
    """How many tasks fewer people than wanted have answered or skipped."""
    heard = {(reply.key, reply.annotator) for reply in answers.read(snapshot)}
    people = Counter(key for key, _ in heard)
    return sum(people[task.key] < task.wanted for task in tasks)


def close(snapshot: Snapshot) -> None:
    """Commit, push the data to the remote if there is one, and tag `round/NNN`."""
    root, number = snapshot.campaign.root, snapshot.number
    metrics = snapshot.record(round_states.METRICS)
    accuracy = metrics["accuracy"]
    said = f"accuracy {accuracy['value']:.3f}" if accuracy else "no accuracy"
    changed = corrected_labels.told(metrics["corrections"])
    message = f"Close round {number}: {metrics['labels']} labels, {said}"
    message += f"\n\n{changed}" if changed else ""
    git.commit(root, RESULTS, message)
    if commands.has_remote(root):
        commands.push(root)
    git.tag(root, round_states.round_tag(number), message)


# --- answers -------------------------------------------------------------------------------


def _project(snapshot: Snapshot) -> int:
    return int(snapshot.record(round_states.PUSHED)["project"])


def _open_holdout(snapshot: Snapshot) -> list[Asked]:
    """Tasks of the hold-out in this round's project that have no verdict, or await another."""
    known = {x.sample for x in read_holdout(snapshot.campaign) if not x.adjudicate}
    here = pushed_tasks.last_place(snapshot)
    return [
        task
        for number in pushed_tasks.pushed_rounds(snapshot)
        if pushed_tasks.place(snapshot, number) == here
        for task in pushed_tasks.tasks(snapshot, number)
        if task.kind == HOLDOUT and task.sample not in known
    ]
