"""The steps that close a round: answers, labels, metrics, the commit and tag `round/NNN`."""

import datetime
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.adapters.ports import AnnotationBackend, AnnotationProgress
from labelcycle.campaign import layout, round_states
from labelcycle.campaign.campaign_paths import OWNED
from labelcycle.campaign.label_files import write_labels
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.ending_record import Ending, How
from labelcycle.campaign.records.metrics_record import Evaluation, Metrics
from labelcycle.campaign.records.pushed_record import (
    ADJUDICATION,
    HOLDOUT,
    SELECTED,
    PushedTask,
)
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.round_states import State
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import change_limits
from labelcycle.cycle.round_opening import asked_schema, check_files
from labelcycle.errors import StateError
from labelcycle.people import people_figures, preannotation
from labelcycle.rounds import (
    altered_tasks,
    answer_journal,
    answers,
    campaign_history,
    changed_answers,
    corrected_labels,
    correction_decisions,
    corrections,
    pushed_tasks,
)
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.corrections import PulledRound
from labelcycle.rounds.snapshots import RESULTS, Snapshot, present_time, record_digests
from labelcycle.stages import declaration

HELD = ("accept", *declaration.sections_behind(declaration.CLOSING))
"""Sections of params.yaml that steer what is computed when a round closes."""
FREE = ("rounds", "open_next", "name", "instruction")
"""Keys of `campaign` that do not."""


def check_settings(snapshot: Snapshot, opened: Mapping[str, Any]) -> None:
    """Raise StateError if what steers the close is not as it was when the round opened.

    That is settings, and the files they name; to cancel a round, the files do not matter.

    opened : the settings as committed in `open/NNN`, as plain values
    """
    present = snapshot.config.model_dump(mode="json")
    changed = [
        f"{section}.{key}"
        for section in HELD
        for key, value in present[section].items()
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
    tasks = pushed_tasks.tasks(snapshot)
    wanted = {task.key: task.wanted for task in tasks}
    project = _project(snapshot)
    progress = backend.progress(project, pushed_tasks.ids(tasks), wanted)
    _put_right(snapshot, backend, project, tasks)
    answer_journal.note(snapshot, backend, project, progress.marks)
    return progress


def _put_right(
    snapshot: Snapshot, backend: AnnotationBackend, project: int, tasks: Collection[PushedTask]
) -> None:
    """Write down which of `tasks` show something else than was pushed, and put them right."""
    pushed = {task.key: task.display for task in tasks if task.display}
    ids = {key: number for key, number in pushed_tasks.ids(tasks).items() if key in pushed}
    displayed = backend.displayed(project, ids) if ids else {}
    differences = altered_tasks.differing(pushed, displayed)
    if not differences:
        return
    until = datetime.datetime.now(datetime.UTC) + altered_tasks.OPEN_IN_A_BROWSER
    readable = {key: altered_tasks.readable(names) for key, names in differences.items()}
    answer_journal.note_altered(snapshot, readable, until.isoformat(timespec="seconds"))
    backend.restore(project, ids, {key: pushed[key] for key in differences})


def check_page(snapshot: Snapshot, backend: AnnotationBackend) -> None:
    """Raise ServiceRefused if people are asked something else than when the round was pushed."""
    backend.check_schema(_project(snapshot), asked_schema(snapshot))


def end_early(snapshot: Snapshot, how: How, reason: str = "", abandon: bool = False) -> None:
    """Write `ending.json`: from here on the round is being ended, by `how`.

    how : `incomplete`, `deadline`, or `cancel`
    abandon : its tasks are gone from the backend; end it without asking there
    """
    ending = Ending(how=how, reason=reason, abandon=abandon, at=present_time())
    ending.write(snapshot.folder / round_states.ENDING)


def ending(snapshot: Snapshot) -> How | None:
    """How the round is being ended early, or None."""
    record = snapshot.records.ending(snapshot.number)
    return record.how if record else None


def _abandoned(snapshot: Snapshot) -> bool:
    record = snapshot.records.ending(snapshot.number)
    return record is not None and record.abandon


def pull(snapshot: Snapshot, backend: AnnotationBackend) -> None:
    """Write `annotations.jsonl`: the answers to the round's tasks, and late ones to the hold-out.

    Before it `corrections.jsonl`, of the same snapshot: what was changed in closed rounds, and
    what somebody else than the annotator changed in this one. A round that is being ended early
    asks nobody any more first. One whose project is gone keeps the answers that looks have seen.
    Raises StateError if the round is not complete, or if somebody has to look at changes first.
    """
    if _abandoned(snapshot):
        answers_known = list(answer_journal.read(snapshot).known.values())
        _record(snapshot, PulledRound(snapshot.number, answers_known, ()))
        return
    project, own_ids = _project(snapshot), pushed_tasks.ids(pushed_tasks.tasks(snapshot))
    check_page(snapshot, backend)
    late = pushed_tasks.ids(_open_holdout(snapshot))
    everything = {**_closed(snapshot), **late, **own_ids}
    if ending(snapshot):
        backend.withdraw(project, own_ids)
        _put_right(snapshot, backend, project, _tasks(snapshot))
        pulled = backend.pull(project, everything, optional=everything)
    else:
        far = progress(snapshot, backend)
        if not far.done:
            raise StateError(
                f"round {snapshot.number} is not complete: wanted an answer or a skip for each of"
                f" {counted(far.tasks, 'task')}, got {far.done_tasks};"
                " wait, or run `labelcycle close --incomplete`"
            )
        _put_right(snapshot, backend, project, _tasks(snapshot))
        pulled = backend.pull(project, everything, optional=everything.keys() - own_ids.keys())
    compared = changed_answers.compare(snapshot, backend, pulled, late)
    change_limits.check(snapshot, compared)
    backend.tidy(project, _withdrawn(snapshot, pulled))
    _record(snapshot, compared.pending(snapshot))


def changes(snapshot: Snapshot, backend: AnnotationBackend) -> list[Correction]:
    """Every change of answers there is now, those too that wait or were rejected."""
    place = pushed_tasks.last_place(snapshot)
    if place is None:
        return []
    late, own_ids = pushed_tasks.ids(_open_holdout(snapshot)), {}
    if snapshot.state in (State.OPEN, State.ENDING):
        own_ids = pushed_tasks.ids(pushed_tasks.tasks(snapshot))
    everything = {**_closed(snapshot), **late, **own_ids}
    _put_right(snapshot, backend, place[1], _tasks(snapshot))
    pulled = backend.pull(place[1], everything, optional=everything)
    return changed_answers.compare(snapshot, backend, pulled, late).changes


def _tasks(snapshot: Snapshot) -> list[PushedTask]:
    """All tasks of the project of now: the round's own, and those of closed ones."""
    asked = snapshot.records.has(snapshot.number, round_states.PUSHED)
    own = pushed_tasks.tasks(snapshot) if asked else ()
    return [*own, *(task for _, task in corrections.watched(snapshot).values())]


def _closed(snapshot: Snapshot) -> dict[str, int]:
    return pushed_tasks.ids(task for _, task in corrections.watched(snapshot).values())


def _withdrawn(snapshot: Snapshot, pulled: Iterable[Answer]) -> dict[str, int]:
    """Tasks of earlier rounds that were withdrawn a while ago, and that nobody has answered."""
    recorded = corrections.corrected(corrections.pulled(snapshot))
    heard = {answer.key for answer in pulled} | {answer.key for _, answer in recorded}
    apart = set(pushed_tasks.pushed_rounds(snapshot, every=True)) - snapshot.lineage.counting
    for number in apart - {snapshot.number}:
        heard |= {answer.key for answer in snapshot.records.answers(number)}
    before = datetime.datetime.now(datetime.UTC) - altered_tasks.OPEN_IN_A_BROWSER
    old = {
        number
        for number in pushed_tasks.pushed_rounds(snapshot, every=True)
        if (record := snapshot.records.ending(number))
        and datetime.datetime.fromisoformat(record.at) < before
    }
    tasks = corrections.watched(snapshot, every=True).values()
    return {t.key: t.task for number, t in tasks if number in old and t.key not in heard}


def _record(snapshot: Snapshot, pulled: PulledRound) -> None:
    """Write both; the answers last, for they say that the pull is done."""
    write_lines(snapshot.folder / round_states.CORRECTIONS, pulled.changes)
    write_lines(snapshot.folder / round_states.ANNOTATIONS, pulled.answers)


def accept(snapshot: Snapshot) -> None:
    """Write the labels that answers and corrections make: the hold-out's, then the pool's."""
    campaign, config, number = snapshot.campaign, snapshot.config, snapshot.number
    history = campaign_history.read(snapshot)
    asked = {t.sample for t in history.own_tasks if t.kind in (SELECTED, ADJUDICATION)}
    asked |= {task.sample for task in _open_holdout(snapshot)}
    fresh = answers.labels(
        number, history.answers, history.wanted, asked, config.classes, config.accept
    )
    heard = {label.sample for label in fresh}
    changes = snapshot.records.corrections(number)
    corrected = change_limits.corrected(snapshot, history, changes)
    fresh += [label for label in corrected if label.sample not in heard]
    held = {sample.id for sample in snapshot.records.samples("holdout")}
    holdout = {label.sample: label for label in snapshot.records.holdout_as_written()}
    holdout |= {label.sample: label for label in fresh if label.sample in held}
    write_labels(campaign.holdout, holdout.values())
    written = (label for label in fresh if label.sample not in held)
    write_labels(campaign.label_file(number), written)


def version_labels(snapshot: Snapshot) -> None:
    """Put labels and hold-out answers under DVC where no stage runs that has DVC do so."""
    campaign = snapshot.campaign
    commands.add(campaign.root, [layout.LABELS, layout.HOLDOUT])


def measure(snapshot: Snapshot) -> None:
    """Write `metrics.json`, the last file of the round, with the digests of all others."""
    campaign, config, number = snapshot.campaign, snapshot.config, snapshot.number
    records, how = snapshot.records, ending(snapshot)
    plan, history = records.plan(number), campaign_history.read(snapshot)
    tasks = history.own_tasks
    written, holdout = records.labels_of(number), records.holdout()
    corrected = corrected_labels.revised(number, written)
    own_labels = [label for label in written if label not in corrected]
    selected = {task.sample for task in tasks if task.kind == SELECTED}
    everything = records.labels().values()
    labels = sum(label.label is not None for label in everything)
    evaluation = Evaluation(labels=labels) if how == "cancel" else Evaluation.read(campaign.metrics)
    measured = {name: value for name, value in vars(evaluation).items() if name != "labels"}
    metrics = Metrics(
        **measured,
        round=number,
        strategy=plan.strategy,
        budget=plan.budget,
        labels=labels,
        accepted=sum(label.label is not None for label in own_labels),
        rejected=sum(label.label is None for label in own_labels),
        tasks=len(tasks),
        undone=undone(tasks, history.answers),
        returned=len(selected - {label.sample for label in own_labels}),
        bought=sum(label.source != OWNED for label in everything) + len(holdout),
        ended=how or "complete",
        cancelled=how == "cancel",
        people=people_figures.figures(history, config),
        preannotation=preannotation.figures(history, config),
        corrections=corrected_labels.figures(
            number,
            records.corrections(number),
            [*written, *holdout],
            correction_decisions.undecided(snapshot),
        ),
        closed=present_time(),
        digests=record_digests(campaign, number),
    )
    metrics.write(snapshot.folder / round_states.METRICS)


def undone(tasks: Iterable[PushedTask], given: Iterable[CountedAnswer]) -> int:
    """How many tasks fewer people than wanted have answered or skipped."""
    heard = {(answer.key, answer.annotator) for answer in given}
    people = Counter(key for key, _ in heard)
    return sum(people[task.key] < task.wanted for task in tasks)


def close(snapshot: Snapshot) -> None:
    """Commit, push the data to the remote if there is one, and tag `round/NNN`."""
    root, number = snapshot.campaign.root, snapshot.number
    metrics = snapshot.records.metrics(number)
    accuracy = f"accuracy {metrics.accuracy.value:.3f}" if metrics.accuracy else "no accuracy"
    corrections_line = corrected_labels.summary_line(metrics.corrections)
    message = f"Close round {number}: {counted(metrics.labels, 'label')}, {accuracy}"
    message += f"\n\n{corrections_line}" if corrections_line else ""
    git.commit(root, RESULTS, message)
    if commands.has_remote(root):
        commands.push(root)
    git.tag(root, round_states.round_tag(number), message)


# --- answers -------------------------------------------------------------------------------


def _project(snapshot: Snapshot) -> int:
    return snapshot.records.pushed(snapshot.number).project


def _open_holdout(snapshot: Snapshot) -> list[PushedTask]:
    """Tasks of the hold-out in this round's project that have no verdict, or await another."""
    known = {label.sample for label in snapshot.records.holdout() if not label.adjudicate}
    place = pushed_tasks.last_place(snapshot)
    return [
        task
        for number in pushed_tasks.pushed_rounds(snapshot)
        if snapshot.records.pushed(number).place == place
        for task in pushed_tasks.tasks(snapshot, number)
        if task.kind == HOLDOUT and task.sample not in known
    ]
