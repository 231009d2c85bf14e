"""The site: what is broken in a page ends the build."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
COMMAND = re.compile(r"-m sphinx(.*)")
PAGE = "# A page\n\n## A part\n\n[a part](#a-part) and [the start](../index.md)\n"


def build(folder: Path, **pages: str) -> subprocess.CompletedProcess[str]:
    """Sphinx, as `make docs` runs it, on a start page, a guide and what is given, by path."""
    docs = folder / "docs"
    docs.mkdir()
    shutil.copy(DOCS / "conf.py", docs)
    shutil.copytree(DOCS / "static", docs / "static")
    start = "# Start\n\n[a guide](guides/one.md), [all](decisions/), [more](../OUT.md)\n"
    texts = {"index": start, "decisions/index": "# Decisions\n", "guides/one": PAGE} | pages
    for name, text in texts.items():
        path = docs / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "OUT.md").write_text("# Outside\n", encoding="utf-8")
    found = COMMAND.search((DOCS.parent / "Makefile").read_text(encoding="utf-8"))
    assert found
    words = found[1].split()
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *words], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.slow
def test_a_site_without_a_fault_is_built(tmp_path: Path) -> None:
    done = build(tmp_path, **{"guides/two": "# Another\n", "decisions/0001-why": "# 1. Why\n"})
    assert (done.returncode, done.stderr) == (0, "")
    site = tmp_path / "build" / "docs"
    start = (site / "index.html").read_text(encoding="utf-8")
    assert start.index("guides/one.html") < start.index("guides/two.html")
    assert "decisions/index.html" in start
    assert re.search(r'href="_downloads/\w+/OUT.md"', start)
    assert "0001-why.html" in (site / "decisions" / "index.html").read_text(encoding="utf-8")


FAULTS = {
    "guides/page": ("[gone](three.md)", "three.md"),
    "guides/anchor": (
        "[gone](one.md#no-part)",
        "local id not found in doc 'guides/one': 'no-part'",
    ),
    "guides/own": ("[gone](#part-gone)", "part-gone"),
    "guides/outside": ("[gone](../../NOWHERE.md)", "NOWHERE"),
    "guides/image": ("![gone](no.png)", "no.png"),
    "guides/code": (
        "{py:func}`labelcycle.nothing`",
        "reference target not found: labelcycle.nothing",
    ),
    "apart/page": ("[the start](../index.md)", "document isn't included in any toctree"),
}
"""What is wrong on a page, and what Sphinx says of it."""


@pytest.mark.slow
def test_every_fault_ends_the_build_and_is_named(tmp_path: Path) -> None:
    done = build(tmp_path, **{name: f"# Two\n\n{text}\n" for name, (text, _) in FAULTS.items()})
    assert done.returncode != 0
    for name, (_, said) in FAULTS.items():
        page = next(line for line in done.stderr.splitlines() if f"{name}.md" in line)
        assert said in page
    assert done.stderr.count("WARNING: ") == len(FAULTS)
