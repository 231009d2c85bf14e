"""How hard pages of Markdown are to read: python tools/prose.py FILE...

Code, tables and headings are left out. A link counts as the words that are shown.
"""

import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

NO_PROSE = (
    r"(?ms)^[ \t]*```.*?^[ \t]*```[ \t]*$",  # code between fences
    r"(?s)<!--.*?-->",
    r"(?m)^(?: {4}|\t|\||#).*$",  # indented code, tables, headings
    r"!\[[^\]]*\]\([^)]*\)",
)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
BREAK = re.compile(r"\n\s*\n(?:\s*(?:[-*]|\d+\.)\s+)?|\n\s*(?:[-*]|\d+\.)\s+")
"""Between paragraphs, and before each point of a list."""

END = re.compile(r"(?<=[.!?])\s+(?=[\"'(`*A-Z])")
"""Between two sentences."""


@dataclass(frozen=True)
class Figures:
    """Of a page.

    sentence, longest : words of a sentence, median and most
    paragraph : words of a paragraph, median
    semicolons : in 100 sentences
    """

    sentence: float
    longest: int
    paragraph: float
    semicolons: float


def figures(text: str) -> Figures:
    """The figures of a page; all are 0 where there is no prose."""
    for pattern in NO_PROSE:
        text = re.sub(pattern, "", text)
    text = LINK.sub(r"\1", text)
    paragraphs = [part for part in BREAK.split(text) if len(part.split()) > 4]
    sentences = [s for part in paragraphs for s in END.split(part) if len(s.split()) > 2]
    if not sentences:
        return Figures(0, 0, 0, 0)
    words = [len(sentence.split()) for sentence in sentences]
    return Figures(
        sentence=median(words),
        longest=max(words),
        paragraph=median(len(part.split()) for part in paragraphs),
        semicolons=round(100 * text.count(";") / len(sentences), 1),
    )


if __name__ == "__main__":
    for name in sys.argv[1:]:
        found = figures(Path(name).read_text(encoding="utf-8"))
        print(name, *(f"{x.name} {getattr(found, x.name):g}" for x in fields(found)))
