"""The page of an experiment's tables, table.md."""

from collections.abc import Iterable, Mapping
from typing import Any

from labelcycle.core.counted_nouns import counted
from labelcycle.simulate import markdown_tables
from labelcycle.simulate.markdown_tables import Figure, Shape
from labelcycle.simulate.result_rows import curves_of, groups, heading
from labelcycle.simulate.results import FEWEST, ROUGH, Curves, Row

FIGURES = (
    Figure("accuracy", digits=1, times=100, best="most"),
    Figure("gain", digits=1, times=100, signed=True),
)
SHAPE = Shape(figures=FIGURES, down=["strategy"], across=["budget"], names={"budget": "labels"})


def page(results: Mapping[str, Any]) -> str:
    """The text of table.md from what results.json holds."""
    lines = [f"# {results['experiment']}", ""]
    for facts, learner, clusterer in groups(results):
        curves = curves_of(results, facts["data"], learner, clusterer)
        rows = printed_rows((row for each in curves.values() for row in each), results["base"])
        seeds = curves[results["base"]][0]["seeds"]
        lines += [
            f"## {heading(results, facts, learner, clusterer)}",
            "",
            f"{facts['metric'].capitalize()} in per cent on {facts['test']:,} test samples, mean of"
            f" {counted(seeds, 'seed', spec=',')}, pools of {facts['pool']:,}."
            f" {intervals(seeds, results['base'])}",
            "",
            markdown_tables.table(rows, SHAPE),
            "",
        ]
        stand_in_lines = stand_ins(curves)
        lines += [stand_in_lines, ""] if stand_in_lines else []
    return "\n".join(lines)


def printed_rows(rows: Iterable[Row], base: str) -> list[Row]:
    """The rows as a table shows them.

    The standard error is that of the accuracy. The gain of `base` is left out: it is 0 by its
    meaning.
    """
    found = []
    for row in rows:
        new = {("accuracy_se" if key == "se" else key): value for key, value in row.items()}
        if row["strategy"] == base:
            for key in ("gain", "gain_low", "gain_high"):
                del new[key]
        found.append(new)
    return found


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
