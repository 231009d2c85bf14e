"""A table of results in Markdown."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from results_file import Figure, Row, Table

WIDTH = 110
"""Characters of a line that says where a table was measured."""


def source(table: Table) -> str:
    """What prints the figures again, where they were measured, and why they are old if they are."""
    facts = [f"commit {table.commit}", table.machine, table.seeds, table.note]
    where = textwrap.wrap("; ".join(filter(None, facts)), WIDTH)
    block = "\n".join(f"    {line}" for line in (*table.command, *(f"# {x}" for x in where)))
    return f"{block}\n\n**Older.** {table.older}" if table.older else block


def markdown(table: Table, chosen: Mapping[str, str]) -> str:
    """The rows that have the chosen values. Raises ValueError where there is none."""
    rows = [row for row in table.rows if all(str(row.get(k)) == v for k, v in chosen.items())]
    if not rows:
        raise ValueError(f"no row has {', '.join(f'{k}={v}' for k, v in chosen.items())}")
    down = [key for key in table.down if key not in chosen]
    across = [key for key in table.across if key not in chosen]
    body = _crossed(table, rows, down, across) if across else _plain(table, rows, down)
    return "\n".join(body)


def _plain(table: Table, rows: Sequence[Row], down: Sequence[str]) -> list[str]:
    """A column for each figure."""
    figures = [f for f in table.figures if any(row.get(f.key) is not None for row in rows)]
    head = [_name(table, key) for key in (*down, *(figure.key for figure in figures))]
    lines = [
        [cell([figure], row, _best(figure, _rivals(table, row, rows))) for figure in figures]
        for row in rows
    ]
    return _table(head, _stubs(rows, down), lines)


def _crossed(
    table: Table, rows: Sequence[Row], down: Sequence[str], across: Sequence[str]
) -> list[str]:
    """A column for each combination of values of `across`, with all figures in a cell."""
    columns = list(dict.fromkeys(tuple(row[key] for key in across) for row in rows))
    of_column = {
        column: [row for row in rows if tuple(row[key] for key in across) == column]
        for column in columns
    }
    cells: dict[tuple[Any, ...], dict[tuple[Any, ...], str]] = {}
    for column, some in of_column.items():
        for row in some:
            best = _best(table.figures[0], _rivals(table, row, some))
            stub = tuple(row[key] for key in down)
            cells.setdefault(stub, {})[column] = cell(table.figures, row, best)
    head = [*(_name(table, key) for key in down), *_heads(table, columns, across)]
    stubs = _stubs([dict(zip(down, stub, strict=True)) for stub in cells], down)
    lines = [[found.get(column, "") for column in columns] for found in cells.values()]
    return _table(head, stubs, lines)


def _rivals(table: Table, row: Row, rows: Sequence[Row]) -> list[Row]:
    """The rows that a row is compared with."""
    return [other for other in rows if all(other[key] == row[key] for key in table.groups)]


def _heads(table: Table, columns: Sequence[tuple[Any, ...]], across: Sequence[str]) -> list[str]:
    """The heads of the columns; the last one says what is counted."""
    heads = []
    for number, column in enumerate(columns):
        before = columns[number - 1][:-1] if number else None
        words = [] if column[:-1] == before else [*column[:-1]]
        heads.append(", ".join(shown(value) for value in (*words, column[-1])))
    counted = table.names.get(across[-1], "")
    return [*heads[:-1], f"{heads[-1]} {counted}".strip()]


def _stubs(rows: Sequence[Row], down: Sequence[str]) -> list[list[str]]:
    """The cells that begin each line; what the line above says is not said again."""
    stubs: list[list[str]] = []
    before: list[Any] = []
    for row in rows:
        values = [row[key] for key in down]
        same = [values[: i + 1] == before[: i + 1] for i in range(len(down))]
        stubs.append(["" if said else shown(v) for said, v in zip(same, values, strict=True)])
        before = values
    return stubs


def _table(
    head: Sequence[str], stubs: Sequence[list[str]], lines: Sequence[list[str]]
) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
        *(f"| {' | '.join([*a, *b])} |" for a, b in zip(stubs, lines, strict=True)),
    ]


def _name(table: Table, key: str) -> str:
    return table.names.get(key, key.replace("_", " "))


# --- cells ---------------------------------------------------------------------------------


def cell(figures: Sequence[Figure], row: Row, best: str | None = None) -> str:
    """The figures of a row that are there; `best` of the first one is bold.

    Only the last figure has its standard error beside it: a gain stands for the error.
    """
    there = [figure for figure in figures if row.get(figure.key) is not None]
    text = ""
    for figure in there:
        part = said(figure, row, with_error=figure is there[-1])
        if figure is figures[0] and figure.best and number(figure, row[figure.key]) == best:
            plain = number(figure, row[figure.key])
            part = part.replace(plain, f"**{plain}**", 1)
        elif figure.signed and (mark := _mark(figure, row, alone=len(there) == 1)):
            part = f"{mark}{part}{mark}"
        text += f"{' ' if figure.signed else ', '}{part}" if text else part
    return text


def _mark(figure: Figure, row: Row, alone: bool) -> str:
    """Around a gain whose whole interval is on one side of 0."""
    low, high = row.get(f"{figure.key}_low"), row.get(f"{figure.key}_high")
    if high is not None and high < 0:
        return "*"
    return "**" if alone and low is not None and low > 0 else ""


def said(figure: Figure, row: Row, with_error: bool = True) -> str:
    """A figure with its interval, and with its standard error."""
    text = number(figure, row[figure.key])
    error = row.get(f"{figure.key}_se")
    if with_error and error is not None:
        text += f" ± {number(figure, error).lstrip('+')}"
    ends = [row.get(f"{figure.key}_{end}") for end in ("low", "high")]
    if None not in ends:
        text += f" [{', '.join(number(figure, end) for end in ends)}]"
    return f"{text}{figure.unit}"


def number(figure: Figure, value: object) -> str:
    """A value as the figure says; a text as it is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return shown(value)
    sign, scaled = "+" if figure.signed else "", value * figure.times
    return f"{scaled:{sign},}" if figure.digits is None else f"{scaled:{sign},.{figure.digits}f}"


def shown(value: object) -> str:
    """A value of a key, or a text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value).replace("|", "\\|")


def _best(figure: Figure, rows: Sequence[Row]) -> str | None:
    """The best value as it is printed, so that equals are all bold; None where none is wanted."""
    values = [row[figure.key] for row in rows if isinstance(row.get(figure.key), int | float)]
    if not figure.best or len(values) < 2:
        return None
    return number(figure, max(values) if figure.best == "most" else min(values))
