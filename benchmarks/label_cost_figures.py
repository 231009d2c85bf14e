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
from itertools import zip_longest
from math import nan
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

BASE = "random"
COLUMNS = 6
BETTER, WORSE, OTHERS, BAND = "#0b6e99", "#b03a2e", "#b5b5b5", "#dcebf3"
KEY = "95 % interval shaded; blue: all above random, red: all below; grey: the other strategies"

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


def picture(title: str, curves: Curves) -> Figure:
    """A panel for each strategy but random, all with the same axes."""
    names = [name for name in curves if name != BASE]
    lines = -(-len(names) // COLUMNS)
    columns = min(COLUMNS, len(names))
    figure = Figure(figsize=(1.8 * columns + 0.4, 1.6 * lines + 0.8), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for panel, name in zip_longest(panels.flat, names):
        if name is None:
            panel.set_visible(False)
            continue
        _band(panel, curves[name])
        _others(panel, [curves[other] for other in names if other != name])
        _points(panel, curves[name])
        panel.set_title(name, fontsize=9, loc="left", fontweight="bold")
    _axes(panels, len(names), curves)
    figure.suptitle(f"{title}\n{KEY}", fontsize=9, x=0.01, ha="left")
    figure.supxlabel("labels", fontsize=9)
    figure.supylabel("gain over random, points", fontsize=9)
    return figure


def _band(panel: Axes, rows: list[Row]) -> None:
    known = [row for row in rows if row["gain_low"] is not None]
    ends = [[100 * row[end] for row in known] for end in ("gain_low", "gain_high")]
    panel.fill_between([row["budget"] for row in known], *ends, color=BAND, linewidth=0)


def _others(panel: Axes, curves: list[list[Row]]) -> None:
    """Thin lines, as one that breaks between them: a hundred times fewer elements in the file."""
    gap = {"budget": nan, "gain": nan}
    rows = [row for curve in curves for row in (*curve, gap)]
    panel.plot(*_line(rows), color=OTHERS, linewidth=0.6)


def _points(panel: Axes, rows: list[Row]) -> None:
    """The strategy's own line; each point in the colour of what its interval says."""
    panel.plot(*_line(rows), color="black", linewidth=1.4)
    for row in rows:
        panel.plot(row["budget"], 100 * row["gain"], "o", color=_colour(row), markersize=4)


def _line(rows: list[Row]) -> tuple[list[float], list[float]]:
    return [row["budget"] for row in rows], [100 * row["gain"] for row in rows]


def _colour(row: Row) -> str:
    if row["gain_low"] is not None and row["gain_low"] > 0:
        return BETTER
    return WORSE if row["gain_high"] is not None and row["gain_high"] < 0 else "black"


def _axes(panels: Any, count: int, curves: Curves) -> None:
    gains = [100 * row["gain"] for rows in curves.values() for row in rows]
    spread = max(gains) - min(gains) or 1.0
    budgets = [row["budget"] for row in curves[BASE]]
    for number, panel in enumerate(panels.flat):
        panel.axhline(0, color="black", linewidth=0.6)
        panel.set_xscale("log")
        panel.set_xticks(budgets, [str(budget) for budget in budgets])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.tick_params(labelsize=7, length=2)
        panel.spines[["top", "right"]].set_visible(False)
        if count - number <= panels.shape[1]:  # nothing below it
            panel.tick_params(labelbottom=True)
    # bands of few seeds are wide: the lines are to be seen
    panels.flat[0].set_ylim(min(gains) - 0.25 * spread, max(gains) + 0.25 * spread)


def table(curves: Curves) -> str:
    """Markdown, per cent: random's figure, the others' and their difference to it.

    The best of a column is bold; a difference whose whole interval is below 0 is in italics.
    """
    base = curves[BASE]
    head = " | ".join(f"{row['budget']}" for row in base)
    best = [max(rows[i]["accuracy"] for rows in curves.values()) for i in range(len(base))]
    lines = [f"| strategy | {head} labels |", "|---" * (len(base) + 1) + "|"]
    for name, rows in curves.items():
        cells = (_cell(row, top, name) for row, top in zip(rows, best, strict=True))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Row, best: float, name: str) -> str:
    value = f"{100 * row['accuracy']:.1f}"
    value = f"**{value}**" if row["accuracy"] == best else value
    if name == BASE:
        return f"{value} ± {100 * row['se']:.1f}" if row["se"] is not None else value
    gain = f"{100 * row['gain']:+.1f}"
    if row["gain_low"] is not None:
        gain += f" [{100 * row['gain_low']:+.1f}, {100 * row['gain_high']:+.1f}]"
    return f"{value} {f'*{gain}*' if _colour(row) == WORSE else gain}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    parser.add_argument("--format", choices=("svg", "png"), default="svg")
    given = parser.parse_args()
    given.into.mkdir(parents=True, exist_ok=True)
    # the same figures give the same file
    mpl.rcParams["svg.hashsalt"], mpl.rcParams["svg.fonttype"] = "labelcycle", "none"
    for (data, learner, metric), curves in read(given.files).items():
        seeds = curves[BASE][0]["seeds"]
        title = f"{data}: {metric}, {learner}, {seeds} seeds"
        path = given.into / f"label-cost-{data.removesuffix('.npz')}.{given.format}"
        figure = picture(title, curves)
        FigureCanvasAgg(figure)
        figure.savefig(path, dpi=110, metadata={"Date": None} if given.format == "svg" else None)
        print(f"{title}\n\n{table(curves)}\n\n![{title}](images/{path.name})\n")


if __name__ == "__main__":
    main()
