"""The pool with the first picks marked: its map, and typicality against the SUP score."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labelcycle.simulate.figures.style import INK, headed

MARKS = ("o", "^", "s", "D")
CLASS_COLOURS = (
    *("#7fa8d1", "#f0b27a", "#8fc9a3", "#d98b8b", "#b6a2d6"),
    *("#c3a58e", "#e3a6cf", "#a9a9a9", "#cfc87a", "#86cdd6"),
)
"""Pale: the picks are to be seen."""

WIDE = 4.7
"""A panel, in inches."""

SHAPES = 0.45, 1.3
"""Heights over widths that a panel may have: as near to its samples' as these let it."""

Map = Mapping[str, Any]
"""The value of a map's file."""


def picture(title: str, pool_map: Map) -> Figure:
    """The pool's samples by t-SNE, coloured by class; a panel for each strategy's picks."""
    picks = pool_map["picks"]
    x, y = (np.array(pool_map["samples"][key]) for key in ("x", "y"))
    high = WIDE * float(np.clip(np.ptp(y) / np.ptp(x), *SHAPES)) if np.ptp(x) else WIDE
    size = WIDE * len(picks) + 0.2, high + 1.1
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(1, len(picks), squeeze=False, sharex=True, sharey=True)[0]
    classes = np.array(pool_map["samples"]["class"])
    shown = np.unique(classes)
    for panel, picked in zip(panels, picks, strict=True):
        for c, colour in zip(shown, cycle(CLASS_COLOURS), strict=False):
            of_class = classes == c
            panel.plot(
                x[of_class], y[of_class], ".", color=colour, markersize=3.6, markeredgewidth=0
            )
        _numbered(panel, x[picked["rows"]], y[picked["rows"]])
        panel.set_title(picked["label"], fontsize=10, loc="left", fontweight="bold")
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set_aspect("equal", adjustable="box")
    headed(
        figure,
        f"{title}: {len(x):,} samples of the pool of seed 0 by t-SNE of the encoder's features,"
        f" and the first {len(picks[0]['rows'])} picks in their order",
    )
    _classes(figure, shown, pool_map["classes"])
    return figure


def _numbered(panel: Axes, x: Any, y: Any) -> None:
    panel.plot(x, y, "o", color="white", markersize=11, markeredgecolor=INK, markeredgewidth=1.2)
    for rank, place in enumerate(zip(x, y, strict=True), 1):
        panel.annotate(f"{rank}", place, ha="center", va="center_baseline", fontsize=7, color=INK)


def _classes(figure: Figure, classes: Any, names: Sequence[str]) -> None:
    """A key below: whose colour is whose; without many classes only."""
    if len(classes) > len(CLASS_COLOURS):
        figure.supxlabel("colours: true classes, some alike; no strategy sees them", fontsize=8.5)
        return
    marks = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=names[c] if names else f"{c}")
        for c, colour in zip(classes, CLASS_COLOURS, strict=False)
    ]
    figure.legend(
        handles=marks,
        loc="outside lower left",
        ncols=5 if names else len(marks),
        fontsize=8.5,
        frameon=False,
        title="true class, which no strategy sees",
        title_fontsize=8.5,
        alignment="left",
        handletextpad=0.1,
        columnspacing=1.2,
    )


def scores(title: str, pool_map: Map, style: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Typicality against the SUP score of the pool's samples, with the picks.

    style : of each strategy's line, as `style.looks` has it
    """
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    panel = figure.add_subplot()
    columns = pool_map["samples"]
    x, y = (np.array(columns[key], dtype=float) for key in ("typicality", "boundary"))
    kept = np.array(columns["kept"], dtype=bool)
    for some, colour, name in (
        (~kept, "#d0d4d8", "pool"),
        (kept, "#7d8790", "most typical share of its cluster"),
    ):
        panel.plot(x[some], y[some], ".", color=colour, markersize=3.2, label=name)
    for i, pick in enumerate(pool_map["picks"]):
        look: dict[str, Any] = {
            "color": style[pick["label"]]["color"],
            "marker": MARKS[i],
            "linestyle": "",
        }
        size = 9 - 3 * i  # of a sample that both have picked, both are to be seen
        look |= {"markersize": size, "markeredgecolor": "white", "label": pick["label"]}
        panel.plot(x[pick["rows"]], y[pick["rows"]], **look)
    panel.set_xlabel("typicality within the cluster")
    panel.set_ylabel("SUP score (higher: nearer to other clusters)")
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=8)
    figure.legend(loc="outside lower left", ncols=4, fontsize=8.5, frameon=False)
    headed(figure, f"{title}, pool of seed 0, first round: typicality against SUP")
    return figure
