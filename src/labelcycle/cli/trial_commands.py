"""The commands to try labelcycle out with simulated people: annotate, demo."""

from pathlib import Path

import click

from labelcycle.cli.campaign_option import GivenPath, campaign_in
from labelcycle.cli.next_line import say_next
from labelcycle.core.counted_nouns import counted


@click.command()
@click.option(
    "--truth",
    type=GivenPath(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="CSV with the true classes: `label` and `sample` or `file`.",
)
@click.option("--annotators", type=click.IntRange(min=1), default=2, help="How many people.")
@click.option(
    "--error-rate",
    "error_rates",
    type=click.FloatRange(0, 1),
    multiple=True,
    default=(0.0,),
    help="Share of errors; given several times, of each person in turn.",
)
@click.option("--skip-rate", type=click.FloatRange(0, 1), default=0.0, help="Share of skips.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of all random draws.")
@click.pass_obj
def annotate(
    root: Path,
    truth: Path,
    annotators: int,
    error_rates: tuple[float, ...],
    skip_rate: float,
    seed: int,
) -> None:
    """Let simulated people answer the open round through its backend."""
    from labelcycle.cycle import answer_table
    from labelcycle.people import simulated_round
    from labelcycle.rounds import snapshots

    campaign_in(root)
    snapshot = snapshots.read(root)
    done = simulated_round.answer(
        snapshot,
        truth,
        annotators=annotators,
        error_rates=error_rates,
        skip_rate=skip_rate,
        seed=seed,
        show=click.echo,
    )
    click.echo(
        f"simulated people gave {counted(done.answered, 'answer')}, {done.wrong} of them wrong, and"
        f" {counted(done.skipped, 'skip')}"
    )
    say_next(root, answer_table.progress(snapshot))


@click.command()
@click.argument(
    "directory",
    type=GivenPath(file_okay=False, path_type=Path),
    default="demo",
    help="The folder that the demo works in.",
)
@click.option("--quick", is_flag=True, help="Without any server, in less than a minute.")
@click.option("--stop", is_flag=True, help="Stop the services at the end.")
def demo(directory: Path, quick: bool, stop: bool) -> None:
    """All of it on the sample data: three rounds with simulated people, in DIRECTORY.

    It starts Label Studio, MLflow and Prefect, and takes about 4 minutes. With --quick it starts
    no server: answers are kept in a file of the campaign, and there are fewer images.
    """
    from labelcycle.cli import demo as show

    if quick and stop:
        raise click.UsageError("--quick starts no services that --stop could stop")
    if quick:
        show.run_quickly(directory)
    else:
        show.run(directory, stop=stop)


COMMANDS = (annotate, demo)
"""In the order of `labelcycle --help`."""
