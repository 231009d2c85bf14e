"""Tables in CSV, read strictly: what spreadsheets write comes in, what is doubtful is refused.

UTF-8 or UTF-16 with its mark; commas, semicolons or tabs; line ends of any system. Names of columns
are taken without blanks around them and in small letters.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelcycle.core.counted_nouns import counted
from labelcycle.errors import DataError

SEPARATORS = ",;\t"

Need = Sequence[Sequence[str]]
"""Names of columns in groups: of each group one is wanted at least."""


@dataclass(frozen=True)
class TableRow:
    """One row below the header; line : the number of its first line in the file."""

    line: int
    cells: dict[str, str]


@dataclass(frozen=True)
class Dialect:
    """How a table is written; columns : the names in its header."""

    encoding: str
    separator: str
    columns: tuple[str, ...]


def read(path: Path, need: Need) -> list[TableRow]:
    """The rows of a table; a cell that is missing at the end of a row is empty.

    Raises DataError that names the line if a column is missing or there twice, or if a row has
    more cells than the header.
    """
    text, encoding = _text(path)
    dialect = _dialect(path, text, encoding, need)
    _check_columns(path, dialect.columns, need)
    rows = list(_rows(path, text, dialect))
    width = len(dialect.columns)
    for line, cells in rows:
        if any(cell.strip() for cell in cells[width:]):
            raise DataError(
                f"{path}: line {line} has {counted(len(cells), 'cell')}: wanted {width}, as in"
                f" line 1; put quotes around a cell that holds a {_called(dialect.separator)}"
            )
    padded = ((line, [*cells, *[""] * width][:width]) for line, cells in rows)
    return [
        TableRow(line, dict(zip(dialect.columns, cells, strict=True))) for line, cells in padded
    ]


def column_name(written: str) -> str:
    """A column's name as it is looked for: without blanks around it, in small letters."""
    return written.strip().casefold()


def dialect(path: Path, need: Need) -> Dialect:
    """How a table is written. Raises DataError if it is no text."""
    return _dialect(path, *_text(path), need)


# --- reading -------------------------------------------------------------------------------


def _text(path: Path) -> tuple[str, str]:
    """The whole text, and its encoding."""
    try:
        data = path.read_bytes()
        wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "utf-16" if wide else "utf-8-sig"
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}: line {line} is not UTF-8 ({error.reason}): wanted CSV in UTF-8; save it as"
            ' "CSV UTF-8" in the spreadsheet, or convert it:'
            f" iconv -f WINDOWS-1252 -t UTF-8 {path.name} > new.csv"
        ) from error
    except OSError as error:
        raise DataError(f"cannot read {path}: wanted a CSV in UTF-8, got {error}") from error


def _dialect(path: Path, text: str, encoding: str, need: Need) -> Dialect:
    """The separator with which the header has what is needed; else the first that splits it."""
    dialects = []
    for separator in SEPARATORS:
        try:
            header = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
        except csv.Error as error:
            raise DataError(f"{path}: line 1 is no CSV: {error}") from error
        columns = tuple(map(column_name, header))
        dialects.append(Dialect(encoding, separator, columns))
    fit = [
        candidate
        for candidate in dialects
        if all(set(group) & set(candidate.columns) for group in need)
    ]
    split = [candidate for candidate in dialects if len(candidate.columns) > 1]
    return [*fit, *split, dialects[0]][0]


def _check_columns(path: Path, columns: Sequence[str], need: Need) -> None:
    lacking = [" or ".join(f"`{name}`" for name in group) for group in need]
    if any(not set(group) & set(columns) for group in need):
        raise DataError(
            f"{path}: wanted a header with {' and '.join(lacking)}, got"
            f" {', '.join(columns) or 'an empty file'}; name the columns in line 1"
        )
    counts = Counter(columns)
    twice = [name for group in need for name in group if counts[name] > 1]
    if twice:
        raise DataError(
            f"{path}: line 1 has the column `{twice[0]}` {counts[twice[0]]} times: wanted it once;"
            " leave the others out"
        )


def _rows(path: Path, text: str, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator, strict=True)
    before = 0
    try:
        for cells in reader:
            if before and cells:
                yield before + 1, cells
            before = reader.line_num
    except csv.Error as error:
        raise DataError(
            f"{path}: line {before + 1} is no CSV: {error}; look at its quotes"
        ) from error


def _called(separator: str) -> str:
    return {",": "comma", ";": "semicolon"}.get(separator, "tab")


# --- writing -------------------------------------------------------------------------------


def written(rows: Sequence[Sequence[str]]) -> str:
    """CSV that `read` reads back; a line break within a cell is quoted, of whatever system."""
    lines = []
    for row in rows:
        line = io.StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(row)  # with "\n" alone a CR is not quoted
        lines.append(line.getvalue().removesuffix("\r\n"))
    return "".join(f"{line}\n" for line in lines)


FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A spreadsheet runs a cell that begins so."""


def guarded(cell: str) -> str:
    """The cell as no spreadsheet runs it: `'` before a formula. Plain numbers stay."""
    return f"'{cell}" if _runs(cell.lstrip("'")) and not _number(cell) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell[1:] if cell.startswith("'") and _runs(cell.lstrip("'")) else cell


def _runs(cell: str) -> bool:
    return cell.startswith(FORMULA)


def _number(cell: str) -> bool:
    digits = cell[1:].replace(".", "", 1) if cell[0] in "+-" else ""
    return digits.isascii() and digits.isdigit()
