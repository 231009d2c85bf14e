"""One table of several: what one command cannot measure, such as sets with pools of other sizes.

    python benchmarks/join_results.py A.json B.json ... --into benchmarks/results/NAME.json
        [--only KEY=VALUE ...]

The tables are results files that other programs wrote with `--into`, also into other folders. The
new one has their rows in this order, all commands, and every commit, with its table if they differ.
`--only` keeps the rows with these values. A file that is there keeps its title and its layout.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from results_file import OddTable, Table, check, read, text_of


def joined(tables: Sequence[Table], only: Sequence[tuple[str, str]], shown: Table) -> Table:
    """The rows of some tables as one, in the layout of `shown`. Raises OddTable."""
    rows = [row for table in tables for row in table.rows]
    kept = [row for row in rows if all(str(row.get(key)) == value for key, value in only)]
    if not kept:
        raise OddTable(f"no row has {', '.join('='.join(pair) for pair in only)}")

    def facts(of: Callable[[Table], str | None]) -> str:
        return "; ".join(filter(None, dict.fromkeys(of(table) for table in tables)))

    return replace(
        shown,
        command=tuple(dict.fromkeys(line for table in tables for line in table.command)),
        commit=facts(lambda table: table.commit),
        machine=facts(lambda table: table.machine),
        seeds=facts(lambda table: table.seeds),
        note=facts(lambda table: table.note),
        older=facts(lambda table: table.older) or None,
        rows=tuple(kept),
    )


def pair(text: str) -> tuple[str, str]:
    """A key with its value."""
    key, sign, value = text.partition("=")
    if not sign:
        raise argparse.ArgumentTypeError(f"wanted KEY=VALUE, got {text}")
    return key, value


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--into", type=Path, metavar="FILE", required=True)
    parser.add_argument("--only", type=pair, nargs="+", default=[], metavar="KEY=VALUE")
    given = parser.parse_args(words)
    try:
        tables = [read(path.stem, path.parent) for path in given.files]
        shown = read(given.into.stem, given.into.parent) if given.into.exists() else tables[0]
        table = joined(tables, given.only, shown)
        check(table)
    except OddTable as odd:
        sys.exit(str(odd))
    given.into.write_text(text_of(table), encoding="utf-8")
    print(f"{given.into}: written; `make results` prints it", file=sys.stderr)


if __name__ == "__main__":
    main()
