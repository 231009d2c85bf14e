"""Draws the pictures of docs/concepts/selection.md.

    python benchmarks/selection_pictures.py [--into docs/images]

All but the last show made-up points: a pool of 300, and for SUPClust's boundary three groups of
150. They lie on a cap of the unit sphere, so that the strategies see rows of length 1 as they
always do, and the cap is drawn flat. Whatever is picked is picked by `labelcycle.select`. The last
picture shows the images of examples/fashion, all 2,000, with features of the encoder `patches`. Two
cores take half a minute.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import image_sets
import numpy as np
import torch
from label_sets import Folders
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from labelcycle import select
from labelcycle.core.clustering import kmeans
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.strategies import supclust
from labelcycle.core.typicality import typicality
from labelcycle.nn import encoders, learners
from labelcycle.simulate.figures.style import COLOURS, FAINT, INK, headed, save
from labelcycle.simulate.pool_maps import judged

Points = NDArray[np.float64]

BLOBS = (  # centre, spread, points
    ((-0.75, 0.45), 0.15, 62),
    ((-0.15, 0.62), 0.19, 58),
    ((0.62, 0.48), 0.12, 46),
    ((-0.62, -0.42), 0.21, 54),
    ((0.10, -0.10), 0.13, 34),
    ((0.72, -0.42), 0.16, 30),
)
STRAY = 16
"""Points that belong to no blob."""

NEIGHBOURS = (-0.55, 0.3), (0.5, 0.38), (0.0, -0.5)
"""Centres of the three blobs of the picture of SUPClust."""

APART = 13
"""A draw of these blobs in which TypiClust and SUPClust differ in all three."""

CLUSTERS = 6
SHADES = "viridis"
SEED = 3


@cache
def pool() -> tuple[Points, NDArray[np.int64]]:
    """(n, 2) places on the flat map, and (n,) class: the blob a point belongs to or is nearest."""
    rng = np.random.default_rng(SEED)
    parts = [rng.normal(centre, spread, (count, 2)) for centre, spread, count in BLOBS]
    stray = rng.uniform((-1.15, -0.95), (1.15, 1.05), (STRAY, 2))
    centres = np.array([centre for centre, _, _ in BLOBS])
    nearest = np.linalg.norm(stray[:, None] - centres, axis=2).argmin(axis=1)
    own = np.repeat(np.arange(len(BLOBS)), [count for _, _, count in BLOBS])
    return np.concatenate([*parts, stray]), np.concatenate([own, nearest])


def features(places: Points) -> NDArray[np.float32]:
    """(n, 3) rows of length 1: the map's distance from its middle is the angle from the pole."""
    angle = np.linalg.norm(places, axis=1, keepdims=True)
    flat = np.sin(angle) * places / np.maximum(angle, 1e-12)
    return np.concatenate([flat, np.cos(angle)], axis=1).astype(np.float32)


def clusters(rows: NDArray[np.float32]) -> NDArray[np.int32]:
    """(n,) what k-means finds."""
    return kmeans(rows, CLUSTERS, np.random.default_rng(0), starts=5).assignment


def typical(rows: NDArray[np.float32], found: NDArray[np.int32]) -> Points:
    """(n,) typicality of each point within its cluster."""
    values = np.zeros(len(rows))
    for cluster in np.unique(found):
        own = found == cluster
        values[own] = typicality(rows[own].astype(np.float64), 20, squared=False)
    return values


# --- drawing -------------------------------------------------------------------------------


def panels(count: int, title: str, wide: float = 3.4) -> tuple[Figure, Sequence[Axes]]:
    """A figure of `count` maps side by side, each `wide` inches."""
    figure = Figure(figsize=(wide * count, wide + 0.1), layout="constrained")
    found = figure.subplots(1, count, squeeze=False, sharex=True, sharey=True)[0]
    for panel in found:
        panel.set_xticks([])
        panel.set_yticks([])
        panel.set_aspect("equal", adjustable="box")
        for spine in panel.spines.values():
            spine.set_color(FAINT)
    headed(figure, title)
    return figure, found


def scatter(panel: Axes, places: Points, colours: Any, **more: Any) -> PathCollection:
    """Small points."""
    return panel.scatter(places[:, 0], places[:, 1], s=11, c=colours, linewidths=0, **more)


def numbered(panel: Axes, places: Points, rows: NDArray[np.int64]) -> None:
    """The picks, with their place in the order."""
    marked(panel, places, rows, [f"{rank}" for rank, _ in enumerate(rows, 1)])


def marked(panel: Axes, places: Points, rows: NDArray[np.int64], texts: Sequence[str]) -> None:
    """The picks as circles with a text in each."""
    look = {"markersize": 12, "markeredgecolor": INK, "markeredgewidth": 1.2}
    panel.plot(places[rows, 0], places[rows, 1], "o", color="white", **look)
    for row, text in zip(rows, texts, strict=True):
        panel.annotate(
            text, places[row], ha="center", va="center_baseline", fontsize=7.5, color=INK
        )


def named(panel: Axes, text: str) -> None:
    """A panel's title."""
    panel.set_title(text, fontsize=9.5, loc="left")


def scale(figure: Figure, points: PathCollection, panel: Axes, low: str, high: str) -> None:
    """A bar that says which shade is little and which is much."""
    bar = figure.colorbar(points, ax=panel, orientation="horizontal", shrink=0.6, pad=0.03)
    bar.set_ticks(list(points.get_clim()), labels=[low, high])
    bar.ax.tick_params(labelsize=8, length=0)


def of_typiclust() -> Figure:
    """From the pool to clusters to typicality to the picks."""
    places, _ = pool()
    rows = features(places)
    found = clusters(rows)
    picks = select(rows, None, CLUSTERS, strategy="typiclust", clusters=found).rows
    figure, (left, middle, right) = panels(3, "TypiClust, six labels")
    scatter(left, places, "#8a939c")
    named(left, "the pool: each point is an image")
    scatter(middle, places, [COLOURS[c] for c in found])
    named(middle, "six clusters by k-means")
    shown = scatter(right, places, typical(rows, found), cmap=SHADES)
    numbered(right, places, picks)
    named(right, "the most typical point of each")
    scale(figure, shown, right, "odd", "typical")
    return figure


def of_boundary() -> Figure:
    """What SUPClust keeps of each cluster, and where its pick differs from TypiClust's."""
    rng = np.random.default_rng(APART)
    places = np.concatenate([rng.normal(at, 0.2, (150, 2)) for at in NEIGHBOURS])
    rows = features(places)
    found = kmeans(rows, len(NEIGHBOURS), rng, starts=5).assignment
    unlabelled = Pool(rows, np.full(len(rows), UNLABELED), np.ones(len(rows), dtype=bool), found)
    _, _, kept = judged(unlabelled, found, supclust.Options())
    figure, (panel,) = panels(1, "", wide=5.0)
    scatter(panel, places, [COLOURS[c] for c in found], alpha=0.25)
    scatter(panel, places[kept], [COLOURS[c] for c in found[kept]])
    for cluster in range(len(NEIGHBOURS)):
        panel.plot(*places[found == cluster].mean(axis=0), "+", color=INK, markersize=12)
    for name, letter in (("typiclust", "T"), ("supclust", "S")):
        picks = select(rows, None, len(NEIGHBOURS), strategy=name, clusters=found).rows
        marked(panel, places, picks, letter * len(picks))
    headed(
        figure,
        "Strong colours: the most typical tenth. +: the centre\nT: TypiClust's pick, S: SUPClust's",
    )
    return figure


def of_coverage() -> Figure:
    """How MaxHerding's picks cover the pool, one after the other."""
    places, _ = pool()
    rows = features(places)
    picks = select(rows, None, 8, strategy="maxherding")
    counts = (1, 3, 8)
    figure, shown = panels(len(counts), "MaxHerding: each pick covers what is near it")
    points = None
    for panel, count in zip(shown, counts, strict=True):
        gaps = np.linalg.norm(rows[:, None] - rows[picks.rows[:count]], axis=2)
        level = np.exp(-(gaps**2)).max(axis=1)  # sigma is 1, the default
        points = scatter(panel, places, level, cmap=SHADES, vmin=0.3, vmax=1)
        numbered(panel, places, picks.rows[:count])
        covered = float(picks.why["coverage"][count - 1])
        named(panel, f"{count} pick{'s' if count > 1 else ''}: coverage {covered:.2f}")
    assert points is not None
    scale(figure, points, shown[-1], "far from all", "covered")
    return figure


def of_doubt() -> Figure:
    """With six labels, where the model wavers, and who goes there."""
    places, truth = pool()
    rows = features(places)
    first = select(rows, None, CLUSTERS, strategy="typiclust").rows
    labels = np.full(len(rows), UNLABELED)
    labels[first] = truth[first]
    module = learners.get("linear")
    model = module.fit(rows, labels, len(BLOBS), module.Options(), 0)
    ranked = np.sort(model.predict_proba(rows), axis=1)
    doubt = 1 - (ranked[:, -1] - ranked[:, -2])
    figure, shown = panels(3, "The next six labels, once there are six (black squares)")
    for panel, name in zip(shown, ("margin", "coreset", "trustherding"), strict=True):
        picks = select(rows, labels, 6, strategy=name, classes=len(BLOBS)).rows
        points = scatter(panel, places, doubt, cmap=SHADES)
        panel.plot(places[first, 0], places[first, 1], "s", color=INK, markersize=6)
        numbered(panel, places, picks)
    scale(figure, points, shown[0], "sure", "wavers")
    named(shown[0], "margin: where the model wavers")
    named(shown[1], "CoreSet: farthest from all labels")
    named(shown[2], "TrustHerding: coverage, weighed")
    return figure


ROWS = ("random", "coreset", "typiclust", "supclust", "maxherding")
PICKS = 12


def of_images() -> Figure:
    """The first picks of some strategies from the images of the demo, with their classes."""
    found = image_sets.open_images("fashion", Folders(Path(), Path()), 0, 0)
    names = (image_sets.EXAMPLE / "classes.txt").read_text().splitlines()
    known = sorted(names)  # as the labels number them
    images = found.squares(28)
    rows = _patches(images)
    figure = Figure(figsize=(10.4, 6.1), layout="constrained")
    panels_ = figure.subplots(len(ROWS), PICKS)
    for line, name in zip(panels_, ROWS, strict=True):
        picks = select(rows, None, PICKS, strategy=name).rows
        seen = len(np.unique(found.labels[picks]))
        for panel, row in zip(line, picks, strict=True):
            panel.imshow(images[row])
            panel.set_xticks([])
            panel.set_yticks([])
            panel.set_xlabel(known[found.labels[row]], fontsize=7)
        line[0].set_ylabel(f"{name}\n{seen} classes", fontsize=9)
    headed(figure, f"The first {PICKS} picks from the demo's 2,000 images, before any label")
    return figure


def _patches(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    module = encoders.get("patches")
    steps = module.fit(images, module.Options(), 0, torch.device("cpu"))
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return np.asarray(done.value.embed(images))


PICTURES: Mapping[str, Callable[[], Figure]] = {
    "selection-typiclust.svg": of_typiclust,
    "selection-boundary.svg": of_boundary,
    "selection-coverage.svg": of_coverage,
    "selection-doubt.svg": of_doubt,
    "selection-images.png": of_images,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    parser.add_argument("--only", choices=list(PICTURES), action="append")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    for name in arguments.only or PICTURES:
        print(save(PICTURES[name](), arguments.into / name))


if __name__ == "__main__":
    main()
