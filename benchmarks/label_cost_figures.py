"""Pictures and tables of what benchmarks/label_cost.py printed with --json.

    python benchmarks/label_cost_figures.py FILE.json ... [--into docs/images] [--format svg]

One picture a set of data, `label-cost-DATA.svg`: a panel for each strategy with its gain over
random by number of labels, the 95 % interval as a band, the other strategies in grey. The tables
for docs/results.md go to standard output. Files of the same set and metric are put together; where
two have the same strategy, the later one counts.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labelcycle.simulate.figures.gain import picture
from labelcycle.simulate.figures.style import save
from labelcycle.simulate.markdown_tables import table
from labelcycle.simulate.results import BASE

Row = dict[str, Any]
Curves = dict[str, list[Row]]
"""By strategy, its rows by rising budget."""


def read(paths: Iterable[Path]) -> dict[tuple[str, str, str], Curves]:
    """By data, learner and metric, the curves of all strategies; random first, then by name."""
    found: dict[tuple[str, str, str], dict[str, list[Row]]] = {}
    for path in paths:
        printed = json.loads(path.read_text())
        new: dict[tuple[str, str, str], Curves] = {}
        for row in printed["rows"]:
            key = row["data"], row["learner"], printed["metric"]
            new.setdefault(key, {}).setdefault(row["strategy"], []).append(row)
        for key, curves in new.items():
            found.setdefault(key, {}).update(curves)
    for key, curves in found.items():
        _check_alike(key, curves)
    return {key: dict(sorted(curves.items(), key=_order)) for key, curves in found.items()}


def _check_alike(key: tuple[str, str, str], curves: Curves) -> None:
    """End the program if some were measured at other budgets or with other seeds."""
    kinds = {name: [(row["budget"], row["seeds"]) for row in curves[name]] for name in curves}
    odd = [name for name, kind in kinds.items() if kind != kinds[BASE]]
    if odd:
        sys.exit(f"{key[0]}: {odd[0]} has other budgets or seeds than {BASE}; measure them alike")


def _order(entry: tuple[str, list[Row]]) -> tuple[bool, str]:
    return entry[0] != BASE, entry[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    parser.add_argument("--format", choices=("svg", "png"), default="svg")
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    for (data, learner, metric), curves in read(given.files).items():
        seeds = curves[BASE][0]["seeds"]
        title = f"{data}: {metric}, {learner}, {seeds} seeds"
        path = given.into / f"label-cost-{data.removesuffix('.npz')}.{given.format}"
        save(picture(title, curves), path)
        print(f"{title}\n\n{table(curves, BASE)}\n\n![{title}](images/{path.name})\n")


if __name__ == "__main__":
    main()
