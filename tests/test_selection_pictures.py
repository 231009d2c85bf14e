"""benchmarks/selection_pictures.py draws what docs/concepts/selection.md shows."""

import re
from pathlib import Path

import numpy as np
import pytest
import selection_pictures as pictures

from labelcycle import select
from labelcycle.core import registry, strategies
from labelcycle.simulate.figures.style import save

DOCS = Path(__file__).parents[1] / "docs"


def test_the_page_shows_every_picture_and_each_is_there() -> None:
    page = (DOCS / "concepts" / "selection.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]+\]\(\.\./images/(selection-[\w.-]+)\)", page)
    assert sorted(shown) == sorted(pictures.PICTURES)
    assert [name for name in shown if not (DOCS / "images" / name).is_file()] == []


def test_the_page_explains_every_strategy_with_its_paper() -> None:
    page = (DOCS / "concepts" / "selection.md").read_text(encoding="utf-8")
    for name in strategies.names():
        _, paper = registry.described(strategies.get(name))
        _, found, told = page.partition(f"**`{name}`**")
        assert found, name
        assert paper in " ".join(told.split("\n**`")[0].split()), name


def test_the_picture_of_typiclust_shades_by_what_typiclust_picks_by() -> None:
    places, _ = pictures.pool()
    rows = pictures.features(places)
    found = pictures.clusters(rows)
    shade = pictures.typical(rows, found)
    brightest = {int(np.flatnonzero(found == c)[shade[found == c].argmax()]) for c in set(found)}
    picks = select(rows, None, pictures.CLUSTERS, strategy="typiclust", clusters=found)
    assert set(picks.rows.tolist()) == brightest


def test_the_map_is_the_sphere_laid_flat() -> None:
    places, _ = pictures.pool()
    rows = pictures.features(places).astype(np.float64)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1)
    assert np.arccos(rows[:, 2]) == pytest.approx(np.linalg.norm(places, axis=1), abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in pictures.PICTURES if name.endswith(".svg")])
def test_a_picture_is_the_same_each_time(name: str, tmp_path: Path) -> None:
    first, second = (
        save(pictures.PICTURES[name](), tmp_path / f"{turn}.svg").read_bytes() for turn in "ab"
    )
    assert first == second
    assert b"<svg" in first
