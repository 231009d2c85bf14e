"""The Python blocks of docs/guides: all of a page run in order, and print what the page shows.

A comment before a block changes that: `<!-- not run: WHY -->` before Python, and before an output
`<!-- digits differ -->`, where another processor may round to other numbers.
"""

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from labelcycle.nn.encoders import precomputed
from labelcycle.simulate.experiment import Experiment
from labelcycle.simulate.sets import SETS

ROOT = Path(__file__).parents[1]
FENCE = re.compile(
    r"(?:<!-- (?P<remark>[^\n]+?) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A block of Python.

    line : of the page, where it begins; shown : its output there, if any; exact : to the digit
    """

    line: int
    code: str
    shown: str | None
    exact: bool = True

    def compared(self, text: str) -> str:
        """An output as it is compared."""
        return text if self.exact else " ".join(re.sub(r"\d+", "0", text).split())


def blocks(page: str) -> list[Block]:
    """The blocks of a page that run. A block of `text` right after one is what it prints."""
    found = list(FENCE.finditer(page))
    kept = []
    for fence, after in zip(found, [*found[1:], None], strict=True):
        if fence["kind"] != "python" or (fence["remark"] or "").startswith("not run: "):
            continue
        line, shown, exact = page[: fence.start("text")].count("\n"), None, True
        if after and after["kind"] == "text" and page[fence.end() : after.start()].isspace():
            shown, exact = after["text"], after["remark"] != "digits differ"
        kept.append(Block(line, fence["text"], shown, exact))
    return kept


def written(page: Path) -> list[Block]:
    return blocks(page.read_text(encoding="utf-8"))


PAGES = [page for page in sorted((ROOT / "docs" / "guides").glob("*.md")) if written(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_python_of_a_guide_runs_and_prints_what_the_guide_shows(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    run(page)


def run(page: Path) -> None:
    """Run a page's blocks in the present folder, and compare what they print."""
    names: dict[str, object] = {}
    for block in written(page):
        code = "\n" * block.line + block.code  # an error names the line of the page
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(page), "exec"), names)
        if block.shown is not None:
            got, wanted = (block.compared(text) for text in (printed.getvalue(), block.shown))
            assert got == wanted, f"{page.name}, line {block.line}"


@pytest.mark.slow
def test_labelcycle_reads_the_features_that_the_guide_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run(ROOT / "docs" / "guides" / "features-of-your-own.md")
    for ending in ("npz", "csv", "parquet"):
        options = precomputed.Options(file=f"data/features.{ending}")
        table = precomputed.ready_made(options).table
        assert list(table.names) == ["photos/a.jpg", "photos/b.jpg", "photos/c.jpg"]
        assert table.features.shape == (3, 512)


def test_there_are_guides_with_python() -> None:
    assert {"selection-in-a-notebook", "papers-experiments"} <= {page.stem for page in PAGES}


def test_a_block_has_its_output_and_may_say_why_it_is_not_run() -> None:
    page = (
        "a\n```python\nprint(1)\n```\n\n```text\n1\n```\n"
        "<!-- not run: needs a GPU -->\n```python\nx\n```\n\n```text\n2\n```\n"
        "```python\ny\n```\nIt prints\n```text\n3\n```\n"
        "```python\nz\n```\n\n<!-- digits differ -->\n```text\n[4 5]\n```\n"
    )
    assert blocks(page) == [
        Block(2, "print(1)\n", "1\n"),
        Block(17, "y\n", None),
        Block(24, "z\n", "[4 5]\n", exact=False),
    ]


def test_other_digits_are_the_same_output_where_the_page_says_so_and_other_words_are_not() -> None:
    rough, exact = (Block(1, "", "", exact=exact) for exact in (False, True))
    assert rough.compared("accuracy 0.58\n") == rough.compared("accuracy 0.6") == "accuracy 0.0"
    assert rough.compared("accuracy 0.58") != rough.compared("gain 0.58")
    assert exact.compared("accuracy 0.58") != exact.compared("accuracy 0.6")


def test_the_experiment_of_the_guide_is_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "guides" / "papers-experiments.md").read_text(encoding="utf-8")
    files = [fence["text"] for fence in FENCE.finditer(text) if fence["kind"] == "yaml"]
    assert len(files) == 2
    for file in files:
        Experiment.model_validate(yaml.safe_load(file))


def test_the_reference_names_every_set() -> None:
    text = (ROOT / "docs" / "reference" / "data-sets.md").read_text(encoding="utf-8")
    table = text.partition("| set |")[2].partition("\n\n")[0]
    assert [name for name in SETS if f"`{name}`" not in table] == []
