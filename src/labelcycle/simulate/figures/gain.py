"""The gain over one strategy: a panel for each of the others, its interval as a band."""

import textwrap
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from math import nan
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelcycle.simulate.figures.style import FAINT, budget_axis, budget_name, headed, looks
from labelcycle.simulate.results import (
    BASE,
    FEWEST,
    ROUGH,
    Curves,
    Row,
    is_better,
    is_worse,
)

COLUMNS = 6

NAME = 24
"""Letters of a panel's name in one line."""

TICKS = 6

BAND = ("gain_low", "gain_high")

LEAST = 1.0
"""Points of gain that an axis spans at the least."""


def picture(title: str, curves: Curves, base: str = BASE) -> Figure:
    """A panel for each strategy but `base`, all with the same axes."""
    names, style = [name for name in curves if name != base], looks(curves, base)
    lines = -(-len(names) // COLUMNS)
    columns = min(COLUMNS, len(names))
    width = max(1.8 * columns + 0.4, 5.0)
    figure = Figure(figsize=(width, 1.6 * lines + 1.3), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for panel, name in zip_longest(panels.flat, names):
        if name is None:
            panel.set_visible(False)
            continue
        _band(panel, curves[name], style[name]["color"])
        _others(panel, [curves[other] for other in names if other != name])
        _points(panel, curves[name], style[name])
        title_of = {"fontsize": 9, "fontweight": "bold", "color": style[name]["color"]}
        panel.set_title(textwrap.fill(name, NAME), loc="left", **title_of)
    _axes(panels, len(names), curves, base)
    headed(figure, f"{title}\n{_key(curves, base)}", 9)
    figure.supxlabel(budget_name([row["budget"] for row in curves[base]]), fontsize=9)
    figure.supylabel(f"gain over {base}, points", fontsize=9)
    return figure


def _key(curves: Curves, base: str) -> str:
    """What the marks mean; a note where the intervals are rough or missing."""
    seeds = curves[base][0]["seeds"]
    if curves[base][0]["gain_low"] is None:
        return f"no intervals: they take {FEWEST} seeds or more; grey: the others"
    rough = f"; rough, for fewer than {ROUGH} seeds" if seeds < ROUGH else ""
    marks = f"filled: all of it above {base} or all below; grey: the others"
    return f"95 % interval shaded{rough}; {marks}"


def _band(panel: Axes, rows: Sequence[Row], colour: str) -> None:
    known = [row for row in rows if row["gain_low"] is not None]
    low, high = ([100 * row[end] for row in known] for end in BAND)
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
    budgets = [row["budget"] for row in curves[base]]
    for number, panel in enumerate(panels.flat):
        panel.axhline(0, color="black", linewidth=0.6)
        budget_axis(panel, budgets, TICKS)
        panel.tick_params(labelsize=7, length=2)
        if count - number <= panels.shape[1]:  # nothing below it
            panel.tick_params(labelbottom=True)
    panels.flat[0].set_ylim(*limits(curves))


def limits(curves: Curves) -> tuple[float, float]:
    """Ends of the axis of gains, in points: all curves, and of the bands what is near to them.

    A band may leave the panel, which it else would press the curves into a line.
    """
    rows = [row for curve in curves.values() for row in curve]
    gains = [0.0, *(100 * row["gain"] for row in rows)]
    ends = [100 * row[end] for row in rows for end in BAND if row[end] is not None]
    room = max(max(gains) - min(gains), LEAST)
    low = max(min([*gains, *ends]), min(gains) - room)
    high = min(max([*gains, *ends]), max(gains) + room)
    margin = 0.05 * max(high - low, LEAST)
    return low - margin, high + margin
