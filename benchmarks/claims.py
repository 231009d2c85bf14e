"""Measure the cheap claims again, and say which no longer hold.

    python benchmarks/claims.py [--shared FOLDER] [--only WORD]

Each claim of claims.json names programs of this folder. They run as they are typed there and write
their tables into a folder that is removed at the end. Then each number of the claim is read from
the new table, and compared with the stored one:

    the same            as it is printed
    within its spread   in the stored interval, or within two standard errors
    outside             the claim no longer holds: the exit code is 1

A figure of one commit is the same to the digit on one machine. Another processor rounds otherwise,
so campaigns take other turns. A claim whose files are missing is not run: benchmarks/label_sets.py
and measured.py say what the files hold.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from claims_file import Claim, Number, read
from label_sets import VARIABLE, add_folders
from results_file import OddTable, Row, Table
from results_file import read as table_named

PROGRAMS = Path(__file__).parent
SAME, WITHIN, OUTSIDE, SKIPPED = "the same", "within its spread", "outside", "not measured again"
HOLDS, FAILS, NOT_RUN = "holds", "NO LONGER HOLDS", "not run here"


class Broken(Exception):
    """A program that ended with an error; its last lines."""


@dataclass(frozen=True)
class Compared:
    """A number of a claim, then and now, as printed."""

    name: str
    then: str
    now: str
    verdict: str


@dataclass(frozen=True)
class Outcome:
    """What became of a claim."""

    verdict: str
    why: str = ""
    numbers: Sequence[Compared] = ()


def compared(name: str, number: Number, new: Row | None) -> Compared:
    """A number of the stored table beside that of the new one."""
    old = number.found()
    if new is None:
        return Compared(name, shown(number, old), "", SKIPPED)
    low, high = number.spread(old)
    if plain(number, old) == plain(number, new):
        verdict = SAME
    else:
        verdict = WITHIN if low <= new[number.figure] <= high else OUTSIDE
    return Compared(name, shown(number, old), shown(number, new), verdict)


def plain(number: Number, row: Row) -> str:
    """The figure alone, with its decimals."""
    return text(number, row[number.figure])


def text(number: Number, value: float) -> str:
    """A value of a figure, with its decimals."""
    scaled, sign = value * number.times, "+" if number.signed else ""
    return f"{scaled:{sign}g}" if number.digits is None else f"{scaled:{sign}.{number.digits}f}"


def shown(number: Number, row: Row) -> str:
    """The figure with its spread."""
    low, high = number.spread(row)
    if low == high:
        return plain(number, row)
    return f"{plain(number, row)} [{text(number, low)}, {text(number, high)}]"


def missing(claim: Claim, shared: Path) -> list[str]:
    """The files that a claim needs and that are not there."""
    return [name for name in claim.again.needs if not (shared / name).is_file()]


def measured(claim: Claim, shared: Path, folder: Path) -> dict[str, Table]:
    """The tables of a claim, measured now. Raises Broken."""
    tables: dict[str, Table] = {}
    for name, commands in claim.again.commands.items():
        for number, command in enumerate(commands):
            table = once(command, shared, folder / f"{name}-{number}.json")
            old = tables.get(name)
            tables[name] = replace(table, rows=old.rows + table.rows) if old else table
    return tables


def once(command: str, shared: Path, path: Path) -> Table:
    """The table of one program. Raises Broken."""
    program, *words = shlex.split(command)
    call = [sys.executable, str(PROGRAMS / program), *words, "--into", str(path)]
    done = subprocess.run(
        call, env={**os.environ, VARIABLE: str(shared)}, capture_output=True, text=True
    )
    if done.returncode:
        raise Broken(f"{command}: " + " ".join(done.stderr.strip().splitlines()[-1:]))
    return table_named(path.stem, path.parent)


def outcome(claim: Claim, shared: Path, folder: Path) -> Outcome:
    """Whether a claim still holds."""
    if claim.again.why_not:
        return Outcome(NOT_RUN, claim.again.why_not)
    if lost := missing(claim, shared):
        why = f"no {', '.join(lost)} in {shared}: name the folder by --shared"
        return Outcome(
            NOT_RUN, f"{why}; benchmarks/label_sets.py and measured.py say what it holds"
        )
    try:
        tables = measured(claim, shared, folder)
    except Broken as error:
        return Outcome(FAILS, str(error))
    numbers = [
        compared(name, each, each.found(tables[each.table]) if each.table in tables else None)
        for name, each in claim.numbers.items()
    ]
    outside = any(each.verdict == OUTSIDE for each in numbers)
    return Outcome(FAILS if outside else HOLDS, numbers=numbers)


def told(claim: Claim, found: Outcome) -> Iterator[str]:
    """The lines of a claim."""
    yield f"{found.verdict}: {claim.claim}"
    if found.why:
        yield f"    {found.why}"
    for each in found.numbers:
        now = f", now {each.now}" if each.now else ""
        yield f"    {each.name}: then {each.then}{now}: {each.verdict}"


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", metavar="WORD", help="claims that have it")
    add_folders(parser)
    given = parser.parse_args(words)
    counts: dict[str, int] = {HOLDS: 0, FAILS: 0, NOT_RUN: 0}
    try:
        claims = [each for each in read() if given.only.lower() in each.claim.lower()]
        with tempfile.TemporaryDirectory() as folder:
            for claim in claims:
                began = time.monotonic()
                found = outcome(claim, given.shared.absolute(), Path(folder))
                counts[found.verdict] += 1
                print("\n".join(told(claim, found)), flush=True)
                print(f"    {time.monotonic() - began:.0f} s", flush=True)
    except OddTable as odd:
        sys.exit(str(odd))
    print(summary(counts))
    if counts[FAILS]:
        sys.exit(1)


def summary(counts: Mapping[str, int]) -> str:
    """One line."""
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


if __name__ == "__main__":
    main()
