"""The calls of scikit-activeml and lightly-mundig that select_speed.py times beside ours."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from speed_calls import (
    DROPOUT,
    GAMMA,
    MASKS,
    NEIGHBOURS,
    PENALTY,
    RADIUS,
    SEED,
    Answer,
    Call,
    Case,
)

from labelcycle.core.pool import UNLABELED


class GivenClusters:
    """Stands where scikit-activeml expects a cluster algorithm, and returns what it was given."""

    def __init__(self, labels: NDArray[np.int32] | None = None, n_clusters: int = 0) -> None:
        self.labels = labels
        self.n_clusters = n_clusters

    def fit_predict(self, X: NDArray[np.floating]) -> NDArray[np.int32]:
        """The labels."""
        del X
        return self.labels


def by_lot(lots: NDArray[np.float64]) -> Callable[..., NDArray[np.int64]]:
    """Stands for scikit-activeml's `rand_argmax`: of equal values the one with the lowest lot."""

    def chosen(values: NDArray[np.floating], random_state: Any) -> NDArray[np.int64]:
        del random_state
        best = np.flatnonzero(values == np.nanmax(values))
        return best[[np.argmin(lots[best])]]

    return chosen


def scikit_activeml(strategy: str, case: Case) -> Call:
    """scikit-activeml's call; the classifier is fitted before it."""
    from skactiveml import pool
    from skactiveml.classifier import SklearnClassifier
    from skactiveml.pool import _prob_cover
    from sklearn.linear_model import LogisticRegression

    labeled = case.labels != UNLABELED
    y = np.where(labeled, case.labels, np.nan)
    _prob_cover.rand_argmax = by_lot(np.random.default_rng(SEED).random(len(y)))
    rows = case.features
    classes = list(range(len(case.bias)))
    base = LogisticRegression(C=PENALTY, max_iter=2000)
    model = SklearnClassifier(base, classes=classes).fit(rows[labeled], y[labeled])
    given = {} if case.given is None else {"cluster_algo": GivenClusters}
    if given:
        given["cluster_algo_dict"] = {"labels": case.given}
    makers = {
        "typiclust": partial(pool.TypiClust, k=NEIGHBOURS, **given),
        "coreset": pool.CoreSet,
        "badge": pool.Badge,
        "probcover": partial(pool.ProbCover, n_classes=len(classes), deltas=[RADIUS]),
        "maxherding": partial(pool.MaxHerding, metric_dict={"gamma": GAMMA}),
        "margin": partial(pool.UncertaintySampling, method="margin_sampling"),
        "entropy": partial(pool.UncertaintySampling, method="entropy"),
        "least_confidence": partial(pool.UncertaintySampling, method="least_confident"),
        "dropquery": partial(pool.DropQuery, n_dropout_samples=MASKS, dropout_rate=DROPOUT),
        "random": pool.RandomSampling,
    }
    asks = {"badge", "margin", "entropy", "least_confidence", "dropquery"} & {strategy}
    more = {"clf": model, "fit_clf": False} if asks else {}

    def call() -> Answer:
        chosen = makers[strategy](random_state=SEED).query(rows, y, batch_size=case.budget, **more)
        return Answer(np.asarray(chosen))

    return call


def lightly(strategy: str, case: Case) -> Call:
    """lightly-mundig's call."""
    import lightly_mundig

    labeled = np.flatnonzero(case.labels != UNLABELED).tolist()

    def typical() -> Answer:
        engine = lightly_mundig.Typicality(embeddings=case.features)
        values = np.array(engine.calculate_typicality(num_nearest_neighbors=NEIGHBOURS))
        return Answer(np.argsort(-values, kind="stable")[: case.budget])

    def diverse() -> Answer:
        engine = lightly_mundig.Selection()
        engine.add_diversifying_strategy(embeddings=case.features, strength=1.0)
        chosen = engine.run_selection(
            preselected_indices=labeled,
            n_total_samples=len(case.features),
            n_samples_to_select=len(labeled) + case.budget,
        )
        return Answer(np.array(chosen[len(labeled) :]))

    return typical if strategy == "typicality" else diverse
