"""The commands of the cycle: run, open, collect, close, cancel, stage, status."""

import json
from pathlib import Path
from typing import Any

import click

from labelcycle.cli.campaign_option import campaign_in, flows_of
from labelcycle.cli.next_line import say_next
from labelcycle.core.counted_nouns import counted
from labelcycle.stages import declaration


@click.command()
@click.pass_obj
def run(root: Path) -> None:
    """Do whatever is due, up to where people are needed. Safe to repeat at any time.

    In a new clone, it first does what `labelcycle resume` does.
    """
    from labelcycle.adapters import git
    from labelcycle.cycle import resume_campaign

    git.check_usable(root)
    campaign = campaign_in(root)
    if resume_campaign.due(campaign):
        resume_campaign.resume(campaign, click.echo)
    flows_of(root).run(str(root))
    say_next(root)


@click.command("open")
@click.pass_obj
def open_round(root: Path) -> None:
    """Open the next round: bring the stages up to date, hand the selection to annotators."""
    flows_of(root).open_now(str(root))
    say_next(root)


@click.command()
@click.pass_obj
def collect(root: Path) -> None:
    """Look at the open round, and close it if every task has an answer or a skip.

    After `close.deadline_hours`, a share of `close.quorum` of the tasks is enough.
    """
    flows_of(root).collect_now(str(root))
    say_next(root)


@click.command()
@click.option("--incomplete", is_flag=True, help="Close though tasks are unanswered.")
@click.pass_obj
def close(root: Path, incomplete: bool) -> None:
    """Close the round: take answers back, train, evaluate, commit, tag.

    With --incomplete, nobody is asked about unanswered tasks any more, and their samples return to
    the pool. Every answer given counts.
    """
    flows = flows_of(root)
    if incomplete:
        flows.end_early(str(root), "incomplete")
    else:
        flows.close_now(str(root))
    say_next(root)


@click.command()
@click.option("--reason", default="", help="Why, for the record.")
@click.option(
    "--abandon",
    is_flag=True,
    help="Its project is gone from the backend: keep the answers that looks have seen.",
)
@click.pass_obj
def cancel(root: Path, reason: str, abandon: bool) -> None:
    """End the round without training: nobody is asked any more, answers given are kept."""
    flows_of(root).end_early(str(root), "cancel", reason, abandon)
    say_next(root)


@click.command()
@click.argument("tag", help="Tag of the round, such as round/003.")
@click.option(
    "--answers",
    type=click.Choice(["use", "apart"]),
    required=True,
    help="use: later answers count on, as labels; apart: they are kept, and do not count.",
)
@click.option("--reason", default="", help="Why, for the record.")
@click.pass_obj
def rollback(root: Path, tag: str, answers: Any, reason: str) -> None:
    """Have the campaign stand again where a round was closed. Nothing is deleted.

    Settings, classes, the images that count, encoder and model become those of then. A round at
    work is given up, and its answers are recorded. The later rounds stay readable under their tags,
    and their numbers are not used again. Killed at any point, the same command goes on.
    """
    flows_of(root).roll_back(str(root), tag, answers, reason)
    say_next(root)


@click.command()
@click.argument("name", type=click.Choice(declaration.names()), help="The stage.")
@click.pass_obj
def stage(root: Path, name: str) -> None:
    """Run one pure stage here, as DVC calls it."""
    from labelcycle.cli.pretrain_curves import watcher
    from labelcycle.cli.progress_bar import shown
    from labelcycle.cycle.run_stage import run_stage
    from labelcycle.nn import process_rank

    campaign_in(root)
    if process_rank.own() is None:  # else whoever started the processes has said it
        click.echo(f"{name}: {declaration.find(name).doing}", err=True)
    watch = watcher(name, root)
    with shown(name) as show:

        def both(step: Any) -> None:
            show(step)
            if watch:
                watch(step)

        run_stage(name, root, both)


@click.command("ask-again")
@click.option(
    "--reason",
    "words",
    multiple=True,
    type=click.Choice(["none of these", "several of these", "cannot be judged", "no reason"]),
    help="Only what was skipped for this reason; may be given several times.",
)
@click.pass_obj
def ask_again(root: Path, words: tuple[str, ...]) -> None:
    """Have skipped samples asked again, as after a class was added.

    The next rounds ask them beyond the budget, with the adjudications. `push.adjudicate` says how
    many of both a round asks at most.
    """
    from labelcycle.adapters import git, lock
    from labelcycle.rounds import lease, skipped_samples, snapshots

    git.check_usable(root)
    campaign = campaign_in(root)
    with lock.exclusive(campaign.lock), lease.held(campaign, click.echo):
        reasons = skipped_samples.reasons_of(words)
        found = skipped_samples.ask_again(snapshots.read(root), reasons, snapshots.present_time())
    asked = counted(len(found), "skipped sample is", "skipped samples are")
    click.echo(f"{asked} asked again when the next round opens")
    say_next(root)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def status(root: Path, as_json: bool) -> None:
    """Rounds, states, labels in and wanted, accuracy with its interval, what to do next."""
    from labelcycle.cycle import campaign_status, status_text
    from labelcycle.rounds import snapshots

    campaign_in(root)
    report = campaign_status.status(snapshots.read(root))
    text = json.dumps(report.as_json(), indent=2) if as_json else status_text.as_text(report)
    click.echo(text)


COMMANDS = (run, open_round, collect, close, cancel, rollback, ask_again, stage, status)
"""In the order of `labelcycle --help`."""
