"""The index of claims: each says in which row of which results file its numbers are.

`claims.json` holds them. A number is never written there: it is read from the table. So the pages
and the tables cannot disagree.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from results_file import Figure, OddTable, Row, Table, with_defaults
from results_file import read as table_named

from labelcycle.campaign.records.json_values import OddValueError, typed

FILE = Path(__file__).parent / "claims.json"


@dataclass(frozen=True)
class Number:
    """A figure of one row.

    table : name of the results file
    where : values that only this row has
    figure : key of the row
    digits, times, signed : how it is printed, as in `results_file.Figure`
    """

    table: str
    where: Mapping[str, Any]
    figure: str
    digits: int | None = 1
    times: int = 100
    signed: bool = False

    def found(self, table: Table | None = None) -> Row:
        """The row, in this table or in the file. Raises OddTable if there is not exactly one."""
        rows = (table or table_named(self.table)).rows
        fit = [row for row in rows if all(row.get(k) == v for k, v in self.where.items())]
        if len(fit) != 1 or not isinstance(fit[0].get(self.figure), int | float):
            raise OddTable(
                f"table {self.table}: wanted one row with {dict(self.where)} and a number"
                f" {self.figure!r}, got {len(fit)} rows; mend claims.json or the table"
            )
        return fit[0]

    def spread(self, row: Row) -> tuple[float, float]:
        """From where to where the figure may be: its interval, or two standard errors around it.

        With neither, nothing but the figure itself.
        """
        value = row[self.figure]
        if row.get(f"{self.figure}_low") is not None:
            return row[f"{self.figure}_low"], row[f"{self.figure}_high"]
        error = row.get(f"{self.figure}_se") or 0
        return value - 2 * error, value + 2 * error

    def layout(self) -> Figure:
        """How it is printed."""
        return Figure(self.figure, self.digits, self.times, self.signed)


@dataclass(frozen=True)
class Again:
    """How `make claims` measures a claim again.

    commands : by the name of a table, programs of benchmarks/ that print it, without `python`
    needs : files that they read, in the folder of the image sets
    why_not : why the claim is not measured again; then there are no commands
    """

    commands: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    needs: tuple[str, ...] = ()
    why_not: str = ""


@dataclass(frozen=True)
class Claim:
    """A sentence of the README or the results, and the numbers behind it.

    measured : text with the names of numbers in braces
    page : where it is explained: a page and a heading
    command : Markdown in place of the tables' own commands
    readme : whether the README's table has it
    """

    claim: str
    measured: str
    numbers: Mapping[str, Number]
    page: str
    again: Again
    command: str = ""
    readme: bool = False

    def tables(self) -> list[str]:
        """The names of its results files."""
        return list(dict.fromkeys(each.table for each in self.numbers.values()))


def read(path: Path | None = None) -> list[Claim]:
    """All claims, in the order of the file. Raises OddTable."""
    path, claims = path or FILE, []
    for number, value in enumerate(json.loads(path.read_text(encoding="utf-8"))):
        try:
            claims.append(_claim(value))
        except (OddValueError, OddTable) as odd:
            raise OddTable(f"{path.name}: claim {number}: {odd}") from None
    return claims


def _claim(value: Any) -> Claim:
    if isinstance(value, dict):
        value = with_defaults(Claim, value)
        value |= {"again": with_defaults(Again, value.get("again"))}
        numbers = value.get("numbers")
        if isinstance(numbers, dict):
            value |= {"numbers": {k: with_defaults(Number, one) for k, one in numbers.items()}}
    claim: Claim = typed(Claim, value)
    for name, number in claim.numbers.items():
        number.found()
        if f"{{{name}}}" not in claim.measured:
            raise OddTable(f"measured: wanted {{{name}}} in it")
    if bool(claim.again.commands) == bool(claim.again.why_not):
        raise OddTable("again: wanted commands or why_not, and not both")
    return claim
