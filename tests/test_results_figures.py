"""The pictures of the results show what the results files hold."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import results_figures
from results_figures import PICTURES, Picture, curves, digest, noted
from results_file import Layout, OddTable, save

from labelcycle.simulate.table_page import FIGURES, printed_rows

PAGE = results_figures.FOLDER.parent / "results.md"
GAINS = {"random": (0.0, 0.0), "up": (0.1, 0.05), "down": (-0.1, 0.05), "open": (0.02, 0.05)}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_that_of_its_file(name: str) -> None:
    """After a change of a file: `make results`."""
    assert noted(results_figures.FOLDER / f"{name}.svg") == digest(PICTURES[name])


def test_every_picture_of_a_table_on_the_page_is_drawn_from_it() -> None:
    shown = set(re.findall(r"\(images/((?:experiment|label-cost)-[\w-]+)\.svg\)", PAGE.read_text()))
    assert shown == set(PICTURES)


# --- drawing --------------------------------------------------------------------------------


def row(strategy: str, budget: int, **more: Any) -> dict[str, Any]:
    gain, half = GAINS[strategy]
    facts = {"data": "blobs", "learner": "linear", "metric": "accuracy", "seeds": 3}
    row = {**facts, "strategy": strategy, "budget": budget, "accuracy": 0.5 + gain, "se": 0.01}
    return row | {"gain": gain, "gain_low": gain - half, "gain_high": gain + half} | more


EVERY = [row(name, budget) for name in GAINS for budget in (10, 20)]


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes the table of some rows; its picture of a kind."""
    monkeypatch.setattr("results_file.FOLDER", tmp_path)
    monkeypatch.setattr(results_figures, "FOLDER", tmp_path)
    monkeypatch.setattr("results_file.commit", lambda: "abc1234")

    def written(rows: list[dict[str, Any]], kind: Any = "gain", *down: str) -> Picture:
        layout = Layout("blobs", [*down, "strategy"], FIGURES, ["budget"])
        save(tmp_path / "t.json", layout, printed_rows(rows, "random"), command=["make"])
        picture = Picture(kind, "t", {"data": "blobs"})
        monkeypatch.setattr(results_figures, "PICTURES", {"p": picture})
        return picture

    return written


def main(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["results_figures.py", *words])
    results_figures.main()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gain", "accuracy"])
def test_a_picture_is_drawn_when_its_file_changed(
    one: Any, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one(EVERY, kind)
    with pytest.raises(SystemExit, match=r"not what benchmarks/results says: p; run `make results"):
        main(monkeypatch, "--check")
    main(monkeypatch)
    text = (tmp_path / "p.svg").read_text()
    assert all(f">{name}</text>" in text for name in ("up", "down", "open"))
    assert ("95 % interval shaded" if kind == "gain" else "band: standard error") in text
    main(monkeypatch, "--check")
    (tmp_path / "p.svg").write_text(text + "<!-- mine -->")
    main(monkeypatch)
    assert (tmp_path / "p.svg").read_text().endswith("<!-- mine -->")  # it is up to date
    one([row("random", 10), row("random", 20), row("up", 10), row("up", 20, gain=0.11)], kind)
    with pytest.raises(SystemExit):
        main(monkeypatch, "--check")
    main(monkeypatch)
    assert ">down</text>" not in (tmp_path / "p.svg").read_text()


@pytest.mark.slow
def test_a_band_is_drawn_for_all_or_for_none(one: Any) -> None:
    lacking = [each | ({"se": None} if each["strategy"] == "up" else {}) for each in EVERY]
    figure = results_figures.drawn(one(lacking, "accuracy"))
    assert "band" not in figure.get_suptitle()
    assert len(figure.axes) == 1


@pytest.mark.slow
def test_each_clusterer_has_a_panel(one: Any) -> None:
    both = [each | {"clusterer": name} for name in ("kmeans", "hdbscan") for each in EVERY]
    figure = results_figures.drawn(one(both, "accuracy", "clusterer"))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "linear, kmeans",
        "linear, hdbscan",
    ]


def test_what_cannot_be_drawn_is_named(one: Any) -> None:
    picture = one([row("random", 10), row("up", 10, seeds=4)])
    with pytest.raises(OddTable, match=r"t\.json: up has other budgets or seeds than random"):
        curves(picture)
    with pytest.raises(OddTable, match=r"t\.json: no row has \{'data': 'none'\}"):
        curves(replace(picture, where={"data": "none"}))


def test_another_number_or_title_is_another_digest(one: Any) -> None:
    first = digest(one(EVERY))
    assert digest(one([EVERY[0] | {"accuracy": 0.51}, *EVERY[1:]])) != first
    picture = one(EVERY)
    assert digest(picture) == first
    assert digest(replace(picture, title="t")) != first
