"""Processor seconds of `labelcycle run`, a round, split into its parts.

    python benchmarks/round_speed.py [--rounds 4] [--embedded]

It plays the campaign of `labelcycle demo --quick` (600 images in the pool, 25 labels a round) with
MLflow and Prefect started by `labelcycle up`; their own time is not counted. Each `labelcycle run`
is a process of its own. It closes a round and opens the next, so that every stage but `pretrain`
and `embed` runs. Told are user and system seconds of that process and all that it started:

    run      the command itself: Python, Prefect, MLflow's client, checks
    dvc      DVC's processes, without the stages they start
    stages   the stages' processes
    warm     the process that imports libraries for DVC and the stages
    git      the rest: git, ends of processes
    beyond   all but the stages: what a round costs beyond them
    start    of one stage alone: Python, and the imports before its own module

With --into these are rows of a table, of the first run and of the mean round. So are the stages.

With --embedded nothing is started before: Prefect lives for the command alone, as in the quick
demo. Its temporary server is a part of nothing above, for it is stopped and not waited for.
"""

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from measured import where
from processor_time import name_committer, used_by
from results_file import Figure, Layout, add_into, save

from labelcycle.adapters.local import services
from labelcycle.adapters.local.environment import prepare
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cli import demo
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import new_campaign
from labelcycle.people import simulated_round
from labelcycle.rounds import snapshots

WATCH = """
import atexit, json, os, resource, sys
from multiprocessing import util
def told():
    used = resource.getrusage(resource.RUSAGE_SELF)
    words = sys.orig_argv[1:] if os.getpid() == first else sys.argv
    line = json.dumps({"words": words, "cpu": used.ru_utime + used.ru_stime})
    with open(os.environ["ROUND_SPEED"], "a") as file:
        file.write(line + "\\n")
if "ROUND_SPEED" in os.environ:
    first = os.getpid()
    atexit.register(told)
    util.register_after_fork(told, lambda told: util.Finalize(None, told, exitpriority=1))
"""
"""Every Python that the command starts writes down what it used; `sitecustomize` is run first.

So does every copy of the warm process; that names the words of its program.
"""

LAYOUT = Layout(
    "Processor seconds of a round and of its stages",
    ["part"],
    [Figure("first", digits=1), Figure("round", digits=1)],
    names={"part": ""},
)
PARTS = {
    "run": "labelcycle run itself",
    "dvc": "DVC",
    "warm": "libraries imported for DVC and the stages",
    "git": "git, ends of processes",
    "beyond": "beyond the stages",
    "stages": "the stages",
    "dvc processes": "DVC's processes",
    "stage processes": "the stages' processes",
}
"""What a line of the table is called; the stages follow by their names."""

IMPORTS = "import labelcycle.cli.main, labelcycle.cli.pretrain_curves, labelcycle.cycle.run_stage"


def part_of(words: list[str]) -> str:
    """Which part a Python process with these words is of."""
    if any(word.endswith(("labelcycle.adapters.dvc.program", "dvc/program.py")) for word in words):
        return "dvc"
    if any("multiprocessing" in word for word in words):
        return "warm"
    return "stages" if "stage" in words else "run"


def stage_of(words: list[str]) -> str:
    """The name of a stage's process."""
    return words[words.index("stage") + 1]


def table_rows(
    first: dict[str, float], rounds: Sequence[dict[str, float]]
) -> list[dict[str, str | float | None]]:
    """A row for each part, with the mean of the rounds after the first."""
    stages = dict.fromkeys(
        name for each in (first, *rounds) for name in each if name.startswith("stage ")
    )
    return [
        {
            "part": text,
            "first": first.get(name),
            "round": float(np.mean([each.get(name, 0.0) for each in rounds])),
        }
        for name, text in {**PARTS, **{name: name for name in stages if name not in PARTS}}.items()
    ]


def measured(campaign: Campaign, folder: Path) -> dict[str, float]:
    """What one `labelcycle run` used, by part."""
    record = folder / "used.jsonl"
    record.unlink(missing_ok=True)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    watched = {"ROUND_SPEED": str(record), "PYTHONPATH": path}
    words = [sys.executable, "-P", "-m", "labelcycle", "-C", str(campaign.root), "run"]
    total = used_by(words, watched).cpu_s
    parts: dict[str, float] = defaultdict(float)
    for line in record.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        parts[part_of(entry["words"])] += entry["cpu"]
        parts["dvc processes"] += part_of(entry["words"]) == "dvc"
        parts["stage processes"] += part_of(entry["words"]) == "stages"
        if part_of(entry["words"]) == "stages":
            parts[f"stage {stage_of(entry['words'])}"] += entry["cpu"]
    known = sum(parts[name] for name in ("run", "dvc", "stages", "warm"))
    parts["git"] = total - known
    parts["beyond"] = total - parts["stages"]
    return {name: round(value, 2) for name, value in sorted(parts.items())}


def tell(line: str) -> None:
    print(line, file=sys.stderr)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--embedded", action="store_true")
    add_into(options)
    arguments = options.parse_args()
    name_committer()
    data = demo.sample_data()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
        quick = demo.settings(data, quick=True)
        section = quick.campaign.model_copy(update={"rounds": arguments.rounds + 1})
        settings = quick.model_copy(update={"campaign": section})
        campaign = new_campaign.init(folder / "campaign", settings)
        demo.ingest(campaign, data, demo.QUICK_IMAGES, demo.QUICK_HOLDOUT)
        if arguments.embedded:
            os.environ.update(services.embedded(campaign, show=tell))
        else:
            services.up(campaign, only=["mlflow", "prefect"], show=tell)
        try:
            prepare(campaign.root)
            parts = {"first": measured(campaign, folder)}
            for number in range(arguments.rounds):
                snapshot = snapshots.read(campaign.root)
                truth = data / "truth.csv"
                simulated_round.answer(snapshot, truth, seed=number, show=tell)
                parts[f"round {number}"] = measured(campaign, folder)
        finally:
            services.down(campaign)
        start_only = [sys.executable, "-P", "-c", IMPORTS]
        used_by(start_only)  # compiled from now on
        start = min(used_by(start_only).cpu_s for _ in range(3))
    if arguments.into:
        first, *rounds = parts.values()
        seeds = f"mean of {counted(len(rounds), 'round')} after the first"
        rows = table_rows(first, rounds)
        rows.append({"part": "the start of a stage", "first": start, "round": start})
        save(arguments.into, LAYOUT, rows, note=arguments.note, seeds=seeds)
    print(json.dumps({"where": where(), "start": round(start, 2), **parts}, indent=2))


if __name__ == "__main__":
    main()
