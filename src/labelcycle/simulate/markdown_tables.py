"""Rows as tables in Markdown."""

from collections.abc import Mapping, Sequence

from labelcycle.simulate.results import FEWEST, ROUGH, Row

Curves = Mapping[str, Sequence[Row]]
"""By strategy, its rows by rising budget."""


def table(curves: Curves, base: str) -> str:
    """Per cent: the figures of `base`, those of the others and their difference to it.

    The best of a column is bold; a difference whose whole interval is below 0 is in italics.
    """
    head = " | ".join(f"{row['budget']}" for row in curves[base])
    count = len(curves[base])
    best = [max(rows[i]["accuracy"] for rows in curves.values()) for i in range(count)]
    lines = [f"| strategy | {head} labels |", "|---" * (count + 1) + "|"]
    for name, rows in curves.items():
        cells = (_cell(row, top, name == base) for row, top in zip(rows, best, strict=True))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def stand_ins(curves: Curves) -> str:
    """Of which strategies another one picked, because the model said the same of all samples."""
    shares = {
        name: [(row["budget"], row["stood_in"]) for row in rows if row["stood_in"]]
        for name, rows in curves.items()
    }
    parts = [
        f"{name} {', '.join(f'{share:.0%} at {budget}' for budget, share in found)}"
        for name, found in shares.items()
        if found
    ]
    if not parts:
        return ""
    return (
        "Share of a round's picks by the cold start strategy, for the model said the same of all"
        f" samples: {'; '.join(parts)}."
    )


def intervals(seeds: int, base: str) -> str:
    """What the brackets are, and how far to trust them; or why there are none."""
    if seeds < FEWEST:
        return f"No intervals: they take {FEWEST} seeds or more, and are rough below {ROUGH}."
    text = f"In brackets: 95 % interval of the gain over {base}, paired by seed."
    rough = f" Fewer than {ROUGH} seeds: the intervals are wide and rough."
    return f"{text}{rough}" if seeds < ROUGH else text


def _cell(row: Row, best: float, is_base: bool) -> str:
    value = f"{100 * row['accuracy']:.1f}"
    value = f"**{value}**" if row["accuracy"] == best else value
    if is_base:
        return f"{value} ± {100 * row['se']:.1f}" if row["se"] is not None else value
    gain = f"{100 * row['gain']:+.1f}"
    if row["gain_low"] is not None:
        gain += f" [{100 * row['gain_low']:+.1f}, {100 * row['gain_high']:+.1f}]"
    return f"{value} {f'*{gain}*' if is_worse(row) else gain}"


def is_better(row: Row) -> bool:
    """Whether the whole interval of the gain is above 0."""
    return row["gain_low"] is not None and row["gain_low"] > 0


def is_worse(row: Row) -> bool:
    """Whether the whole interval of the gain is below 0."""
    return row["gain_high"] is not None and row["gain_high"] < 0
