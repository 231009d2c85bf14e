"""What people see of a round in Prefect and on the terminal."""

from dataclasses import asdict

import click
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger

from labelcycle import rounds
from labelcycle.cycle import asked, deadline, gold, revising, skipping, strays
from labelcycle.cycle.standing import Standing
from labelcycle.ports import Progress


def say(text: str) -> None:
    """Tell the person at the terminal, and the run's log if there is a run."""
    click.echo(text)
    try:
        get_run_logger().info(text)
    except MissingContextError:
        return


def announce(now: Standing) -> None:
    """Say that a round is open; link and table of what it asks for."""
    pushed = now.record(rounds.PUSHED)
    waiting = asked.told(asked.tasks(now))
    say(f"round {now.number} is open: {waiting} wait for annotators at {pushed['url']}")
    create_link_artifact(
        link=pushed["url"],
        link_text=f"Round {now.number} in Label Studio",
        key=f"round-{now.number:03d}-tasks",
    )
    selection = now.record(rounds.SELECTION)["samples"]
    create_table_artifact(
        table=[
            {"rank": s["rank"], "sample": s["sample"], "score": s["score"], **s["why"]}
            for s in selection
        ],
        key=f"round-{now.number:03d}-selection",
        description=f"What round {now.number} asks for, and why",
    )


def progress(now: Standing, done: Progress) -> None:
    """Say how far annotators are; a table with the link."""
    url = now.record(rounds.PUSHED)["url"]
    begun = f", {done.partly} wait for another person" if done.partly else ""
    say(
        f"round {now.number}: {done.answered} answered, {done.skipped} skipped of"
        f" {done.tasks} tasks{begun}; annotators work at {url}"
    )
    create_table_artifact(
        table=[{"round": now.number, **asdict(done)}],
        key=f"round-{now.number:03d}-progress",
        description=f"[Open the tasks in Label Studio]({url})",
    )


def closed(now: Standing, number: int) -> None:
    """Say what a closed round gave; a table of all rounds so far."""
    metrics = now.record(rounds.METRICS, number)
    accuracy = metrics["accuracy"]
    said = (
        f"accuracy {accuracy['value']:.3f} ({accuracy['low']:.3f} to {accuracy['high']:.3f})"
        if accuracy
        else metrics.get("reason", "no accuracy")
    )
    back = metrics["returned"]
    say(
        f"round {number} is closed: {metrics['accepted']} labels more, {metrics['rejected']}"
        f" rejected{f', {back} samples back in the pool' if back else ''};"
        f" {metrics['labels']} labels in all, {said}"
    )
    if early := deadline.told(metrics):
        say(f"round {number} was {early}")
    for line in gold.told(metrics["people"]["gold"]):
        say(line)
    if unknown := strays.told(metrics["people"].get("no_class")):
        say(unknown)
    for line in skipping.told(metrics["people"], now.config.notify.missing_class):
        say(line)
    if changed := revising.told(metrics.get("corrections")):
        say(changed)
    rows = []
    for n in now.closed:
        m = now.record(rounds.METRICS, n)
        value = m["accuracy"] or {}
        rows.append(
            {
                "round": n,
                "strategy": m["strategy"],
                "labels": m["labels"],
                "accuracy": value.get("value"),
                "low": value.get("low"),
                "high": value.get("high"),
            }
        )
    create_table_artifact(table=rows, key="rounds", description="The campaign so far")
