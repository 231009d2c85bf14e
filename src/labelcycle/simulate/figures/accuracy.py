"""Accuracy over labels, a line with a band of standard error for every strategy."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labelcycle.core.counted_nouns import counted
from labelcycle.simulate.figures.style import (
    INK,
    budget_axis,
    budget_name,
    headed,
    looks,
    spread,
)
from labelcycle.simulate.result_rows import curves_of, labels
from labelcycle.simulate.results import Curves

Styles = Mapping[str, Mapping[str, Any]]

WIDE, HIGH = 4.6, 3.6
OVERLAID = (0, (2.2, 2.2))
"""Dashes of a line that runs on another one, which is seen between them."""

ALIKE = 0.004
"""Most that two lines are apart anywhere, in heights of all lines, to run on one another."""

LINE = 0.058
"""Height of a label's line, in heights of a panel."""


def picture(
    results: Mapping[str, Any], data: str, names: Collection[str] | None = None, title: str = ""
) -> Figure:
    """A panel for each learner (a line of panels) and clusterer (a column) of one set.

    names : the strategies that are drawn; None: all
    """
    facts = next(facts_of_set for facts_of_set in results["sets"] if facts_of_set["data"] == data)
    rows, columns = labels(results, "learners"), labels(results, "clusterers")
    size = WIDE * len(columns) + 0.6, HIGH * len(rows) + 0.7
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(len(rows), len(columns), sharey="row", squeeze=False)
    style = looks(labels(results, "strategies"), results["base"])
    shown = [label for label in labels(results, "strategies") if names is None or label in names]
    for line, learner in zip(panels, rows, strict=True):
        every = [curves_of(results, data, learner, clusterer) for clusterer in columns]
        drawn = [{name: curves[name] for name in shown} for curves in every]
        for panel, curves in zip(line, drawn, strict=True):
            _lines(panel, curves, style)
        for panel, curves, clusterer in zip(line, drawn, columns, strict=True):
            _names(panel, curves, style)
            if panels.size > 1:
                panel.set_title(f"{learner}, {clusterer}", fontsize=10, loc="left")
    seeds = next(row["seeds"] for row in results["rows"])
    text = f"{title or data}: {facts['metric']}, mean of {counted(seeds, 'seed', spec=',')}"
    band = "; band: standard error" if results["rows"][0]["se"] is not None else ""
    headed(figure, text + band)
    budgets = [row["budget"] for row in next(iter(drawn[0].values()))]
    figure.supxlabel(budget_name(budgets), fontsize=10)
    figure.supylabel(f"{facts['metric']}, per cent", fontsize=10)
    return figure


def _lines(panel: Axes, curves: Curves, style: Styles) -> None:
    beneath = _covered(curves)
    for name, rows in curves.items():
        budgets, values = [row["budget"] for row in rows], [100 * row["accuracy"] for row in rows]
        look = {**style[name], "linestyle": OVERLAID} if name in beneath else style[name]
        errors = [100 * (row["se"] or 0) for row in rows]
        low, high = (np.array(values) + sign * np.array(errors) for sign in (-1, 1))
        panel.fill_between(budgets, low, high, color=look["color"], alpha=0.13, linewidth=0)
        if name not in beneath:
            panel.plot(budgets, values, "o", markersize=3, color=look["color"])
        panel.plot(budgets, values, label=name, **look)
    budget_axis(panel, [row["budget"] for row in next(iter(curves.values()))])
    panel.grid(axis="y", color="#e8e8e8", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.tick_params(labelsize=8)


def _covered(curves: Curves) -> set[str]:
    """The strategies whose line would hide one that is drawn before it."""
    lines = {name: np.array([row["accuracy"] for row in rows]) for name, rows in curves.items()}
    every = np.concatenate(list(lines.values()))
    near = ALIKE * np.ptp(every)
    return {
        name
        for i, name in enumerate(lines)
        for before in list(lines)[:i]
        if np.abs(lines[name] - lines[before]).max() <= near
    }


def _names(panel: Axes, curves: Curves, style: Styles) -> None:
    """Each line's name at its right end, joined to it where it had to give way.

    After all lines of the panels that share the axis, whose limits stay.
    """
    ends = {name: 100 * rows[-1]["accuracy"] for name, rows in curves.items()}
    low, high = panel.get_ylim()
    heights = spread(ends, LINE * (high - low))
    panel.set_ylim(low, high)
    last = next(iter(curves.values()))[-1]["budget"]
    for name, height in heights.items():
        panel.annotate(
            name,
            (last, ends[name]),
            xytext=(1.05, (height - low) / (high - low)),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=style[name]["color"],
            fontweight="bold" if style[name]["color"] == INK else "normal",
            arrowprops={
                "arrowstyle": "-",
                "color": style[name]["color"],
                "linewidth": 0.7,
                "shrinkA": 1,
                "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )
