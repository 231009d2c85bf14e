"""The commands `labelcycle corrections ...`: changed answers, and whether they count."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from labelcycle.cli.campaign_option import campaign_in
from labelcycle.cli.next_line import say_next
from labelcycle.core.counted_nouns import counted

if TYPE_CHECKING:
    from labelcycle.campaign.records.answer_record import Answer
    from labelcycle.campaign.records.correction_record import Correction, Decision

HEAD = ("id", "round", "sample", "done", "by", "answer of", "was", "is", "now")
STATES = {"counts": "counts at the close", "waits": "waits", "rejected": "rejected"}


@click.group(invoke_without_command=True)
@click.pass_context
def corrections(context: click.Context) -> None:
    """Answers that were changed after they counted, or by somebody else than their annotator.

    Also those to tasks that showed another image than was pushed, or another pre-annotation.
    Without a command they are listed, as they are in the annotation backend now. What waits does
    not count until it is accepted. An author's own corrections count without a word, unless there
    are so many that the close stops (close.most_changed and the settings below it in params.yaml).
    """
    if context.invoked_subcommand is None:
        _print(context.obj)


def _choosing(command: "click.decorators.FC") -> "click.decorators.FC":
    """The arguments that say which corrections are meant."""
    for add in (
        click.option("--by", "people", multiple=True, help="Those of this annotator, by number."),
        click.option("--all", "every", is_flag=True, help="All that nobody has decided on."),
        click.argument("ids", nargs=-1, metavar="ID...", help="Those with these numbers."),
    ):
        command = add(command)
    return command


@corrections.command()
@_choosing
@click.pass_obj
def accept(root: Path, ids: tuple[str, ...], every: bool, people: tuple[str, ...]) -> None:
    """Let corrections count from the next close on."""
    _decide(root, "accept", ids, every, people)


@corrections.command()
@_choosing
@click.pass_obj
def reject(root: Path, ids: tuple[str, ...], every: bool, people: tuple[str, ...]) -> None:
    """Keep the answers as they were. What the annotation backend holds stays as it is."""
    _decide(root, "reject", ids, every, people)


def _decide(
    root: Path,
    decision: "Decision",
    ids: Collection[str],
    every: bool,
    people: Collection[str],
) -> None:
    """Write down the decision on those that are meant."""
    from labelcycle.adapters import git, lock
    from labelcycle.cycle import round_closing
    from labelcycle.errors import DataError
    from labelcycle.rounds import correction_decisions, lease, pushed_tasks, snapshots

    if not (ids or every or people):
        raise click.UsageError("name corrections by their ids, or say --all or --by ANNOTATOR")
    git.check_usable(root)
    campaign = campaign_in(root)
    with lock.exclusive(campaign.lock), lease.held(campaign, click.echo):
        snapshot = snapshots.ready(root)
        changes = [
            c
            for c in round_closing.changes(snapshot, pushed_tasks.backend(snapshot))
            if c.annotation
        ]
        unknown = sorted(set(ids) - {c.id for c in changes})
        if unknown:
            raise DataError(
                f"no correction {', '.join(unknown)}; wanted ids that `labelcycle corrections`"
                " lists: an answer that was changed once more has a new one"
            )
        decided = correction_decisions.read(snapshot)
        chosen = [
            c
            for c in changes
            if c.id in ids or (c.id not in decided and (every or c.by.removesuffix("?") in people))
        ]
        correction_decisions.write(snapshot, chosen, decision)
    words = {
        "accept": ("correction accepted: it counts", "corrections accepted: they count"),
        "reject": (
            "correction rejected: it does not count",
            "corrections rejected: they do not count",
        ),
    }
    text = counted(len(chosen), *words[decision])
    click.echo(f"{text} when round {snapshot.number} closes")
    if chosen:
        say_next(root)


def _print(root: Path) -> None:
    from labelcycle.adapters import git
    from labelcycle.cycle import round_closing
    from labelcycle.rounds import pushed_tasks, snapshots

    git.check_usable(root)
    campaign_in(root)
    snapshot = snapshots.read(root)
    backend = pushed_tasks.backend(snapshot)
    changes = [c for c in round_closing.changes(snapshot, backend) if c.annotation]
    if not changes:
        click.echo("no answer differs from what is recorded")
        return
    people = backend.accounts()
    rows = [HEAD, *(_row(change, people) for change in changes)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
    click.echo("\n`labelcycle corrections accept ID...` or `reject ID...`; --all for all of them")


def _row(change: "Correction", people: Mapping[str, str]) -> Sequence[str]:
    who = change.by.removesuffix("?")
    return (
        change.id,
        str(change.round),
        change.key.rpartition("/")[2],
        f"{change.what}, task altered" if change.misled else change.what,
        _person(who, people) + change.by[len(who) :],
        _person(change.of, people),
        _content(change.before),
        _content(change.after),
        STATES[change.state],
    )


def _person(who: str, people: Mapping[str, str]) -> str:
    return f"{who} ({people[who]})" if who in people else who


def _content(answer: "Answer | None") -> str:
    from labelcycle.core.consensus import cut

    if answer is None:
        return "-"
    if answer.skipped:
        return "skipped"
    text = ", ".join(answer.labels)
    return cut(text if text.isprintable() else repr(text)) or "nothing"


COMMANDS = (corrections,)
"""In the order of `labelcycle --help`."""
