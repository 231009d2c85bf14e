"""How Sphinx makes a site of these pages; `make docs` runs it, and any warning is an error.

The pages are plain Markdown, so that they read well where git shows them. What only the site needs
is added here: the tables of contents.
"""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "src"))

from labelcycle import __version__  # noqa: E402

project = "labelcycle"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
autodoc_typehints = "none"  # docstrings say more: shapes, dtypes, units
autodoc_member_order = "bysource"
nitpicky = True  # an unknown name in a reference is a warning
nitpick_ignore = [("py:class", "collections.abc.Mapping")]  # Python's own
highlight_language = "text"
myst_heading_anchors = 4

html_theme = "furo"
html_title = "labelcycle"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b5fa5", "color-brand-content": "#0b5fa5"},
    "dark_css_variables": {"color-brand-primary": "#6cb6ff", "color-brand-content": "#6cb6ff"},
}

NAVIGATION = {
    "index": {
        "Guides": "guides/*.md",
        "Concepts": "concepts/*.md",
        "Reference": "reference/*.md",
        "More": "*.md",
        "Decisions": "decisions/index.md",
    },
    "decisions/index": {"": "decisions/*.md"},
}
"""The tables of contents of a page: a caption, and which pages are below it.

Without a caption the table is shown on the page; else it is in the sidebar alone.
"""

LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def listed(name: str, pattern: str) -> list[str]:
    """The pages that `pattern` finds, but `name`: those it links to first, in its order."""
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    files = sorted(path.relative_to(DOCS) for path in DOCS.glob(pattern))
    linked = [text.find(f"]({path.relative_to(Path(name).parent).as_posix()}") for path in files]
    order = sorted(range(len(files)), key=lambda i: linked[i] if linked[i] >= 0 else len(text))
    names = [files[i].with_suffix("").as_posix() for i in order]
    return [other for other in names if other != name]


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Add the tables of contents to the source of a page that has some."""
    del app
    for caption, pattern in NAVIGATION.get(name, {}).items():
        head = [":hidden:", f":caption: {caption}"] if caption else [":maxdepth: 1"]
        lines = ["", "```{toctree}", *head, "", *(f"/{page}" for page in listed(name, pattern))]
        source[0] += "\n".join([*lines, "```", ""])


def mend_links(app: Sphinx, name: str, source: list[str]) -> None:
    """Make the links work in the site that git's pages show too and Sphinx does not know.

    A link to a folder leads to its index. A file outside of `docs` is offered as a download.
    """
    del app
    folder = (DOCS / name).parent

    def mended(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / link[1]))
        if target.is_dir():
            return f"]({link[1].rstrip('/')}/index.md)"
        outside = target.is_file() and not target.is_relative_to(DOCS)
        return f"](path:{link[1]})" if outside else link[0]

    source[0] = LINK.sub(mended, source[0])


FIELD = re.compile(r"^(\w+(?:, \w+)*) : ")
ANOTHER = re.compile(r"; (?:`(?=\w+` : )|(?=\w+ : ))")
CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
EXAMPLE = re.compile(r"^\s*(?:>>>|\.\.\.) ")


def docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Make of a docstring what Sphinx reads: `name : text` is a point of a list."""
    del app, what, name, obj, options
    lines[:] = list(restructured(lines))


def restructured(lines: list[str]) -> Iterator[str]:
    """A docstring of ours in reStructuredText. Examples stay as they are."""
    for block in "\n".join(lines).split("\n\n"):
        if EXAMPLE.match(block):
            yield from [*block.splitlines(), ""]
            continue
        text, points = [], []
        for line in block.splitlines():
            if FIELD.match(line):
                points.append(line)
            elif points and line.startswith("    "):
                points[-1] += f" {line.strip()}"
            else:
                text.append(line)
        yield from [*CODE.sub(r"``\1``", "\n".join(text)).splitlines(), ""]
        for point in (part for line in points for part in ANOTHER.split(line)):
            name, _, meaning = point.replace("` : ", " : ", 1).partition(" : ")
            yield CODE.sub(r"``\1``", f"- **{name}**: {meaning}")
        yield ""


def signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, text: str, returned: str
) -> tuple[str, str] | None:
    """No arguments for a protocol: nobody makes one."""
    del app, what, name, options, text, returned
    return ("", "") if getattr(obj, "_is_protocol", False) else None


def setup(app: Sphinx) -> None:
    """Connect what is above."""
    app.connect("source-read", mend_links)
    app.connect("source-read", add_contents)
    app.connect("autodoc-process-docstring", docstring)
    app.connect("autodoc-process-signature", signature)
