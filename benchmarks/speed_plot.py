"""The picture of select_speed.py: seconds against rows of the pool, both axes logarithmic."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

PANELS = {"ours_wall_s": "seconds on the clock", "ours_cpu_s": "processor seconds"}

STYLES = (
    *(("#1f4e8c", "o"), ("#c8501e", "s"), ("#3c8c46", "^"), ("#8c3c96", "D")),
    *(("#b08900", "v"), ("#3aa0b0", "P"), ("#666666", "X"), ("#c83c6e", "*")),
)

APART = 1.45
"""Names at the right edge stand at least this factor apart."""


def draw(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write the picture; its suffix says which kind."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # letters stay text, and the same rows give the same file
    matplotlib.rcParams.update({"svg.hashsalt": "select-speed", "svg.fonttype": "none"})
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.8), sharey=True, layout="constrained")
    for axis, (key, title) in zip(axes, PANELS.items(), strict=True):
        _panel(axis, rows, key)
        axis.set_title(title, loc="left", fontsize=10)
    axes[0].set_ylabel("seconds")
    first = rows[0]
    figure.suptitle(
        f"A selection of {first['budget']} of N rows, d = {first['d']}, {first['labeled']} labels,"
        f" {first['threads']} threads, clustering included",
        fontsize=11,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=150)
    pyplot.close(figure)


def _panel(axis: Any, rows: Sequence[dict[str, Any]], key: str) -> None:
    names = list(dict.fromkeys(row["strategy"] for row in rows))
    ends = []
    for name, (colour, marker) in zip(names, STYLES * 3, strict=False):
        points = sorted((row["n"], row[key]) for row in rows if row["strategy"] == name)
        axis.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=5, lw=1.6)
        ends.append((points[-1][1], points[-1][0], name, colour))
    sizes = sorted({row["n"] for row in rows})
    axis.set_xscale("log")
    axis.set_yscale("log")
    _slope(axis, sizes, min(row[key] for row in rows))
    _names(axis, ends, sizes[-1])
    axis.set_xticks(sizes, [f"{size:,}" for size in sizes], fontsize=8)
    axis.minorticks_off()
    axis.set_xlim(sizes[0] * 0.8, sizes[-1] * 4.5)
    axis.set_xlabel("N, rows of the pool")
    axis.grid(True, color="#dddddd", lw=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def _slope(axis: Any, sizes: Sequence[int], lowest: float) -> None:
    """A dashed line that grows as N does, below all others at its left end."""
    start, end = sizes[0], sizes[-1]
    middle, low = (start * end) ** 0.5, lowest * 0.5
    axis.plot([start, end], [low, low * end / start], "--", color="#999999", lw=1)
    axis.annotate(
        "as N", (middle, low * middle / start), (5, -10), textcoords="offset points", fontsize=8
    )


def _names(axis: Any, ends: Sequence[tuple[float, int, str, str]], right: int) -> None:
    """Each line's name at its end, moved up where two would overlap."""
    height = 0.0
    for value, size, name, colour in sorted(ends):
        height = max(value, height * APART)
        axis.annotate(
            name, (size, value), (right * 1.25, height), color=colour, fontsize=8.5, va="center"
        )
