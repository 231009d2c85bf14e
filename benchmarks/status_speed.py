"""Seconds that `labelcycle status` and `labelcycle --help` take.

    python benchmarks/status_speed.py [--campaign DIR] [--rounds 10] [--samples 10000] [--repeats 5]

Without --campaign one is made up: as many closed rounds of 100 labels as asked for, whose files
hold what `status` reads, with git and without DVC. Each command is a process of its own. Told is
the run that took least: processor seconds, user and system, of the process and all that it
started, and seconds on the clock. Services are not asked, for no round is open. Modules are kept
compiled, as Python does by itself and pip for what it installs.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from measured import where
from processor_time import name_committer, used_by
from results_file import Figure, Layout, add_into, save

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign import labels, round_states
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.records.metrics_record import Metrics
from labelcycle.campaign.records.plan_record import Plan, PlanDigests
from labelcycle.campaign.records.selection_record import RoundSelection, SelectedSample
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.core.metrics import Estimate
from labelcycle.people import people_figures, preannotation
from labelcycle.rounds import corrected_labels
from labelcycle.rounds.campaign_history import History

CLASSES = ("cat", "dog")
LABELS = 100
LAYOUT = Layout(
    "Seconds of labelcycle status",
    ["call", "rounds", "samples"],
    [Figure("cpu_s", digits=2), Figure("seconds", digits=2)],
    names={"call": "command", "cpu_s": "processor s", "seconds": "wall s"},
)
AT = "2026-01-01T00:00:00+00:00"


def made_up(root: Path, closed: int, samples: int) -> Campaign:
    """A campaign of so many closed rounds."""
    campaign = Campaign(root)
    git.init(root)
    settings = {"campaign": {"name": "made up", "classes": list(CLASSES), "rounds": closed + 1}}
    chosen = config.parse(settings)
    write_bytes(campaign.params, config.print_params(chosen).encode())
    labels.write_migrations(campaign, ())
    names = [f"{number:016x}" for number in range(samples)]
    images = [Sample(name, f"{name}.png", f"{name}.png", "pool", 28, 28) for name in names]
    write_samples(campaign.samples, images)
    write_labels(campaign.holdout, [])
    for number in range(closed):
        own = names[number * LABELS : (number + 1) * LABELS]
        given = [Label(name, CLASSES[row % 2], votes={}) for row, name in enumerate(own)]
        write_labels(campaign.label_file(number), given)
        folder = campaign.round(number)
        picks = tuple(SelectedSample(name, rank, 1.0, {}) for rank, name in enumerate(own))
        selection = RoundSelection("typiclust", None, LABELS, {}, picks)
        selection.write(folder / round_states.SELECTION)
        _plan(number).write(folder / round_states.PLAN)
        _metrics(number, chosen).write(folder / round_states.METRICS)
    git.commit(root, ["params.yaml", "schema.json", "rounds"], "Made up")
    for number in range(closed):
        git.tag(root, round_states.open_tag(number), "open")
        git.tag(root, round_states.round_tag(number), "closed")
    return campaign


def _plan(number: int) -> Plan:
    digests = PlanDigests("", "", "", "")
    counts = {"cohorts": 1, "pool": 0, "holdout": 0, "encoder": 1}
    done = number * LABELS
    return Plan(number, "", "typiclust", LABELS, 0, done, CLASSES, AT, digests, {}, **counts)


def _metrics(number: int, chosen: config.Config) -> Metrics:
    """The figures of a round of which nobody's answers are known."""
    nothing = History(number)
    labels = (number + 1) * LABELS
    return Metrics(
        accuracy=Estimate(0.9, 0.8, 0.95),
        round=number,
        strategy="typiclust",
        budget=LABELS,
        labels=labels,
        accepted=LABELS,
        rejected=0,
        tasks=LABELS,
        undone=0,
        returned=0,
        bought=labels,
        ended="complete",
        cancelled=False,
        people=people_figures.figures(nothing, chosen),
        preannotation=preannotation.figures(nothing, chosen),
        corrections=corrected_labels.figures(number, (), (), ()),
        closed=AT,
        digests={},
    )


def least(words: tuple[str, ...], repeats: int) -> dict[str, float]:
    """Processor seconds and seconds of the quickest of some runs."""
    command = [sys.executable, "-P", "-m", "labelcycle", *words]
    quickest = min(used_by(command) for _ in range(repeats))
    return {name: round(value, 2) for name, value in quickest._asdict().items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--campaign", type=Path)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--samples", type=int, default=10_000)
    options.add_argument("--repeats", type=int, default=5)
    add_into(options)
    arguments = options.parse_args()
    name_committer()
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.campaign or made_up(Path(folder), arguments.rounds, arguments.samples).root
        found = {
            "status": least(("-C", str(root), "status"), arguments.repeats),
            "help": least(("--help",), arguments.repeats),
        }
    if arguments.into:
        size = {"rounds": arguments.rounds, "samples": arguments.samples}
        nothing = dict.fromkeys(size, "")
        rows = [
            {"call": "labelcycle status", **size, **found["status"]},
            {"call": "labelcycle --help", **nothing, **found["help"]},
        ]
        seeds = f"the best of {arguments.repeats} runs"
        save(arguments.into, LAYOUT, rows, note=arguments.note, seeds=seeds)
    print(json.dumps({"where": where(), **found}, indent=2))


if __name__ == "__main__":
    main()
