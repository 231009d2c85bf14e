"""The table of select_speed.py."""

from collections.abc import Sequence
from typing import Any

from results_file import Figure, Layout

COLUMNS = {
    "strategy": "strategy",
    "rows": "n",
    "cpu s": "ours_cpu_s",
    "peer's": "peer_cpu_s",
    "ratio": "ratio",
    "s": "ours_wall_s",
    "peer's ": "peer_wall_s",
    "peak MB": "ours_peak_mb",
    "peer's  ": "peer_peak_mb",
    "grown MB": "ours_grown_mb",
    "peer's   ": "peer_grown_mb",
    "same picks": "same_picks",
    "shared": "overlap",
    "floor s": "floor_s",
    "factor": "factor",
    "peer": "peer",
}


def layout(suite: str) -> Layout:
    """The table of a suite as a file of the results."""
    figures = [
        Figure(key, _digits(key)) for key in COLUMNS.values() if key not in ("strategy", "n")
    ]
    names = {key: name.strip() for name, key in COLUMNS.items()}
    return Layout(
        f"Seconds and memory of a selection, {suite}", ["n", "strategy"], figures, names=names
    )


def _digits(key: str) -> int | None:
    return (
        0
        if key.endswith("_mb")
        else 2
        if key.endswith("_s")
        else 1
        if key in ("ratio", "factor")
        else None
    )


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown; columns without any value are left out."""
    kept = {name: key for name, key in COLUMNS.items() if any(row[key] is not None for row in rows)}
    lines = [list(kept), ["---"] * len(kept)]
    lines += [[_text(key, row[key]) for key in kept.values()] for row in rows]
    return "\n".join(f"| {' | '.join(cell.strip() for cell in line)} |" for line in lines)


def _text(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if key.endswith("_mb") else f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
