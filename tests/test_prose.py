"""The pages are easy to read, as `tools/prose.py` measures it, and their links lead somewhere."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from prose import LINK, Figures, figures

TOP = Path(__file__).parents[1]
DECISIONS = TOP / "docs" / "decisions"
"""Notes of their time: what was written when the choice was made stays as it is."""

PAGES = [
    *(TOP / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")),
    *(p for p in sorted((TOP / "docs").rglob("*.md")) if p.parent != DECISIONS),
    DECISIONS / "index.md",
]
MOST = Figures(sentence=15, longest=40, paragraph=35, semicolons=8)
"""What a page may have of each."""


def above(found: Figures) -> list[str]:
    """What of a page is above the bounds."""
    return [
        f"{name} {value:g}, wanted at most {getattr(MOST, name):g}"
        for name, value in vars(found).items()
        if value > getattr(MOST, name)
    ]


@pytest.mark.parametrize("page", [path.relative_to(TOP).as_posix() for path in PAGES])
def test_a_page_is_easy_to_read(page: str) -> None:
    found = above(figures((TOP / page).read_text(encoding="utf-8")))
    assert not found, f"{page}: {'; '.join(found)}"


TEXT = """\
# No heading counts; ever

One two three four five. Six seven; eight nine ten! `a` b [c d](e;f.md) g h.

- A point of five words.
- Another point;
  it has eight words here.

1. Too short.

| a table | counts not; |

    code; code; code; code; code

```text
Code; is left out as well. Even this.
```

![a picture; left out](a.png)
"""


def test_the_figures_of_a_text_that_is_counted_by_hand() -> None:
    # sentences: 5, 5 (six ... ten!), 6 (a b c d g h), 5, 7; paragraphs: 16, 5, 7
    assert figures(TEXT) == Figures(sentence=5, longest=7, paragraph=7, semicolons=40.0)
    assert figures("# Nothing\n") == Figures(0, 0, 0, 0)
    assert above(Figures(16, 41, 36, 8.1)) == [
        "sentence 16, wanted at most 15",
        "longest 41, wanted at most 40",
        "paragraph 36, wanted at most 35",
        "semicolons 8.1, wanted at most 8",
    ]
    assert above(MOST) == []


# --- links ---------------------------------------------------------------------------------

FENCED = re.compile(r"(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$")
TARGET = re.compile(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)")
LINKED = [*PAGES, *sorted(DECISIONS.glob("0*.md"))]


def anchors(text: str) -> set[str]:
    """The names of a page's headings, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    for title in re.findall(r"(?m)^#+ +(.+?) *$", FENCED.sub("", text)):
        plain = LINK.sub(r"\1", title).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def broken(path: Path, text: str) -> Iterator[str]:
    """The links of a page to files and headings that are not there."""
    for target in TARGET.findall(FENCED.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        place = (path.parent / name) if name else path
        if not place.exists():
            yield target
        elif anchor:
            there = place.read_text(encoding="utf-8") if name else text
            if anchor not in anchors(there):
                yield target


@pytest.mark.parametrize("page", [path.relative_to(TOP).as_posix() for path in LINKED])
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    text = (TOP / page).read_text(encoding="utf-8")
    assert list(broken(TOP / page, text)) == []


def test_a_link_that_leads_nowhere_is_found() -> None:
    links = ["docs/index.md", "#b-c", "docs/index.md#guides", "https://x.org/y", "docs/"]
    lost = ["docs/nowhere.md", "#d", "docs/index.md#nothing", "../LICENSE"]
    text = "# A\n\n## `B` [c](d.md)!\n\n" + "".join(f"[x]({each}) " for each in [*links, *lost])
    assert list(broken(TOP / "README.md", text)) == ["d.md", *lost]
    assert anchors("# A\n\n## A\n\n# A b_c\n") == {"a", "a-1", "a-b_c"}
