"""Rows of figures as a table in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

FigureRow = Mapping[str, Any]
"""Texts, numbers, true, false or null by key."""


@dataclass(frozen=True)
class Figure:
    """A figure of the rows, and how it is printed.

    key : of the rows. `KEY_se` in a row is its standard error, `KEY_low` and `KEY_high` its
        interval
    digits : decimals; None: as in the row
    times : it is multiplied by this: 100 for a share that is printed in per cent
    signed : with a sign. An interval below 0 is in italics
    best : the best of a column is bold, in each group of lines
    unit : printed behind it
    """

    key: str
    digits: int | None = None
    times: int = 1
    signed: bool = False
    best: Literal["most", "least"] | None = None
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """Where a table has which figures.

    down : keys of the rows that begin a line
    across : keys whose values make the columns. Without any, each figure is a column
    groups : keys of lines that are compared with each other: the best among them is bold
    names : what a key is called at the head of its column
    values : what a value of `down` or `across` is called
    """

    figures: Sequence[Figure]
    down: Sequence[str]
    across: Sequence[str] = ()
    groups: Sequence[str] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


def table(rows: Sequence[FigureRow], shape: Shape) -> str:
    """The rows as a table; each has a value for every key of `down` and `across`."""
    return "\n".join(_crossed(rows, shape) if shape.across else _plain(rows, shape))


def _plain(rows: Sequence[FigureRow], shape: Shape) -> list[str]:
    """A column for each figure."""
    figures = [f for f in shape.figures if any(row.get(f.key) is not None for row in rows)]
    head = [_name(shape, key) for key in (*shape.down, *(figure.key for figure in figures))]
    lines = [
        [cell([figure], row, _best(figure, _rivals(shape, row, rows))) for figure in figures]
        for row in rows
    ]
    return _table(head, _stubs(rows, shape), lines)


def _crossed(rows: Sequence[FigureRow], shape: Shape) -> list[str]:
    """A column for each combination of values of `across`, with all figures in a cell."""
    columns = list(dict.fromkeys(tuple(row[key] for key in shape.across) for row in rows))
    of_column = {
        column: [row for row in rows if tuple(row[key] for key in shape.across) == column]
        for column in columns
    }
    cells: dict[tuple[Any, ...], dict[tuple[Any, ...], str]] = {}
    for column, some in of_column.items():
        for row in some:
            best = _best(shape.figures[0], _rivals(shape, row, some))
            stub = tuple(row[key] for key in shape.down)
            cells.setdefault(stub, {})[column] = cell(shape.figures, row, best)
    head = [*(_name(shape, key) for key in shape.down), *_heads(shape, columns)]
    stubs = _stubs([dict(zip(shape.down, stub, strict=True)) for stub in cells], shape)
    lines = [[found.get(column, "") for column in columns] for found in cells.values()]
    return _table(head, stubs, lines)


def _rivals(shape: Shape, row: FigureRow, rows: Sequence[FigureRow]) -> list[FigureRow]:
    """The rows that a row is compared with."""
    return [other for other in rows if all(other[key] == row[key] for key in shape.groups)]


def _heads(shape: Shape, columns: Sequence[tuple[Any, ...]]) -> list[str]:
    """The heads of the columns; the last one says what is counted."""
    heads = []
    for number, column in enumerate(columns):
        before = columns[number - 1][:-1] if number else None
        words = [] if column[:-1] == before else [*column[:-1]]
        heads.append(", ".join(_value(shape, value) for value in (*words, column[-1])))
    counted = shape.names.get(shape.across[-1], "")
    return [*heads[:-1], f"{heads[-1]} {counted}".strip()]


def _stubs(rows: Sequence[FigureRow], shape: Shape) -> list[list[str]]:
    """The cells that begin each line; what the line above says is not said again."""
    stubs: list[list[str]] = []
    before: list[Any] = []
    for row in rows:
        values = [row[key] for key in shape.down]
        same = [values[: i + 1] == before[: i + 1] for i in range(len(values))]
        stubs.append(
            ["" if said else _value(shape, v) for said, v in zip(same, values, strict=True)]
        )
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


def _name(shape: Shape, key: str) -> str:
    return shape.names.get(key, key.replace("_", " "))


def _value(shape: Shape, value: object) -> str:
    return shape.values.get(str(value)) or shown(value)


# --- cells ---------------------------------------------------------------------------------


def cell(figures: Sequence[Figure], row: FigureRow, best: str | None = None) -> str:
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


def _mark(figure: Figure, row: FigureRow, alone: bool) -> str:
    """Around a gain whose whole interval is on one side of 0."""
    low, high = row.get(f"{figure.key}_low"), row.get(f"{figure.key}_high")
    if high is not None and high < 0:
        return "*"
    return "**" if alone and low is not None and low > 0 else ""


def said(figure: Figure, row: FigureRow, with_error: bool = True) -> str:
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


def _best(figure: Figure, rows: Sequence[FigureRow]) -> str | None:
    """The best value as it is printed, so that equals are all bold; None where none is wanted."""
    values = [row[figure.key] for row in rows if isinstance(row.get(figure.key), int | float)]
    if not figure.best or len(values) < 2:
        return None
    return number(figure, max(values) if figure.best == "most" else min(values))
