"""Each strategy over all sets and budgets of what labels bring: its mean, and where it is worst.

    python benchmarks/strategies_over_sets.py [--into TABLE.json]

A cell is a set with a number of labels. It is read from the tables that benchmarks/label_cost.py
wrote, and nothing is played again. `gain` is over random. `behind` is the distance to the best
strategy of the cell. Both are shares of 1.
"""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np
from results_file import Figure, Layout, OddTable, Row, add_into, read, save

from labelcycle.simulate.results import BASE

TABLES = ("cifar10-features", "fashion-mnist", "cifar10-lt", "ham10000")

LAYOUT = Layout(
    "Strategies over all sets and budgets, points of accuracy",
    ["strategy"],
    [
        Figure("gain", digits=1, times=100, signed=True, best="most"),
        Figure("worst", digits=1, times=100, signed=True, best="most"),
        Figure("behind", digits=1, times=100, best="least"),
        Figure("most_behind", digits=1, times=100, best="least"),
    ],
    names={
        "gain": "gain over random, mean of the cells",
        "worst": "worst cell",
        "behind": "points behind the best of a cell, mean",
        "most_behind": "most",
    },
)


def rows_over(cells: Iterable[Row]) -> list[dict[str, Any]]:
    """A row for each strategy, the largest mean gain first.

    cells : data, budget, strategy, accuracy, and but for random's rows gain; each strategy has the
        same cells
    """
    found = {(row["data"], row["budget"], row["strategy"]): row for row in cells}
    places = list(dict.fromkeys(key[:2] for key in found))
    names = list(dict.fromkeys(key[2] for key in found))
    accuracy = np.array([[found[*place, name]["accuracy"] for place in places] for name in names])
    gain = np.array([[found[*place, name].get("gain", 0.0) for place in places] for name in names])
    behind = accuracy.max(axis=0) - accuracy
    rows = [
        {
            "strategy": name,
            "gain": None if name == BASE else float(gain[at].mean()),
            "worst": None if name == BASE else float(gain[at].min()),
            "behind": float(behind[at].mean()),
            "most_behind": float(behind[at].max()),
        }
        for at, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: (-(row["gain"] or 0.0), row["behind"]))


def stored() -> list[dict[str, Any]]:
    """The rows of the stored tables. Raises OddTable."""
    return rows_over(row for name in TABLES for row in read(f"label-cost-{name}").rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_into(parser)
    given = parser.parse_args()
    try:
        rows = stored()
    except OddTable as odd:
        sys.exit(str(odd))
    for row in rows:
        figures = (f"{100 * value:+.1f}" for value in list(row.values())[1:] if value is not None)
        print(f"{row['strategy']:<17}{'  '.join(figures)}")
    if given.into:
        save(given.into, LAYOUT, rows, note=given.note, seeds="seeds 0 to 9 of each table")


if __name__ == "__main__":
    main()
