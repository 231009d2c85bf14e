"""What all figures share: colours, axes, files that are the same for the same numbers."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

INK = "#1f2933"
FAINT = "#b5b5b5"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d1f", "#56b4e9", "#7b3fa0", "#e69f00")
"""Told apart by those who see few colours too (Okabe and Ito 2008), the light ones darkened."""

DASHES = ("-", "--", ":")
"""The colours begin again with the next one."""

WIDEST, NARROWEST = 2.8, 1.2
"""Lines grow thinner in their order: of those that coincide all are to be seen."""

DPI = 130

LETTERS = 140
"""Of a title, in an inch at one point: a little fewer than there is room for."""


def looks(names: Iterable[str], base: str) -> dict[str, dict[str, Any]]:
    """Colour, dash and width of each name's line: ink for `base`, others one of a kind.

    names : all strategies of the experiment, so that a line looks the same in all its figures
    """
    strategies = list(names)
    styles: dict[str, dict[str, Any]] = {base: {"color": INK, "linestyle": "-"}}
    for i, name in enumerate(name for name in strategies if name != base):
        turn, colour = divmod(i, len(COLOURS))
        styles[name] = {"color": COLOURS[colour], "linestyle": DASHES[turn % len(DASHES)]}
    for i, name in enumerate(strategies):
        step = (WIDEST - NARROWEST) / max(1, len(strategies) - 1)
        styles[name]["linewidth"] = round(WIDEST - step * i, 3)
    return styles


def headed(figure: Figure, text: str, size: float = 10) -> None:
    """Give a figure its title, broken where the figure ends."""
    width = int(figure.get_figwidth() * LETTERS / size)
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, width)]
    figure.suptitle("\n".join(lines), fontsize=size, x=0.01, ha="left")


def is_log(budgets: Sequence[int]) -> bool:
    """Whether an axis of these budgets is logarithmic: where they grow that way."""
    return budgets[-1] > 8 * budgets[0]


def budget_name(budgets: Sequence[int]) -> str:
    """The name of an axis of these budgets, in all figures."""
    return f"labels{', logarithmic' if is_log(budgets) else ''}"


def budget_axis(panel: Axes, budgets: Sequence[int], most: int = 8) -> None:
    """Ticks at the budgets, at `most` so many; the same kind of axis in all figures."""
    if is_log(budgets):
        panel.set_xscale("log")
        panel.xaxis.set_minor_locator(NullLocator())
    shown = list(budgets)
    while len(shown) > most:
        shown = shown[:1] + shown[1:-1][1::2] + shown[-1:]
    panel.set_xticks(shown, [f"{budget:,}" for budget in shown])
    panel.spines[["top", "right"]].set_visible(False)


def spread(values: Mapping[str, float], gap: float) -> dict[str, float]:
    """Heights of labels: near their values, `gap` apart, in the order of the values.

    Labels that would overlap are moved as a block around their mean.
    """
    blocks: list[tuple[list[str], float]] = []
    for name in sorted(values, key=lambda name: values[name]):
        names, middle = [name], values[name]
        while blocks and middle - blocks[-1][1] < gap * (len(names) + len(blocks[-1][0])) / 2:
            before, _ = blocks.pop()
            names = before + names
            middle = sum(values[each] for each in names) / len(names)
        blocks.append((names, middle))
    return {
        name: middle + gap * (i - (len(names) - 1) / 2)
        for names, middle in blocks
        for i, name in enumerate(names)
    }


def save(figure: Figure, path: Path, identifier: str | None = None) -> Path:
    """Write a figure as its ending says, the same bytes for the same figure.

    identifier : noted in an SVG file, for whoever asks what it was drawn of
    """
    FigureCanvasAgg(figure)
    facts = {"Date": None, "Identifier": identifier} if path.suffix == ".svg" else None
    with mpl.rc_context({"svg.hashsalt": "labelcycle", "svg.fonttype": "none"}):
        figure.savefig(path, dpi=DPI, metadata=facts)
    return path
