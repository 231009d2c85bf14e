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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from scipy.spatial.distance import cdist
from tiny_sets import blobs_in, done

from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.strategies import supclust
from labelcycle.simulate import pool_maps
from labelcycle.simulate.figures import __main__ as redraw
from labelcycle.simulate.figures import accuracy, gain
from labelcycle.simulate.figures import maps as figure_maps
from labelcycle.simulate.figures.drawing import draw
from labelcycle.simulate.figures.style import COLOURS, DASHES, looks, spread

STRATEGIES = [
    "random",
    {"name": "typiclust", "label": "TypiClust"},
    {"name": "supclust", "label": "SUPClust"},
    {"name": "supclust", "label": "no SUP", "options": {"without": "SUP"}},
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
    typical, edge, kept = pool_maps.judged(pool, clusters, options)
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
    low, high = panels[0].get_ylim()  # curves from 0 to 3 points, and as much again on both sides
    assert (low, high) == pytest.approx((-3 - 0.05 * 9, 6 + 0.05 * 9))


def curve(gains: list[float], accuracies: list[float], half: float | None = 0.01) -> list[dict]:
    """Rows of one strategy; half : of the interval, None where there are too few seeds."""
    ends = [None if half is None else half * sign for sign in (-1, 1)]
    return [
        {
            **{"learner": "l", "clusterer": "c", "data": "d", "seeds": 2 if half is None else 4},
            **{"se": half, "budget": 10 * 4**i, "gain": gain, "accuracy": value},
            **{"gain_low": half and gain + ends[0], "gain_high": half and gain + ends[1]},
        }
        for i, (gain, value) in enumerate(zip(gains, accuracies, strict=True))
    ]


def found_of(curves: dict[str, list[dict]]) -> dict:
    """What results.json holds, as far as figures read it."""
    return {
        "rows": [{**row, "strategy": name} for name, rows in curves.items() for row in rows],
        **{"base": "random", "strategies": [{"label": name} for name in curves]},
        **{"learners": [{"label": "l"}], "clusterers": [{"label": "c"}]},
        "sets": [{"data": "d", "metric": "accuracy"}],
    }


def test_both_axes_of_labels_are_of_one_kind_and_say_so() -> None:
    for count, kind in ((2, "linear"), (3, "log")):
        curves = {name: curve([0.0] * count, [0.1] * count) for name in ("random", "a")}
        for figure in (accuracy.picture(found_of(curves), "d"), gain.picture("t", curves)):
            assert figure.axes[0].get_xscale() == kind
            assert figure.get_supxlabel() == "labels" + ", logarithmic" * (kind == "log")


def test_a_line_that_runs_on_another_lets_it_be_seen() -> None:
    curves = {
        "random": curve([0, 0], [0.2, 0.3]),
        "a": curve([0.1, 0.1], [0.3, 0.4]),
        "b": curve([0.1, 0.1], [0.3, 0.4002]),
        "c": curve([0.1, 0.1], [0.3, 0.5]),
    }
    lines = {
        line.get_label(): line for line in accuracy.picture(found_of(curves), "d").axes[0].lines
    }
    dashed = {name for name in curves if lines[name].get_linestyle() == "--"}
    assert dashed == {"b"}


def test_few_seeds_have_no_interval_and_some_a_note() -> None:
    few = {name: curve([0.2, 0.3], [0.1, 0.2], None) for name in ("random", "a")}
    figure = gain.picture("title", few)
    assert "no intervals: they take 3 seeds or more" in figure.get_suptitle()
    dots = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert {line.get_markerfacecolor() for line in dots} == {"white"}
    assert "band" not in accuracy.picture(found_of(few), "d").get_suptitle()
    some = {name: curve([0.2, 0.3], [0.1, 0.2]) for name in ("random", "a")}
    assert "rough, for fewer than 5 seeds" in gain.picture("title", some).get_suptitle()


def test_titles_end_where_the_figure_does() -> None:
    curves = {name: curve([0, 0], [0.1, 0.2]) for name in ("random", "a")}
    title = "A set with a long name of its own, SUPClust and what it is without its parts"
    figure = accuracy.picture(found_of(curves), "d", title=title)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    assert figure.texts[0].get_window_extent().x1 < figure.bbox.x1


def test_a_map_is_as_high_as_its_samples() -> None:
    columns = {"x": [0.0, 10.0], "y": [0.0, 5.0], "class": [0, 1]}
    picks = [{"label": name, "rows": [0]} for name in ("TypiClust", "SUPClust")]
    found = {"samples": columns, "picks": picks, "classes": []}
    width, height = figure_maps.picture("set", found).get_size_inches()
    assert width / height > 2
    assert "seed 0" in figure_maps.picture("set", found).get_suptitle()


def test_a_map_names_the_classes() -> None:
    columns = {"x": [0.0, 1.0], "y": [0.0, 1.0], "class": [0, 1]}
    found = {"samples": columns, "picks": [{"label": "TypiClust", "rows": [0]}]}
    for names, expected in ((["cat", "dog"], ["cat", "dog"]), ([], ["0", "1"])):
        legend = figure_maps.picture("set", {**found, "classes": names}).legends[0]
        assert [text.get_text() for text in legend.get_texts()] == expected


def test_a_map_shows_classes_of_any_numbers() -> None:
    columns = {"x": list(range(10)), "y": list(range(10)), "class": list(range(1, 11))}
    found = {"samples": columns, "picks": [{"label": "TypiClust", "rows": [0]}], "classes": []}
    figure = figure_maps.picture("set", found)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        str(number) for number in columns["class"]
    ]
    assert len({line.get_color() for line in figure.axes[0].lines[:10]}) == 10


@pytest.mark.parametrize("kind", ["all alike", "on a ray", "one column", "zeros", "two points"])
def test_features_without_spread_have_a_map(kind: str) -> None:
    rng = np.random.default_rng(0)
    features = {
        "all alike": np.ones((40, 5)),
        "on a ray": rng.random((40, 1)) * np.ones(5),
        "one column": rng.standard_normal((40, 1)),
        "zeros": np.zeros((40, 5)),
        "two points": np.eye(5)[np.arange(40) % 2],
    }[kind]
    places = pool_maps._embedded(features.astype(np.float32))
    assert places.shape == (40, 2)
    assert np.isfinite(places).all()


def test_a_figure_that_fails_keeps_no_other_from_being_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves = {name: curve([0.0, 0.1], [0.1, 0.2]) for name in ("random", "a")}
    parts = {"name": "x", "options": {}}
    found = found_of(curves)
    found["strategies"] = [{**each, **parts} for each in found["strategies"]]
    (tmp_path / "results.json").write_text(json.dumps(found))

    def broken(*given: object) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr(accuracy, "picture", broken)
    failed: list[str] = []
    drawn = draw(tmp_path, ".svg", lambda path, error: failed.append(f"{path.name}: {error}"))
    assert failed == ["accuracy-d.svg: out of range"]
    assert [path.name for path in drawn] == ["gain-d-l.svg"]
    assert (tmp_path / "gain-d-l.svg").is_file()


def test_no_two_lines_look_alike() -> None:
    names = [f"s{i}" for i in range(len(COLOURS) * len(DASHES))]
    found = looks(["base", *names], "base")
    assert len({tuple(sorted(each.items())) for each in found.values()}) == len(names) + 1
    colours = np.array([to_rgb(each) for each in COLOURS])
    apart = cdist(colours, colours) + 2 * np.eye(len(colours))
    assert apart.min() > 0.2
