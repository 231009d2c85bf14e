"""A table of results from simulated campaigns.

    python benchmarks/results_of_campaigns.py FOLDER --into benchmarks/results/NAME.json
        [--command "labelcycle simulate experiments/FILE.yaml"] [--note idle]

FOLDER is the one in which `labelcycle simulate` put `results.json`. benchmarks/label_cost.py makes
its tables here too. The gain of the strategy that the others are compared with is left out: it is 0
by its meaning.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from results_file import Layout, Row, add_into, save

from labelcycle.simulate.run_experiment import RESULTS
from labelcycle.simulate.table_page import FIGURES, printed_rows

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
STUBS = ("data", "metric", "learner", "clusterer", "strategy")
"""What a line may begin with."""


def curves_of(rows: Iterable[Row]) -> dict[str, list[dict[str, Any]]]:
    """By strategy, the rows of a table as `simulate` has them: the gain of the base is 0."""
    curves: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        gain = {"gain": 0.0, "gain_low": 0.0, "gain_high": 0.0} if "gain" not in row else {}
        new = {("se" if key == "accuracy_se" else key): value for key, value in row.items()}
        curves.setdefault(str(row["strategy"]), []).append({"se": None, **new, **gain})
    return curves


def layout_of(rows: Sequence[Row], title: str) -> Layout:
    """A line for each strategy; before it what else is not the same in all rows."""
    varied = [key for key in STUBS[:-1] if len({row.get(key) for row in rows}) > 1]
    names = {"budget": "labels"}
    return Layout(title, [*varied, STUBS[-1]], FIGURES, ["budget"], varied, names)


def command_of(found: dict[str, Any]) -> str:
    """What plays an experiment again. Ends the program if its file is not known."""
    file = EXPERIMENTS / f"{found['experiment']}.yaml"
    if not file.is_file():
        sys.exit(f"no experiments/{file.name}: wanted what plays it again, by --command")
    return f"labelcycle simulate experiments/{file.name}"


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=f"holds {RESULTS}")
    parser.add_argument("--command", help="what plays it again; default: by the experiment's name")
    add_into(parser, required=True)
    given = parser.parse_args(words)
    path = given.folder / RESULTS
    if not path.is_file():
        sys.exit(f"no {RESULTS} in {given.folder}: wanted the folder of a finished experiment")
    found = json.loads(path.read_text(encoding="utf-8"))
    metrics = {each["data"]: each["metric"] for each in found["sets"]}
    measured = [row | {"metric": metrics[row["data"]]} for row in found["rows"]]
    rows = printed_rows(measured, found["base"])
    metric = " or ".join(dict.fromkeys(metrics.values()))
    title = f"{found['experiment']}: {metric} in per cent, gain over {found['base']}"
    seeds = f"seeds 0 to {max(row['seeds'] for row in rows) - 1}"
    command = given.command or command_of(found)
    layout = layout_of(rows, title)
    save(given.into, layout, rows, note=given.note, seeds=seeds, command=[command])


if __name__ == "__main__":
    main()
