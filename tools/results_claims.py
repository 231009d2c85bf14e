"""The index of claims as tables in Markdown."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from claims_file import Claim
from results_file import read

from labelcycle.simulate.markdown_tables import said


def measured(claim: Claim) -> str:
    """The text of a claim's measurement, with the numbers of its tables."""
    rows = {name: number.found() for name, number in claim.numbers.items()}
    texts = {name: said(claim.numbers[name].layout(), row) for name, row in rows.items()}
    return claim.measured.format(**texts)


def commands(claim: Claim) -> str:
    """What prints a claim's numbers again, and the commits that printed them."""
    tables = [read(name) for name in claim.tables()]
    lines = dict.fromkeys(line.removeprefix("python ") for t in tables for line in t.command)
    commits = ", ".join(dict.fromkeys(f"{t.commit}{', older' if t.older else ''}" for t in tables))
    return f"{claim.command or ', '.join(f'`{line}`' for line in lines)} ({commits})"


def short(claims: Iterable[Claim]) -> str:
    """The README's table."""
    rows = [f"| {each.claim} | {measured(each)} | {commands(each)} |" for each in claims]
    return "\n".join(["| claim | measured | command |", "|---|---|---|", *rows])


def index(claims: Iterable[Claim]) -> str:
    """All claims, with the tables and the place on the page of results."""
    lines = ["| claim | measured | command | tables |", "|---|---|---|---|"]
    for each in claims:
        tables = ", ".join(f"`{name}`" for name in each.tables())
        where = f"[{tables}]({_within(each.page)})"
        lines.append(f"| {each.claim} | {measured(each)} | {commands(each)} | {where} |")
    return "\n".join(lines)


def _within(page: str) -> str:
    """The place as a link on the page of results."""
    path, _, anchor = page.partition("#")
    name = PurePosixPath(path)
    if name == PurePosixPath("docs/results.md"):
        return f"#{anchor}"
    return f"{name.relative_to('docs')}#{anchor}" if anchor else str(name.relative_to("docs"))
