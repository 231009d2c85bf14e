"""examples/selection_walk.py runs from top to bottom, draws its figures and opens as a notebook."""

import contextlib
import io
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from prose import figures
from test_prose import above

WALK = Path(__file__).resolve().parents[2] / "examples" / "selection_walk.py"
MARK = re.compile(r"(?m)^# %%(?P<kind>.*)\n")
MARKDOWN, CODE = " [markdown]", ""

LONGEST = 25
"""Lines of a cell of code: what a reader takes in at once."""


def cells(text: str) -> list[tuple[str, str]]:
    """Kind and text of each cell. Raises ValueError where something is before the first."""
    before, *parts = MARK.split(text)
    if before:
        raise ValueError(f"wanted a cell at the top (got {before!r})")
    return list(zip(parts[::2], parts[1::2], strict=True))


def prose_of(cell: str) -> str:
    """The Markdown of a cell. Raises ValueError for a line that is no comment."""
    lines = cell.strip().splitlines()
    if not all(line == "#" or line.startswith("# ") for line in lines):
        raise ValueError(f"wanted comments only (got {cell!r})")
    return "\n".join(line[2:] for line in lines)


def written() -> list[tuple[str, str]]:
    return cells(WALK.read_text(encoding="utf-8"))


def test_text_and_code_take_turns() -> None:
    kinds = [kind for kind, _ in written()]
    assert len(kinds) > 20
    assert kinds == [MARKDOWN, CODE] * (len(kinds) // 2) + [MARKDOWN] * (len(kinds) % 2)


def test_each_cell_is_comments_or_a_few_lines_of_code_that_compile() -> None:
    for number, (kind, cell) in enumerate(written()):
        if kind == MARKDOWN:
            assert prose_of(cell).strip(), number
        else:
            compile(cell, f"cell {number}", "exec")
            assert 0 < len(cell.strip().splitlines()) <= LONGEST, cell


def test_the_text_is_easy_to_read() -> None:
    text = "\n\n".join(prose_of(cell) for kind, cell in written() if kind == MARKDOWN)
    assert text.count("\n## ") == 7
    assert above(figures(text)) == []


def test_a_file_that_is_no_notebook_is_refused() -> None:
    assert cells("# %% [markdown]\n# a\n#\n# b\n\n# %%\nx = 1\n") == [
        (MARKDOWN, "# a\n#\n# b\n\n"),
        (CODE, "x = 1\n"),
    ]
    assert prose_of("# a\n#\n# b\n\n") == "a\n\nb"
    with pytest.raises(ValueError, match="at the top"):
        cells("import os\n# %%\n")
    with pytest.raises(ValueError, match="comments only"):
        prose_of("# a\nx = 1\n")


@pytest.mark.slow
def test_figures_are_shown_where_no_folder_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    monkeypatch.setattr(sys, "argv", ["kernel", "-f", "kernel-1.json"])  # as Jupyter has it
    first = [cell for kind, cell in written() if kind == CODE][:2]
    walk: dict[str, Any] = {}
    exec("\n".join(first), walk)
    figure = plt.figure()
    walk["show"](figure, "A title", "a-name")
    assert shown == [[figure.number]]
    assert figure.get_suptitle() == "A title"
    plt.close(figure)
    assert capsys.readouterr().out == ""


# --- the whole walk ------------------------------------------------------------------------

DRAWN = {
    "1-nearest",
    "2-map",
    "3-clusters",
    "4-typiclust",
    "4-typiclust-images",
    "5-supclust",
    "5-supclust-images",
    "6-trustherding",
    "6-trustherding-images",
    "7-accuracy",
}


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The names that the walk leaves behind, and `folder` and `printed`."""
    mpl.use("Agg")
    folder = tmp_path_factory.mktemp("walk") / "figures"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(WALK), "--into", str(folder)])
        patch.chdir(folder.parent)  # it finds its images from anywhere
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            names = runpy.run_path(str(WALK))
    return {**names, "folder": folder, "printed": printed.getvalue().splitlines()}


@pytest.mark.slow
def test_the_walk_writes_its_figures_and_leaves_none_open(walk: dict[str, Any]) -> None:
    from matplotlib import pyplot

    sizes = {path.stem: path.stat().st_size for path in walk["folder"].glob("*.png")}
    assert set(sizes) == DRAWN
    assert min(sizes.values()) > 10_000
    assert len(list(walk["folder"].iterdir())) == len(DRAWN)
    assert pyplot.get_fignums() == []


@pytest.mark.slow
def test_the_walk_prints_what_it_counted(walk: dict[str, Any]) -> None:
    classes, printed = walk["classes"], walk["printed"]
    assert printed[0] == "1,600 images in the pool, 400 held out, 10 classes"
    for name in ("typiclust", "trustherding"):
        found = len({int(classes[row]) for row in walk[name].rows})
        line = f"{found} of 10 classes in 20 picks"
        assert any(text.lower() == f"{name}: {line}" for text in printed), printed
    both = {*walk["typiclust"].rows.tolist()} & {*walk["supclust"].rows.tolist()}
    assert f"SUPClust and TypiClust differ in {20 - len(both)} of 20 clusters" in printed
    assert "SUPClust's picks among the typical tenth: 20 of 20" in printed


@pytest.mark.slow
def test_what_the_walk_computes_is_what_the_strategies_report(walk: dict[str, Any]) -> None:
    same = [text for text in walk["printed"] if "that we computed: " in text]
    assert [text.rpartition(": ")[2] for text in same] == ["True"] * 3
    trust, doubt = walk["trust"], walk["doubt"]
    assert 0 < trust <= 1  # else all doubts are the same, and the map shows nothing
    assert np.ptp(doubt[walk["labels"] < 0]) > 0.5
    picked = walk["trustherding"].rows
    assert doubt[picked].mean() > doubt[walk["labels"] < 0].mean()


@pytest.mark.slow
def test_the_walk_compares_with_twenty_random_draws(walk: dict[str, Any]) -> None:
    chance, found = walk["chance"], walk["found"]
    assert chance.shape == (20, 2)
    assert len({tuple(rows) for rows in walk["draws"]}) == 20
    assert set(found) == {"typiclust", "supclust", "trustherding"}
    assert all(0.1 < score < 1 for scores in found.values() for score in scores)
    beaten = [line for line in walk["printed"] if "better than" in line]
    for line, scores in zip(beaten, found.values(), strict=True):
        wanted = [int((chance[:, i] < scores[i]).sum()) for i in range(2)]
        assert [int(number) for number in re.findall(r"\d+", line)] == wanted
