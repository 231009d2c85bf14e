"""The commands about what rounds recorded: export, explain, verify, check."""

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

import click

from labelcycle.cli.campaign_option import GivenPath, GivenText, campaign_in
from labelcycle.core.counted_nouns import counted
from labelcycle.stages import declaration


@click.command()
@click.argument(
    "file", type=GivenPath(dir_okay=False, path_type=Path), help="The CSV file to write, or -."
)
@click.option("--holdout", is_flag=True, help="With the hold-out's labels.")
@click.option(
    "--rejected",
    is_flag=True,
    help="With what was rejected, and why (class names of that time).",
)
@click.option(
    "--raw", is_flag=True, help="For programs: no ' before cells that spreadsheets would run."
)
@click.pass_obj
def export(root: Path, file: Path, holdout: bool, rejected: bool, raw: bool) -> None:
    """Write the accepted labels with their votes as CSV ('-': to standard output)."""
    from labelcycle.campaign import label_csv
    from labelcycle.campaign.atomic_files import write_bytes

    made = label_csv.export(campaign_in(root), holdout=holdout, rejected=rejected, raw=raw)
    if str(file) == "-":
        click.echo(made.text, nl=False)
    else:
        write_bytes(file, made.text.encode())
        click.echo(f"{counted(made.rows, 'row')} in {file}")
    if made.guarded:
        click.echo(
            f"{counted(made.guarded, 'cell begins', 'cells begin')} as a formula does: a '"
            " before each keeps spreadsheets"
            " from running it; `import-labels` takes it away; --raw leaves it out",
            err=True,
        )


@click.command()
@click.argument(
    "sample",
    required=False,
    help="Id of the sample, or the path of its image, or the end of it.",
)
@click.option(
    "--task",
    type=GivenText(),
    help="The sample of this task: its number on the annotators' page, or its address.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def explain(root: Path, sample: str | None, task: str | None, as_json: bool) -> None:
    """Tell all that the campaign knows of a sample: choice, answers, labels, models.

    For each round it says why a strategy chose the sample, who answered what, which label came of
    it, and what the round's model makes of it. The models of earlier rounds come from DVC's cache
    or its remote.
    """
    from labelcycle.cycle import sample_history, sample_history_text, sample_of_task
    from labelcycle.rounds import snapshots

    if (sample is None) == (task is None):
        raise click.UsageError("wanted a sample or --task, one of the two")
    campaign_in(root)
    snapshot = snapshots.read(root)
    stone = snapshot.records.withdrawn().by_id.get(sample or "")
    if stone:
        plain = json.dumps({"withdrawn": asdict(stone)}, indent=2)
        click.echo(plain if as_json else sample_history_text.withdrawn(stone))
        return
    if task is None:
        found = sample_history.find(snapshot, str(sample))
    else:
        found = sample_of_task.find(snapshot, task)
    known = sample_history.history(snapshot, found)
    text = json.dumps(known.as_json(), indent=2) if as_json else sample_history_text.as_text(known)
    click.echo(text)


@click.command()
@click.argument("tag", required=False, help="Tag of the round, such as round/003.")
@click.option(
    "--from",
    "start",
    type=click.Choice([declaration.TRAIN, declaration.PRETRAIN]),
    default=declaration.TRAIN,
    help="pretrain: from the images on, on the same kind of device.",
)
@click.option("--all", "every", is_flag=True, help="Every closed round.")
@click.option(
    "--from-remote",
    is_flag=True,
    help="With DVC's remote as the only source: the cache is left alone and not used.",
)
@click.pass_obj
def verify(root: Path, tag: str | None, start: str, every: bool, from_remote: bool) -> None:
    """Rebuild a closed round (default: the last) from its inputs and compare."""
    from labelcycle.cycle import verify_all, verify_round
    from labelcycle.rounds import snapshots

    if every and tag:
        raise click.UsageError(f"wanted a tag or --all, got both: {tag} and --all")
    campaign_in(root)
    deep = start == declaration.PRETRAIN
    with contextlib.ExitStack() as stack:
        snapshot = snapshots.read(root)
        if from_remote:
            snapshot = stack.enter_context(verify_all.from_remote(snapshot))
        if every:
            verify_all.verify_all(snapshot, deep, click.echo)
            return
        number = verify_round.number_of(snapshot, tag)
        verify_round.verify(snapshot, number, deep, click.echo)
        click.echo(f"round {number} is reproduced")


@click.command()
@click.option(
    "--read",
    "share",
    type=click.FloatRange(min=0, max=1, min_open=True),
    default=1.0,
    help="The share of DVC's data to read this time; what was read longest ago comes first.",
)
@click.option("--repair", is_flag=True, help="Restore what has a good copy elsewhere.")
@click.pass_obj
def check(root: Path, share: float, repair: bool) -> None:
    """Read back what is stored, and compare it with the recorded digests.

    That is git, DVC's cache and remote, and the files of the last commit and of closed rounds.
    Whatever is missing is noticed each time. With `--read 0.15` each night, all bytes are read
    within a week. The exit code is 1 as long as something stays damaged.
    """
    from labelcycle.cli.progress_bar import shown
    from labelcycle.cycle import storage_check, storage_findings

    campaign_in(root)
    with shown("check") as show:
        outcome = storage_check.check(root, share, repair, click.echo, show)
    storage_findings.raise_left(outcome, repair)
    click.echo("everything that was looked at is as it was recorded")


COMMANDS = (export, explain, verify, check)
"""In the order of `labelcycle --help`."""
