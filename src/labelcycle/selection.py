"""Selection for a notebook: features, labels and a budget are enough; no campaign, no files.

The function `select` has an example.
"""

from __future__ import annotations  # help() shows the names of types, not what they are made of

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labelcycle.core import array_input, clusterers, length_variance, run_strategy, strategies
from labelcycle.core.clustering import prepared, without_noise
from labelcycle.core.counted_nouns import counted
from labelcycle.core.group_limit import GroupLimit
from labelcycle.core.neighbours import in_ball
from labelcycle.core.pool import UNLABELED, Pool, Selection
from labelcycle.core.registry import parse_options
from labelcycle.core.seeding import derive
from labelcycle.errors import SettingsError
from labelcycle.nn import learners
from labelcycle.options import Options

MOST_CLUSTERS = 500
"""As the cluster stage's default (Hacohen et al. 2022, code)."""


def select(
    features: ArrayLike,
    labels: ArrayLike | None,
    budget: int,
    *,
    strategy: str = "trustherding",
    options: Mapping[str, Any] | None = None,
    normalise: bool = True,
    classes: int | None = None,
    clusters: ArrayLike | None = None,
    cluster_method: str = "kmeans",
    cluster_options: Mapping[str, Any] | None = None,
    probabilities: ArrayLike | None = None,
    learner: str = "linear",
    learner_options: Mapping[str, Any] | None = None,
    groups: ArrayLike | None = None,
    per_group: int | None = None,
    seed: int = 0,
) -> Selection:
    """Pick the samples to label next, the best first.

    `rows` of the answer are their rows in `features`. `Selection` says what else it holds.

    Before there are labels of two classes, a model has nothing to say. For most strategies that ask
    one, TypiClust then picks, and `stood_in` of the answer names it.

    features : (n, d), one row for each sample: an array of numpy, a tensor of torch, a data frame
        or lists. Only the directions of the rows are compared: each row is brought to length 1
        first. A warning tells where the lengths carry most of the spread. float32 and float16
        are used as they are. They may be memory-mapped, and are never changed
    labels : (n,) class indices, -1 (or NaN, None) for a sample without a label. None: no sample
        has a label
    budget : how many samples to pick. If fewer have no label, all of those are returned, with a
        warning
    strategy : one of the names that `labelcycle strategies` lists
    options : of the strategy, where not the default. `labelcycle strategies NAME` lists them
    normalise : False: lengths count too. It is for features whose directions say little, such as
        a single column. Clusters, model and strategy then see the features less their mean.
        maxherding, uherding, trustherding and probcover refuse it, because their widths and radii
        are distances between rows of length 1. So do the learners knn and propagate
    classes : how many classes there are, where not all have a label yet. probcover's radius,
        tcm's transition and the model depend on it. None: as many as the labels show, at least 2
    clusters : (n,) cluster of each sample, if you have them: whole numbers, which may have gaps.
        -1 is noise, which goes to the nearest cluster
    cluster_method : makes clusters where you give none: as many as there will be labels, at most
        500. hdbscan makes as many as it finds, for at most 20,000 samples
    cluster_options : of the method, where not the default
    probabilities : (n, c) of your own model, for a strategy that asks for them. Else `learner` is
        fitted on the labels. A strategy that asks for a model's last layer always gets `learner`'s
    learner : makes the model that a strategy asks for
    learner_options : of the learner, where not the default
    groups : (n,) the group of each sample, such as its patient, camera or film: numbers or texts.
        A sample with -1, an empty text, NaN or None is in no group
    per_group : at most so many picks of a group. If that leaves fewer than `budget`, so many are
        returned, with a warning. None: no limit
    seed : of all draws. The same arguments give the same selection

    Raises SettingsError, DataError or PoolExhausted (labelcycle.errors), all of them ValueErrors.
    Each says what was wanted and what came.

    Examples: two groups of samples and no label, then a label for one sample of each.

    >>> import numpy as np
    >>> from labelcycle import select
    >>> angles = np.concatenate([np.linspace(0, 0.3, 20), np.linspace(1.2, 1.5, 20)])
    >>> features = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> picks = select(features, None, budget=2, strategy="typiclust")
    >>> sorted((picks.rows // 20).tolist())  # one of each group
    [0, 1]
    >>> labels = np.full(40, -1)
    >>> labels[picks.rows] = [0, 1]
    >>> more = select(features, labels, budget=3, strategy="margin")
    >>> set(more.rows) & set(picks.rows)  # no sample is asked for twice
    set()
    """
    module = strategies.get(strategy)
    settings = _settings(module.Options, options, f"strategy {strategy}", normalise)
    seed = array_input.whole_number(seed, "seed", 0)
    if classes is not None:
        classes = array_input.whole_number(classes, "classes", 1, array_input.MOST_CLASSES)
    array = array_input.feature_rows(features, normalise)
    n = len(array)
    known = array_input.class_indices(labels, n)
    pool = Pool(array, known, known == UNLABELED)
    run_strategy.check_pool(pool)
    least = _class_count(known, classes)
    class_probabilities = None
    if probabilities is not None:
        class_probabilities = array_input.probability_rows(
            probabilities, n, least, exactly=classes is not None
        )
    count = least if class_probabilities is None else class_probabilities.shape[1]
    if getattr(settings, "classes", 0) is None:  # asked for, and not told
        settings = settings.model_copy(update={"classes": count})
    affordable = _affordable(budget, int(np.count_nonzero(pool.available)))
    limit = _group_limit(groups, per_group, pool, affordable)
    if normalise and strategy != "random":
        _warn_of_lengths(array, "normalise" in module.Options.model_fields)
    if not normalise:
        array = in_ball(array)
        pool = Pool(array, known, pool.available)
    assignment = last = None
    if "clusters" in module.NEEDS and clusters is not None:
        assignment = _without_noise(array_input.cluster_numbers(clusters, n), array, normalise)
    elif "clusters" in module.NEEDS:
        assignment = _clusters(pool, affordable, cluster_method, cluster_options, normalise, seed)
    if "head" in module.NEEDS or ("probabilities" in module.NEEDS and class_probabilities is None):
        fitted = _fitted(pool, count, learner, learner_options, normalise, seed)
        class_probabilities = (
            fitted.predict_proba(array) if class_probabilities is None else class_probabilities
        )
        last = fitted.head(array) if "head" in module.NEEDS else None
    pool = Pool(array, known, pool.available, assignment, class_probabilities, last)
    rng = derive(seed, 0, "query")
    selection = run_strategy.select(strategy, pool, affordable, rng, settings, limit)
    _warn_of_copies(array[selection.rows], whole=affordable == np.count_nonzero(pool.available))
    return selection


def _settings(
    kind: type[Options], values: Mapping[str, Any] | None, owner: str, normalise: bool
) -> Any:
    """The options of a strategy or learner, told whether lengths count.

    Raises SettingsError where they would have to and cannot.
    """
    if not isinstance(normalise, bool | np.bool_):
        raise SettingsError(f"normalise must be True or False (got {normalise!r})")
    if normalise or owner == "strategy random":
        return parse_options(kind, values, owner)
    if "normalise" not in kind.model_fields:
        raise SettingsError(
            f"{owner} goes by distances between rows of length 1: wanted normalise=True; take a"
            f" {owner.split()[0]} with an option `normalise`, as {_ABLE[owner.split()[0]]}"
        )
    return parse_options(kind, {"normalise": False, **(values or {})}, owner)


_ABLE = {"strategy": "typiclust, supclust, coreset or badge", "learner": "linear or prototype"}


def _warn_of_lengths(features: NDArray[np.floating], able: bool) -> None:
    text = length_variance.remark(features)
    if text:
        remedy = "" if able else f"take {_ABLE['strategy']} and "
        warnings.warn(f"{text}; {remedy}give normalise=False if lengths should count", stacklevel=3)


def _warn_of_copies(picked: NDArray[np.floating], whole: bool) -> None:
    """Warn if picks look the same, unless all that was left had to be taken."""
    distinct = len(np.unique(picked, axis=0))
    if distinct < len(picked) and not whole:
        warnings.warn(
            f"{len(picked) - distinct} of {len(picked)} picks have the features of another pick;"
            " leave copies out before you select",
            stacklevel=3,
        )


def _affordable(budget: int, left: int) -> int:
    """The budget, or what is left if that is less. Raises as `run_strategy.check_budget`."""
    above = isinstance(budget, int | np.integer) and budget > left > 0
    run_strategy.check_budget(left if above else budget, left)
    if above:
        warnings.warn(
            f"budget {budget} is above the {counted(left, 'sample')} without a label: all are"
            " returned",
            stacklevel=3,
        )
    return min(int(budget), left)


def _group_limit(
    groups: ArrayLike | None, most: int | None, pool: Pool, budget: int
) -> GroupLimit | None:
    """The limit of picks, if there is one; a warning where it leaves fewer than the budget."""
    if most is None:
        return None
    most = array_input.whole_number(most, "per_group", 1)
    if groups is None:
        raise SettingsError(
            f"per_group is a limit for each group: wanted groups, got none (per_group={most});"
            " give the group of each sample as groups"
        )
    limit = GroupLimit(array_input.group_numbers(groups, len(pool.features)), most)
    left = limit.affordable(pool.available)
    if left < budget:
        warnings.warn(
            f"per_group={most} leaves {counted(left, 'sample')} to pick, less than the budget of"
            f" {budget}: all of these are returned",
            stacklevel=3,
        )
    return limit


def _clusters(
    pool: Pool,
    budget: int,
    method: str,
    options: Mapping[str, Any] | None,
    normalise: bool,
    seed: int,
) -> NDArray[np.int32]:
    module = clusterers.get(method)
    cluster_count = min(int(np.count_nonzero(pool.labeled)) + budget, MOST_CLUSTERS)
    rng = derive(seed, 0, "cluster")
    settings = parse_options(module.Options, options, f"clusterer {method}")
    return module.fit(pool.features, cluster_count, rng, settings, normalise).assignment


def _without_noise(
    clusters: NDArray[np.int32], features: NDArray[np.floating], normalise: bool
) -> NDArray[np.int32]:
    if not len(clusters) or clusters.min() >= 0:
        return clusters
    if clusters.max() < 0:
        warnings.warn(
            "clusters are -1 (noise) for all samples: they are taken for one cluster", stacklevel=3
        )
    return without_noise(prepared(features, normalise), clusters)[0]


def _class_count(labels: NDArray[np.int64], classes: int | None) -> int:
    """As many as told, else as many as the labels show, at least 2."""
    least = max(2, int(labels.max(initial=UNLABELED)) + 1)
    if classes is not None and classes < least:
        raise SettingsError(f"classes must be at least {least}, as the labels show (got {classes})")
    return least if classes is None else classes


def _fitted(
    pool: Pool,
    classes: int,
    learner: str,
    options: Mapping[str, Any] | None,
    normalise: bool,
    seed: int,
) -> learners.Learner:
    """The learner, fitted on the labels there are."""
    module = learners.get_for_features(learner)
    settings = _settings(module.Options, options, f"learner {learner}", normalise)
    return module.fit(pool.features, pool.labels, classes, settings, seed)
