"""Pictures of what labels bring, from the tables that benchmarks/label_cost.py wrote with --into.

    python benchmarks/label_cost_figures.py FILE.json ... [--into docs/images] [--format svg]

One picture a set of data, `label-cost-DATA.svg`: a panel for each strategy with its gain over
random by number of labels, the 95 % interval as a band, the other strategies in grey. Files of the
same set and metric are put together; where two have the same strategy, the later one counts.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from results_file import OddTable
from results_file import read as table_named
from results_of_campaigns import curves_of

from labelcycle.simulate.figures.gain import picture
from labelcycle.simulate.figures.style import save
from labelcycle.simulate.results import BASE

Row = dict[str, Any]
Curves = dict[str, list[Row]]
"""By strategy, its rows by rising budget."""

Key = tuple[str, str, str]
"""Data, learner and metric."""


def read(paths: Iterable[Path]) -> dict[Key, Curves]:
    """The curves of all strategies, random first, then by name. Raises OddTable."""
    found: dict[Key, Curves] = {}
    for path in paths:
        rows = table_named(path.stem, path.parent).rows
        for key in dict.fromkeys((row["data"], row["learner"], row["metric"]) for row in rows):
            some = [row for row in rows if (row["data"], row["learner"], row["metric"]) == key]
            found.setdefault(key, {}).update(curves_of(some))
    for key, curves in found.items():
        _check_alike(key, curves)
    return {key: dict(sorted(curves.items(), key=_order)) for key, curves in found.items()}


def _check_alike(key: Key, curves: Curves) -> None:
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
    try:
        found = read(given.files)
    except OddTable as odd:
        sys.exit(str(odd))
    for (data, learner, metric), curves in found.items():
        title = f"{data}: {metric}, {learner}, {curves[BASE][0]['seeds']} seeds"
        path = given.into / f"label-cost-{data.removesuffix('.npz')}.{given.format}"
        save(picture(title, curves), path)
        print(f"{path}: written")


if __name__ == "__main__":
    main()
