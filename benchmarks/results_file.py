"""A table of the results as a file: what was measured, where, and how it is printed.

Every file in `benchmarks/results/` holds one `Table`. `tools/results.py` prints it into the pages.
A benchmark writes one with `--into FILE`. If the file is already there, its title and its layout
stay, and the new figures take the place of the old ones. CONTRIBUTING.md says how a table is added.
"""

import argparse
import dataclasses
import hashlib
import json
import math
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measured import commit

from labelcycle.campaign.records.json_values import OddValueError, typed
from labelcycle.simulate.markdown_tables import Figure
from labelcycle.simulate.markdown_tables import FigureRow as Row

FOLDER = Path(__file__).parent / "results"
PRECISION = 6
"""Decimals that a file keeps."""

PRIVATE = (
    *("--into", "--model-into", "--seconds-into", "--note", "--json"),
    *("--shared", "--cache", "--results", "--jobs"),
)
"""Options that change no figure; they are left out of a table's command."""

DIGEST = "digest"
"""Key of the digest of the fields that follow."""

MEASURED = ("command", "commit", "machine", "seeds", "rows")

LISTED = ("command", "figures", "rows")
"""Fields whose entries have a line each in the file."""


class OddTable(Exception):
    """A results file that does not hold a table; names the file, the field, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a program measured.

    command : lines that print these figures again
    commit : the code that was measured
    machine, seeds, note : in words. `note` says whether the cores were idle
    older : why today's code may give other figures, or why they cannot be measured again here
    down : keys of the rows that begin a line
    across : keys whose values make the columns. Without any, each figure is a column
    groups : keys of lines that are compared with each other: the best among them is bold
    names : what a key is called at the head of its column
    values : what a value of `down` or `across` is called
    """

    title: str
    command: tuple[str, ...]
    commit: str
    machine: str
    seeds: str = ""
    note: str = ""
    older: str | None = None
    down: tuple[str, ...]
    across: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    figures: tuple[Figure, ...]
    rows: tuple[Row, ...]


def read(name: str, folder: Path | None = None) -> Table:
    """The table in the file of that name, without its ending. Raises OddTable."""
    folder = folder or FOLDER
    path = folder / f"{name}.json"
    try:
        return table_of(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise OddTable(f"no results file {path.name}: make it, or name one of {folder}") from None
    except json.JSONDecodeError as error:
        raise OddTable(f"{path.name}: not JSON ({error}); mend it") from None
    except OddTable as odd:
        raise OddTable(f"{path.name}: {odd}; mend it") from None


def table_of(value: Any) -> Table:
    """The table that a JSON value describes. Raises OddTable."""
    if isinstance(value, dict):
        value = {key: each for key, each in value.items() if key != DIGEST}
    if isinstance(value, dict) and isinstance(value.get("figures"), list):
        value = value | {"figures": [with_defaults(Figure, one) for one in value["figures"]]}
    try:
        table: Table = typed(Table, with_defaults(Table, value))
    except OddValueError as odd:
        raise OddTable(str(odd)) from None
    check(table)
    return table


def with_defaults(kind: type, value: Any) -> Any:
    """A JSON object with the defaults of the dataclass in the fields that it leaves out."""
    return _defaults(kind) | value if isinstance(value, dict) else value


def without_defaults(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not at their default, as JSON values."""
    usual = _defaults(type(value))
    fields = dataclasses.asdict(value)
    return {key: each for key, each in fields.items() if key not in usual or each != usual[key]}


def _defaults(kind: type) -> dict[str, Any]:
    """The defaults of a dataclass, as JSON values."""
    found = {}
    for field in dataclasses.fields(kind):
        if field.default is not dataclasses.MISSING:
            found[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            found[field.name] = field.default_factory()
    return {key: [] if value == () else value for key, value in found.items()}


def check(table: Table) -> None:
    """Raise OddTable if the rows do not fit the layout."""
    if not table.rows:
        raise OddTable("rows: wanted at least one, got none")
    seen = set()
    for number, row in enumerate(table.rows):
        for key, value in row.items():
            if not isinstance(value, str | bool | int | float | None) or (
                isinstance(value, float) and not math.isfinite(value)
            ):
                raise OddTable(f"rows.{number}.{key}: wanted a text, a number or null")
        for key in (*table.down, *table.across):
            if row.get(key) is None:
                raise OddTable(f"rows.{number}: wanted a value for {key!r}, got none")
        place = tuple(row[key] for key in (*table.down, *table.across))
        if place in seen:
            raise OddTable(f"rows.{number}: wanted one row for {place}, got a second")
        seen.add(place)
    for figure in table.figures:
        if all(row.get(figure.key) is None for row in table.rows):
            raise OddTable(f"figures: no row has {figure.key!r}")


def text_of(table: Table) -> str:
    """The text of a results file: each row on a line, and a digest of what was measured.

    A test compares the digest, so that nobody changes by hand a number that no page shows. Title,
    layout, note and `older` may be.
    """
    fields = json.loads(json.dumps(dataclasses.asdict(table)))
    usual = _defaults(Table)
    lines = []
    for name, value in fields.items():
        if name in usual and value == usual[name]:
            continue
        if name == "figures":
            value = [without_defaults(figure) for figure in table.figures]
        if name in LISTED:
            inner = ",\n".join(f"  {_json(one)}" for one in value)
            lines.append(f' "{name}": [\n{inner}\n ]')
        else:
            lines.append(f' "{name}": {_json(value)}')
    measured = _json([fields[name] for name in MEASURED])
    digest = hashlib.sha256(measured.encode()).hexdigest()[:16]
    lines.append(f' "{DIGEST}": {_json(digest)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


# --- what a benchmark writes ---------------------------------------------------------------


def add_into(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """The options `--into` and `--note`."""
    told = "write a table of the results: benchmarks/results/NAME.json"
    parser.add_argument("--into", type=Path, metavar="FILE", required=required, help=told)
    parser.add_argument("--note", default="", help="of the table: were the cores idle or busy?")


@dataclass(frozen=True)
class Layout:
    """How a program's rows are printed where the file does not say so yet."""

    title: str
    down: Sequence[str]
    figures: Sequence[Figure]
    across: Sequence[str] = ()
    groups: Sequence[str] = ()
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)


def save(
    path: Path,
    layout: Layout,
    rows: Iterable[Row],
    *,
    note: str = "",
    seeds: str = "",
    command: Sequence[str] = (),
) -> None:
    """Write the table of a program's rows; a file that is there keeps its title and layout.

    command : without it, the one that was typed
    Ends the program if the rows do not fit the layout.
    """
    try:
        old = read(path.stem, path.parent) if path.exists() else None
        table = _made(old or layout, rows, note, seeds, command)
    except OddTable as odd:
        sys.exit(f"{path.name}: {odd}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(table), encoding="utf-8")
    print(f"{path}: written; `make results` prints it", file=sys.stderr)


def _made(
    shown: Table | Layout, rows: Iterable[Row], note: str, seeds: str, command: Sequence[str]
) -> Table:
    """The table of rows that were measured now. A layout loses the figures that no row has."""
    kept = [{key: _short(value) for key, value in row.items()} for row in rows]
    figures = [
        figure
        for figure in shown.figures
        if isinstance(shown, Table) or any(row.get(figure.key) is not None for row in kept)
    ]
    table = Table(
        title=shown.title,
        command=tuple(command) or (typed_command(sys.argv),),
        commit=commit(),
        machine=machine(),
        seeds=seeds,
        note=note,
        older=None,
        down=tuple(shown.down),
        across=tuple(shown.across),
        groups=tuple(shown.groups),
        names=dict(shown.names),
        values=dict(shown.values) if isinstance(shown, Table) else {},
        figures=tuple(figures),
        rows=tuple(kept),
    )
    check(table)
    return table


def _short(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return round(plain, PRECISION) if isinstance(plain, float) else plain


def typed_command(words: Sequence[str]) -> str:
    """What to type for the same figures, without places of this computer."""
    left = []
    rest = iter(words[1:])
    for word in rest:
        name = word.partition("=")[0]
        if name in PRIVATE:
            if "=" not in word and name != "--json":
                next(rest, None)
        else:
            left.append(Path(word).name if Path(word).is_absolute() else word)
    return shlex.join(["python", f"benchmarks/{Path(words[0]).name}", *left])


def machine() -> str:
    """This computer in words."""
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{os.cpu_count()} cores, {platform.machine().replace('_', '-')}, {gpu}"
