"""Print the tables of the results into the pages.

    python tools/results.py           write them
    python tools/results.py --check   compare them; the exit code is 1 if a page is not up to date

A page names a table in a comment. What stands between it and its `<!-- end -->` is printed:

    <!-- table NAME [KEY=VALUE ...] -->    rows of benchmarks/results/NAME.json, with these values
    <!-- claims -->                        those claims of benchmarks/claims.json with `readme`
    <!-- claims all -->                    all claims

Above a table stands what prints its figures again, and where that was measured. It is not repeated
for the next table with the same.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "benchmarks"))

import claims_file  # noqa: E402
from results_claims import index, short  # noqa: E402
from results_file import OddTable, read  # noqa: E402
from results_text import markdown, source  # noqa: E402

END = "<!-- end -->"
REGION = re.compile(rf"(<!-- (table|claims)\b ?(.*?) ?-->\n)(.*?)({END})", re.DOTALL)
COMMENT = re.compile(rf"<!-- (?:table|claims)\b.*?-->|{END}", re.DOTALL)


class OddRegion(Exception):
    """A comment of a page that names nothing to be printed; names the page and what to do."""


def pages() -> list[Path]:
    """Every page that a table could be on."""
    return [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]


def tables_of(text: str) -> Iterator[str]:
    """The names of the tables that a page shows."""
    for found in REGION.finditer(text):
        if found[2] == "table":
            yield shlex.split(found[3])[0]


def printed(text: str, page: str) -> str:
    """The text of a page with its regions anew. Raises OddTable or OddRegion."""
    _check_ends(text, page)
    seen: set[str] = set()

    def region(found: re.Match[str]) -> str:
        words = shlex.split(found[3])
        made = _claims(words, page) if found[2] == "claims" else _table(words, page, seen)
        return f"{found[1]}\n{made}\n\n{found[5]}"

    return REGION.sub(region, text)


def _check_ends(text: str, page: str) -> None:
    """Raise OddRegion for a region without an end of its own: printing it would lose what follows.

    Also for an end without a region, whose comment may be misspelt.
    """
    opened = None
    for comment in COMMENT.findall(text):
        if opened and comment != END:
            raise OddRegion(f"{page}: wanted `{END}` after `{opened}`, got `{comment}`: add it")
        if not opened and comment == END:
            raise OddRegion(f"{page}: wanted `<!-- table NAME -->` before each `{END}`: remove it")
        opened = comment if comment != END else None
    if opened:
        raise OddRegion(f"{page}: wanted `{END}` after `{opened}`, got the page's end: add it")


def _table(words: list[str], page: str, seen: set[str]) -> str:
    if not words or not all("=" in word for word in words[1:]):
        raise OddRegion(f"{page}: wanted `table NAME KEY=VALUE ...`, got {words}")
    name, *rest = words
    table = read(name)
    parts = [] if source(table) in seen else [source(table)]
    seen.add(source(table))
    try:
        parts.append(markdown(table, dict(word.split("=", 1) for word in rest)))
    except ValueError as error:
        raise OddRegion(f"{page}: table {name}: {error}") from None
    return "\n\n".join(parts)


def _claims(words: list[str], page: str) -> str:
    if words not in ([], ["all"]):
        raise OddRegion(f"{page}: wanted `claims` or `claims all`, got {words}")
    claims = claims_file.read()
    if words:
        return index(claims)
    return short([claim for claim in claims if claim.readme])


def main() -> None:
    """Write the pages, or compare them."""
    old = []
    try:
        for path in pages():
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(TOP).as_posix()
            new = printed(text, name)
            if new != text:
                old.append(name)
                if "--check" not in sys.argv[1:]:
                    path.write_text(new, encoding="utf-8")
                    print(f"{name}: written")
    except (OddTable, OddRegion) as odd:
        sys.exit(str(odd))
    if old and "--check" in sys.argv[1:]:
        sys.exit(f"not what benchmarks/results says: {', '.join(old)}; run `make results`")


if __name__ == "__main__":
    main()
