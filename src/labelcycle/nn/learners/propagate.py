"""Labels spread over the graph of nearest neighbours: the samples without labels teach as well.

Zhou, Bousquet, Lal, Weston, Schölkopf: Learning with Local and Global Consistency, NIPS 2004. Each
sample takes shares of the classes from its neighbours: shares = alpha * graph @ shares + (1 -
alpha) * labels. This is done a fixed number of times, in sweeps.

Then every class gets as much of the pool as every other. This is class mass normalisation (Zhu,
Ghahramani, Lafferty, ICML 2003, section 4). Without it, the class whose labels lie in the densest
part takes nearly everything. A sample inside or outside the pool gets the shares of its nearest
samples of the pool.

A few strong principal components hide what the others know. So the components of the pool are
brought nearer to equal spread before neighbours are looked for (`whitening`).

It costs one search for neighbours, with n^2 d multiplications up to `exact_up_to` samples. Each
sweep goes over k n pairs for each class. docs/results.md has the figures for the defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core import neighbour_graph
from labelcycle.core.neighbours import unit_rows, unit_rows32
from labelcycle.core.pool import UNLABELED, Head
from labelcycle.core.threads import one_thread
from labelcycle.nn.learners.linear import NO_CHANCE

KEEPS_SAMPLES = True
"""Its anchors are samples of the pool."""

LEAST = 1e-30
"""Smallest share, so that each has a logarithm."""

BLOCK_ROWS = 16_384

BLOCK_CELLS = 2**22
"""Shares of neighbours that are mixed at a time: 16 MiB."""

MOST_MEASURED = 20_000
"""Rows, drawn at random, from which the principal axes are computed."""

SMALLEST_VARIANCE = 1e-6
"""Of the largest: what varies less is rounding."""


class Options(base.Options):
    """Settings of label propagation."""

    neighbours: int = Field(15, ge=1, le=1000, description="of each sample, in the graph")
    whitening: float = Field(
        0.5, ge=0, le=1, description="components are divided by their deviation to this power"
    )
    sharpness: float = Field(
        8.0, ge=0, le=100, description="an edge weighs its cosine to this power"
    )
    alpha: float = Field(
        0.99, gt=0, lt=1, description="what a sample takes from its neighbours in a sweep"
    )
    sweeps: int = Field(60, ge=1, le=10_000, description="how often all take from all")
    class_mass: Literal["uniform", "labels", "none"] = Field(
        "uniform",
        description="how much of the pool each class gets: the same, as among the labels, or as"
        " it comes; only classes with a label count",
    )
    anchors: int = Field(
        20_000, ge=1, description="at most so many samples of the pool tell others' classes"
    )
    exact_up_to: int = Field(
        100_000, ge=0, description="for larger pools the graph comes from inverted lists"
    )


@dataclass(frozen=True)
class Space:
    """Rows of length 1, minus `centre` (d,) float32, times `axes` (d, d) float32."""

    centre: NDArray[np.float32]
    axes: NDArray[np.float32]

    def of(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n, d) float32, of length 1."""
        projected = np.empty(features.shape, dtype=np.float32)
        with one_thread():
            for start in range(0, len(features), BLOCK_ROWS):
                block = slice(start, start + BLOCK_ROWS)
                rows = (unit_rows32(features[block]) - self.centre) @ self.axes
                projected[block] = unit_rows32(rows)
        return projected


@dataclass(frozen=True)
class Propagated:
    """The shares of the nearest anchors, weighed by closeness.

    space : in which cosines are compared
    anchors : (a, d) float16 of length 1, or (0, d) before there are two classes
    shares : (a, c) float32, what each anchor says for each class; its sum is the anchor's weight
    otherwise : (c,) float32, the answer where no anchor is near
    """

    space: Space
    anchors: NDArray[np.float16]
    shares: NDArray[np.float32]
    otherwise: NDArray[np.float32]
    neighbours: int
    sharpness: float

    def predict_proba(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """(n, c) float32: class probabilities."""
        result = np.tile(self.otherwise, (len(features), 1))
        if len(self.anchors):
            # all anchors are searched: their number is bounded
            queries = self.space.of(features)
            near = neighbour_graph.nearest(
                self.anchors, queries, self.neighbours, len(self.anchors)
            )
            weights = neighbour_graph.weights_of(near[0], self.sharpness)
            rows = max(1, BLOCK_CELLS // (weights.shape[1] * len(self.otherwise)))
            for start in range(0, len(features), rows):
                block = slice(start, start + rows)
                result[block] = self._mixed(weights[block], near[1][block])
        return result

    def _mixed(self, weights: NDArray[np.float32], rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """(b, c): means of the shares of `rows` (b, k)."""
        sums = np.einsum("bk,bkc->bc", weights, self.shares[rows])
        total = weights.sum(axis=1, keepdims=True)
        mixed = np.where(total > 0, sums / np.where(total > 0, total, 1), self.otherwise)
        shares: NDArray[np.float32] = mixed / mixed.sum(axis=1, keepdims=True)
        return shares

    def head(self, features: NDArray[np.floating]) -> Head:
        """What the last softmax sees: the logarithms of the probabilities, one a class."""
        hidden = np.log(np.maximum(self.predict_proba(features), LEAST)).astype(np.float32)
        bias = np.where(self.otherwise > 0, 0, NO_CHANCE).astype(np.float32)
        return Head(hidden, np.eye(len(bias), dtype=np.float32), bias)

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Both settings, and the arrays."""
        meta = {"neighbours": self.neighbours, "sharpness": self.sharpness}
        arrays: dict[str, NDArray[Any]] = {
            "centre": self.space.centre,
            "axes": self.space.axes,
            "anchors": self.anchors,
            "shares": self.shares,
            "otherwise": self.otherwise,
        }
        return meta, arrays


def from_state(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Propagated:
    """The learner that gave this `state`."""
    space = Space(arrays["centre"], arrays["axes"])
    return Propagated(
        space,
        arrays["anchors"],
        arrays["shares"],
        arrays["otherwise"],
        int(meta["neighbours"]),
        float(meta["sharpness"]),
    )


def fit(
    features: NDArray[np.floating],
    labels: NDArray[np.int64],
    n_classes: int,
    options: Options,
    seed: int,
) -> Propagated:
    """The classes of (n, d) `features` from the `labels` (n,) that are known.

    No labels: every class is as likely. Classes without a label get probability 0. The seed draws
    the anchors where there are more samples.
    """
    seen = np.unique(labels[labels != UNLABELED])
    otherwise = alike(seen, n_classes)
    if len(seen) < 2:
        d = features.shape[1]
        empty = np.zeros((0, d), np.float16), np.zeros((0, n_classes), np.float32)
        return Propagated(plain(d), *empty, otherwise, options.neighbours, options.sharpness)
    space = _space(features, options.whitening, seed)
    points = space.of(features)
    shares = _spread(points, labels, n_classes, options)
    total = shares.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, shares / np.where(total > 0, total, 1), otherwise)
    rows = _drawn(len(features), options.anchors, seed)
    anchors = points[rows].astype(np.float16)
    pool_shares = shares[rows].astype(np.float32)
    return Propagated(space, anchors, pool_shares, otherwise, options.neighbours, options.sharpness)


def alike(labels: NDArray[np.int64], n_classes: int) -> NDArray[np.float32]:
    """(c,): the classes that occur as likely as each other, or all if none does."""
    seen = np.unique(labels)
    shares = np.zeros(n_classes, dtype=np.float32)
    shares[seen if len(seen) else slice(None)] = 1 / (len(seen) or n_classes)
    return shares


def plain(d: int) -> Space:
    """The space of d features as it is."""
    return Space(np.zeros(d, np.float32), np.eye(d, dtype=np.float32))


def _space(features: NDArray[np.floating], whitening: float, seed: int) -> Space:
    """Principal axes of the pool's directions, each divided by its deviation to a power."""
    rows = unit_rows(features[_drawn(len(features), MOST_MEASURED, seed)])
    centre = rows.mean(axis=0)
    rows -= centre
    with one_thread():
        variances, axes = np.linalg.eigh(rows.T @ rows / len(rows))
    largest = float(variances[-1]) if variances[-1] > 0 else 1.0  # all rows alike
    scaled = axes / np.maximum(variances / largest, SMALLEST_VARIANCE) ** (whitening / 2)
    return Space(centre.astype(np.float32), scaled.astype(np.float32))


def _spread(
    points: NDArray[np.float32], labels: NDArray[np.int64], n_classes: int, options: Options
) -> NDArray[np.float32]:
    """(n, c): how much of each class reaches each sample, classes evened out."""
    near = neighbour_graph.nearest(points, points, options.neighbours + 1, options.exact_up_to)
    weights = neighbour_graph.normalised(near, options.sharpness)
    known = np.flatnonzero(labels != UNLABELED)
    seeds = np.zeros((len(labels), n_classes), dtype=np.float32)
    seeds[known, labels[known]] = 1
    shares = seeds
    for _ in range(options.sweeps):
        shares = options.alpha * (weights @ shares) + (1 - options.alpha) * seeds
    if options.class_mass != "none":
        mass = shares.sum(axis=0)
        counts = np.bincount(labels[known], minlength=n_classes)
        class_mass = counts if options.class_mass == "labels" else counts > 0
        shares = shares * (class_mass / np.where(mass > 0, mass, 1)).astype(np.float32)
    shares[known] = seeds[known]
    return shares


def _drawn(n: int, most: int, seed: int) -> slice | NDArray[np.int64]:
    """All rows, or so many drawn at random, rising: the same for any labels."""
    if n <= most:
        return slice(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))
