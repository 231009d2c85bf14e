"""A table of results in Markdown."""

import textwrap
from collections.abc import Mapping

from results_file import Table

from labelcycle.simulate import markdown_tables
from labelcycle.simulate.markdown_tables import Shape

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
    shape = Shape(
        figures=table.figures,
        down=[key for key in table.down if key not in chosen],
        across=[key for key in table.across if key not in chosen],
        groups=table.groups,
        names=table.names,
        values=table.values,
    )
    return markdown_tables.table(rows, shape)
