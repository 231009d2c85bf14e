"""What people see of a round in Prefect and on the terminal."""

import json
import logging
from typing import Any

import click
from prefect.artifacts import Artifact, create_link_artifact, create_table_artifact
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from labelcycle.adapters import annotation
from labelcycle.adapters.mlflow import tracking_uri
from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign.records.metrics_record import Metrics
from labelcycle.core.counted_nouns import counted
from labelcycle.nn.progress import Progress
from labelcycle.people import gold, unknown_classes
from labelcycle.rounds import (
    altered_tasks,
    changed_answers,
    corrected_labels,
    deadline,
    measured_accuracy,
    pushed_tasks,
    skipped_samples,
)
from labelcycle.rounds.snapshots import Snapshot


def say(text: str) -> None:
    """Tell it once: in the log of a served run, else at the terminal."""
    try:
        log = get_run_logger()
    except MissingContextError:
        click.echo(text)
        return
    if log.isEnabledFor(logging.INFO):
        log.info(text)
    else:
        click.echo(text)


def unwatched(step: Progress) -> None:
    """Shows no progress: a served run has no terminal for a bar."""
    del step


def announce(snapshot: Snapshot) -> None:
    """Say that a round is open; link and table of what it asks for."""
    pushed = snapshot.records.pushed(snapshot.number)
    waiting = pushed_tasks.summary_line(pushed.tasks)
    say(f"round {snapshot.number} is open: {waiting} wait for annotators at {pushed.url}")
    create_link_artifact(
        link=pushed.url,
        link_text=f"Round {snapshot.number} in {_title(snapshot)}",
        key=f"round-{snapshot.number:03d}-tasks",
    )
    picks = snapshot.records.selection(snapshot.number).samples
    create_table_artifact(
        table=[
            {"place": pick.rank + 1, "sample": pick.sample, "score": pick.score, **pick.why}
            for pick in picks
        ],
        key=f"round-{snapshot.number:03d}-selection",
        description=f"What round {snapshot.number} asks for, and why",
    )


def progress(snapshot: Snapshot, done: AnnotationProgress) -> None:
    """Say how far annotators are; a table with the link."""
    url = snapshot.records.pushed(snapshot.number).url
    begun = f", {counted(done.partly, 'waits', 'wait')} for another person" if done.partly else ""
    say(f"round {snapshot.number}: {done.summary}{begun}; annotators work at {url}")
    if done.strangers:
        say(
            f"round {snapshot.number}: {counted(done.strangers, 'task')} in the project"
            f" {'is' if done.strangers == 1 else 'are'} not of this campaign (somebody imported"
            " tasks, or pressed Sync on its storage): nobody is asked"
            " about them, their answers do not count, and those without an answer were removed"
        )
    if shown := altered_tasks.summary_line(snapshot):
        say(f"round {snapshot.number}: {shown}")
    if waits := corrected_labels.waiting_line(
        corrected_labels.waiting(changed_answers.seen(snapshot))
    ):
        say(waits)
    _show_table(
        f"round-{snapshot.number:03d}-progress",
        [
            {
                "round": snapshot.number,
                "tasks": done.tasks,
                "done": done.done_tasks,
                "waiting for another person": done.partly,
                "answers and skips": done.given,
                "tasks not of this campaign": done.strangers,
            }
        ],
        f"[Open the tasks in {_title(snapshot)}]({url})",
    )


def closed(snapshot: Snapshot, number: int) -> None:
    """Say what a closed round gave; a table of all rounds so far."""
    metrics = snapshot.records.metrics(number)
    accuracy, people = metrics.accuracy, metrics.people
    held = snapshot.records.plan(number).holdout
    measured = (
        f"accuracy {measured_accuracy.text(accuracy, metrics.holdout, held, metrics.groups)}"
        if accuracy
        else metrics.reason or "no accuracy"
    )
    back = metrics.returned
    returned = f", {counted(back, 'sample')} back in the pool" if back else ""
    say(
        f"round {number} is closed: {counted(metrics.accepted, 'label')} more,"
        f" {metrics.rejected} rejected{returned}; {counted(metrics.labels, 'label')} in all,"
        f" {measured}"
    )
    if early := deadline.summary_line(metrics):
        say(f"round {number} was {early}")
    for line in (
        *gold.summary_lines(people.gold),
        unknown_classes.summary_line(people.no_class),
        *skipped_samples.summary_lines(people, snapshot.config.notify.missing_class),
        corrected_labels.summary_line(metrics.corrections),
        corrected_labels.waiting_line(metrics.corrections.waiting),
    ):
        if line:
            say(line)
    rows = [_row(snapshot.records.metrics(closed_round)) for closed_round in snapshot.closed]
    _show_table("rounds", rows, _so_far(snapshot))


def _row(metrics: Metrics) -> dict[str, Any]:
    """A closed round in the table of rounds."""
    accuracy = metrics.accuracy
    return {
        "round": metrics.round,
        "strategy": metrics.strategy,
        "labels": metrics.labels,
        "accuracy": accuracy and accuracy.value,
        "interval from": accuracy and accuracy.low,
        "interval to": accuracy and accuracy.high,
    }


def _title(snapshot: Snapshot) -> str:
    return annotation.title(snapshot.records.pushed(snapshot.number).backend)


def _show_table(key: str, rows: list[dict[str, Any]], description: str) -> None:
    """Show a table in Prefect, unless its last one of that key is the same.

    A look every few minutes would leave hundreds a day.
    """
    last = Artifact.get(key)
    if (
        isinstance(last, Artifact)
        and last.data == json.dumps(rows)
        and last.description == description
    ):
        return
    create_table_artifact(table=rows, key=key, description=description)


def _so_far(snapshot: Snapshot) -> str:
    """The title of the table of rounds, with the link to their curves."""
    curves = tracking_uri.of_campaign(snapshot.campaign)
    return (
        f"The campaign so far; [its curves in MLflow]({curves})"
        if curves
        else "The campaign so far"
    )
