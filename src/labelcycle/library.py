"""Selection for a notebook: features, labels and a budget are enough; no campaign, no files.

from labelcycle import select
picks = select(features, labels, budget=20, strategy="supclust")
picks.rows
"""

from __future__ import annotations  # help() shows the names of types, not what they are made of

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelcycle.core import clusterers, query, strategies
from labelcycle.core.pool import UNLABELED, Pool, Selection
from labelcycle.core.registry import parse_options
from labelcycle.core.seeding import derive
from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import learners

MOST_CLUSTERS = 500
"""As the cluster stage's default (Hacohen et al. 2022, code)."""


def select(
    features: NDArray[Any],
    labels: ArrayLike | None,
    budget: int,
    *,
    strategy: str = "typiclust",
    options: Mapping[str, Any] | None = None,
    classes: int | None = None,
    clusters: ArrayLike | None = None,
    cluster_method: str = "kmeans",
    cluster_options: Mapping[str, Any] | None = None,
    probabilities: ArrayLike | None = None,
    learner: str = "linear",
    learner_options: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Selection:
    """The `budget` samples to label next, in the order in which they were picked.

    The answer has `rows` (b,) int64; `score` (b,), by which the strategy judged each at its turn;
    `why`, what it knew of each, by name; `stood_in`, the strategy that picked instead because the
    model had nothing to say (no labels, one class, the same answer for all samples), or None.

    features : (n, d), one row a sample; float32 or float16 are used as they are, may be
        memory-mapped, and are never changed
    labels : (n,) class indices, -1 (or NaN) where there is none; None: no sample has one
    budget : if fewer samples have no label, all of them are returned, with a warning
    strategy : a name of `labelcycle strategies`; `options` : its own, where not the default, as
        `labelcycle strategies NAME` lists them
    classes : how many there are, which counts while not all have a label: for probcover's radius,
        tcm's transition, the model; None: as many as the labels show, at least 2
    clusters : (n,) cluster of each sample, if you have them; else `cluster_method` makes as many
        as there will be labels, at most 500 (kmeans, minibatch; hdbscan as many as it finds, for
        at most 20,000 samples)
    probabilities : (n, c) of your own model, if the strategy asks for them; else `learner` is
        fitted on the labels. A strategy that asks for a model's last layer always gets `learner`'s
    seed : of all draws; the same arguments give the same selection

    Raises SettingsError, DataError or PoolExhausted (labelcycle.errors), all of them ValueErrors,
    each with what was wanted and what came.
    """
    module = strategies.get(strategy)
    settings = parse_options(module.Options, options, f"strategy {strategy}")
    array = _features(features)
    known = _labels(labels, len(array))
    pool = Pool(array, known, known == UNLABELED)
    query.check_pool(pool)
    given = None if probabilities is None else _probabilities(probabilities, pool, classes)
    count = _class_count(pool, classes) if given is None else given.shape[1]
    if getattr(settings, "classes", 0) is None:  # asked for, and not told
        settings = settings.model_copy(update={"classes": count})
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise SettingsError(f"seed must be a whole number, at least 0 (got {seed!r})")
    wanted = _affordable(budget, int(np.count_nonzero(pool.available)))
    groups = last = None
    if "clusters" in module.NEEDS:
        groups = _clusters(pool, wanted, clusters, cluster_method, cluster_options, seed)
    if "head" in module.NEEDS or ("probabilities" in module.NEEDS and given is None):
        fitted = _fitted(pool, count, learner, learner_options, seed)
        given = fitted.predict_proba(array) if given is None else given
        last = fitted.head(array) if "head" in module.NEEDS else None
    pool = Pool(array, known, pool.available, groups, given, last)
    return query.select(strategy, pool, wanted, derive(seed, 0, "query"), settings)


def _features(features: NDArray[Any]) -> NDArray[np.floating]:
    """As they are if they can be; other numbers as float32."""
    array = np.asanyarray(features)
    if array.ndim != 2 or not array.shape[1] or array.dtype.kind not in "fiu":
        raise DataError(
            f"features must be numbers of shape (n, d >= 1), one row a sample"
            f" (got {array.shape} {array.dtype}); flatten images or embed them first"
        )
    return array if array.dtype in (np.float32, np.float16) else array.astype(np.float32)


def _labels(labels: ArrayLike | None, n: int) -> NDArray[np.int64]:
    if labels is None:
        return np.full(n, UNLABELED, dtype=np.int64)
    array = np.asarray(labels)
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), UNLABELED, array)
    if array.shape != (n,) or not _whole(array):
        raise DataError(
            f"labels must be ({n},) class indices, {UNLABELED} or NaN where there is none"
            f" (got {array.shape} {array.dtype}); map class names to 0, 1, ... first"
        )
    return array.astype(np.int64)


def _affordable(budget: int, left: int) -> int:
    """The budget, or what is left if that is less. Raises as `query.check_budget`."""
    if isinstance(budget, int | np.integer) and budget > left > 0:
        warnings.warn(
            f"budget {budget} is above the {left} samples without a label: all are returned",
            stacklevel=3,
        )
        return left
    query.check_budget(budget, left)
    return int(budget)


def _clusters(
    pool: Pool,
    budget: int,
    clusters: ArrayLike | None,
    method: str,
    options: Mapping[str, Any] | None,
    seed: int,
) -> NDArray[np.int32]:
    if clusters is not None:
        given = np.asarray(clusters)
        if given.shape != (len(pool.labels),) or not _whole(given):
            raise DataError(
                f"clusters must be ({len(pool.labels)},) whole numbers, the cluster of each sample"
                f" (got {given.shape} {given.dtype})"
            )
        return given.astype(np.int32)
    module = clusterers.get(method)
    wanted = min(int(np.count_nonzero(pool.labeled)) + budget, MOST_CLUSTERS)
    rng = derive(seed, 0, "cluster")
    settings = parse_options(module.Options, options, f"clusterer {method}")
    return module.fit(pool.features, wanted, rng, settings, True).assignment


def _probabilities(
    probabilities: ArrayLike, pool: Pool, classes: int | None
) -> NDArray[np.float32]:
    given = np.asarray(probabilities, dtype=np.float32)
    n, least = len(pool.labels), _class_count(pool, classes)
    columns = f"at least {least}" if classes is None else str(classes)
    fits = given.ndim == 2 and len(given) == n
    if not fits or (given.shape[1] < least if classes is None else given.shape[1] != classes):
        raise DataError(
            f"probabilities must be ({n}, c), a row a sample and a column for each of {columns}"
            f" classes (got {given.shape})"
        )
    return given


def _whole(array: NDArray[Any]) -> bool:
    """Whether these are whole numbers, of whatever type."""
    if array.dtype.kind != "f":
        return array.dtype.kind in "iu"
    return bool((np.isfinite(array) & (array == np.floor(array))).all())


def _class_count(pool: Pool, classes: int | None) -> int:
    """As many as told, else as many as the labels show, at least 2."""
    least = max(2, int(pool.labels.max(initial=UNLABELED)) + 1)
    if classes is not None and classes < least:
        raise SettingsError(f"classes must be at least {least}, as the labels show (got {classes})")
    return least if classes is None else classes


def _fitted(
    pool: Pool, classes: int, learner: str, options: Mapping[str, Any] | None, seed: int
) -> learners.Learner:
    """The learner, fitted on the labels there are."""
    module = learners.get(learner)
    learners.must_see("features", learner, "learner")
    settings = parse_options(module.Options, options, f"learner {learner}")
    return module.fit(pool.features, pool.labels, classes, settings, seed)
