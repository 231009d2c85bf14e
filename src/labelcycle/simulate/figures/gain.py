"""The gain over one strategy: a panel for each of the others, its interval as a band."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from labelcycle.simulate.figures.style import FAINT, looks
from labelcycle.simulate.results import BASE, Row
from labelcycle.simulate.tables import is_better, is_worse

COLUMNS = 6

Curves = Mapping[str, Sequence[Row]]


def picture(title: str, curves: Curves, base: str = BASE) -> Figure:
    """A panel for each strategy but `base`, all with the same axes."""
    names, style = [name for name in curves if name != base], looks(curves, base)
    lines = -(-len(names) // COLUMNS)
    columns = min(COLUMNS, len(names))
    width = max(1.8 * columns + 0.4, 5.0)
    figure = Figure(figsize=(width, 1.6 * lines + 0.8), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for panel, name in zip_longest(panels.flat, names):
        if name is None:
            panel.set_visible(False)
            continue
        _band(panel, curves[name], style[name]["color"])
        _others(panel, [curves[other] for other in names if other != name])
        _points(panel, curves[name], style[name])
        title_of = {"fontsize": 9, "fontweight": "bold", "color": style[name]["color"]}
        panel.set_title(name, loc="left", **title_of)
    _axes(panels, len(names), curves, base)
    end = "\n" if columns < 4 else " "  # fewer panels are narrower than the line
    key = f"95 % interval shaded; filled: all of it above {base} or all below;{end}grey: the others"
    figure.suptitle(f"{title}\n{key}", fontsize=9, x=0.01, ha="left")
    figure.supxlabel("labels", fontsize=9)
    figure.supylabel(f"gain over {base}, points", fontsize=9)
    return figure


def _band(panel: Axes, rows: Sequence[Row], colour: str) -> None:
    known = [row for row in rows if row["gain_low"] is not None]
    low, high = ([100 * row[end] for row in known] for end in ("gain_low", "gain_high"))
    panel.fill_between(
        [row["budget"] for row in known], low, high, color=colour, alpha=0.16, linewidth=0
    )


def _others(panel: Axes, curves: Sequence[Sequence[Row]]) -> None:
    """Thin lines, as one that breaks between them: a hundred times fewer elements in the file."""
    gap = {"budget": nan, "gain": nan}
    rows = [row for curve in curves for row in (*curve, gap)]
    panel.plot(*_line(rows), color=FAINT, linewidth=0.6)


def _points(panel: Axes, rows: Sequence[Row], look: Mapping[str, Any]) -> None:
    """The strategy's own line; a point is filled where its interval leaves out 0."""
    panel.plot(*_line(rows), **look)
    for row in rows:
        sure, colour = is_better(row) or is_worse(row), look["color"]
        ends = {"markeredgecolor": colour, "markerfacecolor": colour if sure else "white"}
        panel.plot(row["budget"], 100 * row["gain"], "o", markersize=4.5, **ends)


def _line(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return [row["budget"] for row in rows], [100 * row["gain"] for row in rows]


def _axes(panels: Any, count: int, curves: Curves, base: str) -> None:
    ends = [
        100 * row[end]
        for rows in curves.values()
        for row in rows
        for end in ("gain", "gain_low", "gain_high")
        if row[end] is not None
    ]
    spread = max(ends) - min(ends) or 1.0
    budgets = [row["budget"] for row in curves[base]]
    for number, panel in enumerate(panels.flat):
        panel.axhline(0, color="black", linewidth=0.6)
        panel.set_xscale("log")
        panel.set_xticks(budgets, [str(budget) for budget in budgets])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.tick_params(labelsize=7, length=2)
        panel.spines[["top", "right"]].set_visible(False)
        if count - number <= panels.shape[1]:  # nothing below it
            panel.tick_params(labelbottom=True)
    panels.flat[0].set_ylim(min(ends) - 0.05 * spread, max(ends) + 0.05 * spread)
