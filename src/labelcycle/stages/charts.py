"""Figures as PNG bytes: the same bytes for the same numbers."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from labelcycle.core.counted_nouns import counted
from labelcycle.core.metrics import PerClass

DPI = 110
INK = "#1f2933"
FAINT = "#d5dbe1"
COLOURS = {"precision": "#9fb8d0", "recall": "#4a7ba6", "f1": "#16324f"}
MAX_NAME = 22
"""Longer class names are cut; the full ones stand in metrics.json."""

MAX_NUMBERED = 30
"""With more classes than this, cells are too small for numbers."""


@contextmanager
def plain_settings() -> Iterator[None]:
    """Figures are drawn by matplotlib's own defaults inside.

    A file `matplotlibrc` of the folder we work in, which may have come with a clone, would else
    have LaTeX run with commands of its author.
    """
    with mpl.rc_context(mpl.rcParamsDefault):
        yield


@plain_settings()
def confusion(matrix: NDArray[np.int64], classes: Sequence[str]) -> bytes:
    """The confusion matrix: colour is the share of the true class, the number the count."""
    c = len(classes)
    side = float(np.clip(0.62 * c + 2.4, 4.6, 22))
    figure = Figure(figsize=(side, side * 0.94), dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    support = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, support, out=np.zeros(matrix.shape), where=support > 0)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_short(name) for name in classes]
    axes.set_xticks(range(c), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(c), names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    n = int(matrix.sum())
    axes.set_title(f"Confusion on the hold-out, {counted(n, 'label')}", loc="left")
    if c <= MAX_NUMBERED:
        _write_counts(axes, matrix, shares)
    _plain(axes)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, label="share of the true class")
    bar.outline.set_visible(False)
    return _png(figure)


@plain_settings()
def per_class(figures: PerClass, classes: Sequence[str]) -> bytes:
    """Precision, recall and F1 of each class as bars; an undefined figure has no bar."""
    c = len(classes)
    size = (7.6, float(np.clip(0.52 * c + 1.7, 2.8, 60)))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(c)
    columns = (figures.precision, figures.recall, figures.f1)
    for i, (name, values) in enumerate(zip(COLOURS, columns, strict=True)):
        heights = np.nan_to_num(values)
        label = name.capitalize()
        axes.barh(places + (i - 1) * 0.26, heights, height=0.24, color=COLOURS[name], label=label)
    pairs = zip(classes, figures.support, strict=True)
    axes.set_yticks(places, [f"{_short(name)}  ({n})" for name, n in pairs])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_title("Each class on the hold-out (number of labels)", loc="left")
    axes.xaxis.grid(True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    _plain(axes)
    return _png(figure)


def _write_counts(axes: Axes, matrix: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        if count:
            colour = "white" if shares[row, column] > 0.55 else INK
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)


def _plain(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, colors=INK)


def _short(name: str) -> str:
    """A class name that fits, with no sign that matplotlib would take for mathematics."""
    cut = name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
    return cut.replace("$", r"\$")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # matplotlib writes its version into the file unless told not to; `print_figure` draws twice
    canvas = FigureCanvasAgg(figure)
    canvas.print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
