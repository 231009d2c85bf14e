"""What the figures show, and that they come from the files alone."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from scipy.spatial.distance import cdist
from tiny_sets import blobs_in, done

from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.strategies import supclust
from labelcycle.simulate import maps
from labelcycle.simulate.figures import __main__ as redraw
from labelcycle.simulate.figures import accuracy, gain
from labelcycle.simulate.figures import maps as figure_maps
from labelcycle.simulate.figures.drawing import draw
from labelcycle.simulate.figures.style import COLOURS, DASHES, looks, spread

STRATEGIES = [
    "random",
    {"name": "typiclust", "label": "TypiClust"},
    {"name": "supclust", "label": "SUPClust"},
    {"name": "supclust", "label": "no SUP", "options": {"without": "boundary"}},
    "margin",
]
FILES = {
    *("accuracy-npz", "ablation-npz", "map-npz", "scores-npz"),
    *("gain-npz-linear-kmeans", "gain-npz-linear-minibatch"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment that is done."""
    root = tmp_path_factory.mktemp("figures")
    clusterers = ["kmeans", "minibatch"]
    done(root / "out", blobs_in(root), strategies=STRATEGIES, clusterers=clusterers)
    return root / "out"


def texts(path: Path) -> set[str]:
    return set(re.findall(r">([^<>]+)</text>", path.read_text()))


@pytest.mark.slow
def test_every_figure_says_what_it_shows(folder: Path) -> None:
    assert {path.stem for path in folder.glob("*.png")} == FILES
    again = {path.stem: path for path in draw(folder, ".svg")}
    assert set(again) == FILES
    names = {"random", "TypiClust", "SUPClust", "no SUP"}
    assert {*names, "margin", "linear, minibatch", "3", "6"} <= texts(again["accuracy-npz"])
    assert names <= texts(again["ablation-npz"])
    assert "margin" not in texts(again["ablation-npz"])
    assert {"TypiClust", "SUPClust", "1", "2", "3"} <= texts(again["map-npz"])
    assert {"TypiClust", "SUPClust", "typicality within the cluster"} <= texts(again["scores-npz"])
    assert {*names, "margin"} - {"random"} <= texts(again["gain-npz-linear-kmeans"])
    assert any("2 seeds" in text for text in texts(again["accuracy-npz"]))


@pytest.mark.slow
def test_figures_are_drawn_from_the_files_alone(folder: Path, tmp_path: Path) -> None:
    for name in ("results.json", "map-npz.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    result = CliRunner().invoke(redraw.main, [str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) == len(FILES)
    for path in folder.glob("*.png"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.slow
def test_the_map_marks_what_was_bought(folder: Path) -> None:
    found = json.loads((folder / "map-npz.json").read_text())
    assert [each["label"] for each in found["picks"]] == ["TypiClust", "SUPClust"]
    columns = found["samples"]
    assert {len(column) for column in columns.values()} == {60}
    for each in found["picks"]:
        assert len({columns["cluster"][row] for row in each["rows"]}) == 3  # one a cluster
    typical, bold = (each["rows"] for each in found["picks"])
    assert all(columns["kept"][row] for row in (*typical, *bold))
    for row in typical:
        own = [
            t
            for t, c in zip(columns["typicality"], columns["cluster"], strict=True)
            if c == columns["cluster"][row]
        ]
        assert columns["typicality"][row] == max(own)


def test_the_scores_are_those_by_which_supclust_picks() -> None:
    rng = np.random.default_rng(0)
    features = rng.standard_normal((90, 5)).astype(np.float32)
    clusters = rng.integers(0, 4, 90).astype(np.int32)
    labels = np.where(rng.random(90) < 0.1, 0, UNLABELED)
    pool = Pool(features, labels, labels == UNLABELED, clusters)
    options = supclust.Options()
    typical, edge, kept = maps.judged(pool, clusters, options)
    assert np.isnan(typical[labels == 0]).all()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for c in range(4):
        rows = np.flatnonzero((clusters == c) & pool.available)
        near = np.sort(cdist(unit[rows], unit[rows]))[:, 1 : 1 + min(20, len(rows) // 2)]
        np.testing.assert_allclose(typical[rows], 1 / (near.mean(axis=1) + 1e-5), rtol=1e-5)
        assert kept[rows].sum() == int(np.ceil(0.1 * len(rows)))
    picked = supclust.select(pool, 4, rng, options)
    for row, why in zip(picked.rows, picked.why["boundary"], strict=True):
        assert edge[row] == pytest.approx(why)
        assert kept[row]
        rivals = kept & (clusters == clusters[row])
        assert edge[row] == pytest.approx(edge[rivals].max())


@given(values=st.lists(st.floats(0, 100), min_size=1, max_size=12), gap=st.floats(0.1, 20))
def test_labels_stand_apart_in_the_order_of_their_lines(values: list[float], gap: float) -> None:
    given_ = {f"{i}": value for i, value in enumerate(values)}
    found = spread(given_, gap)
    order = sorted(given_, key=lambda name: given_[name])
    heights = [found[name] for name in order]
    assert all(b - a >= gap * (1 - 1e-9) for a, b in pairwise(heights))
    if min(np.diff(sorted(values)), default=gap) >= gap:
        assert found == pytest.approx(given_)
    assert np.mean(heights) == pytest.approx(np.mean(values))


def test_a_part_of_the_strategies_looks_as_in_all_figures() -> None:
    row = {"learner": "l", "clusterer": "c", "data": "d", "se": 0.01, "seeds": 3}
    row |= {"gain_low": -0.5, "gain_high": 0.4}
    names = ["random", "a", "b", "c"]
    rows = [
        {**row, "strategy": name, "budget": budget, "accuracy": 0.1 * i, "gain": 0.01 * i}
        for i, name in enumerate(names)
        for budget in (3, 6)
    ]
    found = {
        **{"rows": rows, "base": "random", "strategies": [{"label": name} for name in names]},
        **{"learners": [{"label": "l"}], "clusterers": [{"label": "c"}]},
        "sets": [{"data": "d", "metric": "accuracy"}],
    }
    curves = {name: [each for each in rows if each["strategy"] == name] for name in names}
    whole, some = (
        {
            line.get_label(): (line.get_color(), line.get_linewidth(), line.get_linestyle())
            for line in accuracy.picture(found, "d", shown).axes[0].lines
            if line.get_label() in names
        }
        for shown in (None, ["random", "c"])
    )
    assert some == {name: whole[name] for name in ("random", "c")}
    panels = gain.picture("title", curves).axes
    for panel, name in zip(panels, names[1:], strict=False):
        line = panel.lines[1]  # after those of the others
        look = line.get_color(), line.get_linewidth(), line.get_linestyle()
        assert look == whole[name]
    low, high = panels[0].get_ylim()
    assert low < -50
    assert high > 40


def test_a_map_names_the_classes() -> None:
    columns = {"x": [0.0, 1.0], "y": [0.0, 1.0], "class": [0, 1]}
    found = {"samples": columns, "picks": [{"label": "TypiClust", "rows": [0]}]}
    for names, expected in ((["cat", "dog"], ["cat", "dog"]), ([], ["0", "1"])):
        legend = figure_maps.picture("set", {**found, "classes": names}).legends[0]
        assert [text.get_text() for text in legend.get_texts()] == expected


def test_no_two_lines_look_alike() -> None:
    names = [f"s{i}" for i in range(len(COLOURS) * len(DASHES))]
    found = looks(["base", *names], "base")
    assert len({tuple(sorted(each.items())) for each in found.values()}) == len(names) + 1
    colours = np.array([to_rgb(each) for each in COLOURS])
    apart = cdist(colours, colours) + 2 * np.eye(len(colours))
    assert apart.min() > 0.2
