"""The linear learner against its rivals at 10 to 1,000 labels, drawn at random.

    python benchmarks/learner.py [--data FILE] [--draws N] [--into TABLE.json]

Percent right on the first 4,000 test samples, mean over the draws, of the features that
benchmarks/measured.py describes; flattened pixels, divided by 255, are such features too.
"""

import argparse
import warnings
from collections.abc import Callable

import numpy as np
from measured import add_data, read, where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from labelcycle.core.threads import one_thread
from labelcycle.nn.learners import linear

TESTED = 4000
LABELS = (10, 30, 100, 300, 1000)
LAYOUT = Layout(
    "Learners on labels drawn at random, accuracy in per cent",
    ["learner"],
    [Figure("accuracy", digits=1, times=100, best="most")],
    ["budget"],
    names={"budget": "labels"},
)
Array = NDArray[np.float32]
Split = tuple[Array, NDArray[np.int64]]


def product(features: Array, labels: NDArray[np.int64], test: Array, penalty: float) -> Array:
    options = linear.Options(penalty=penalty)
    return linear.fit(features, labels, 10, options, 0).predict_proba(test).argmax(axis=1)


def rivals() -> dict[str, Callable[[Array, NDArray[np.int64], Array], Array]]:
    def fitted(*steps: object) -> Callable[[Array, NDArray[np.int64], Array], Array]:
        return lambda x, y, test: make_pipeline(*steps).fit(x, y).predict(test)

    def ours(penalty: float) -> Callable[[Array, NDArray[np.int64], Array], Array]:
        return lambda x, y, test: product(x, y, test, penalty)

    ridge = RidgeClassifierCV(alphas=np.logspace(-3, 3, 13))
    return {
        "linear (ours), 1/3000": ours(1 / 3000),
        "linear (ours), 1/300": ours(1 / 300),
        "linear (ours), 1/30000": ours(1 / 30000),
        "standardised, C 0.1": fitted(StandardScaler(), LogisticRegression(C=0.1, max_iter=500)),
        "unit length, C 10": fitted(Normalizer(), LogisticRegression(C=10, max_iter=500)),
        "unit length, ridge by CV": fitted(Normalizer(), ridge),
        "unit length, LDA shrunk": fitted(
            Normalizer(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        ),
    }


def mean(run: Callable, train: Split, test: Split, labels: int, draws: int) -> float:
    found = []
    for draw in range(draws):
        rows = np.random.default_rng(draw).choice(len(train[0]), labels, replace=False)
        predicted = run(train[0][rows], train[1][rows], test[0])
        found.append(np.mean(predicted == test[1]))
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_data(parser)
    parser.add_argument("--draws", type=int, default=10)
    add_into(parser)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", UserWarning)  # LDA of classes with one sample
    data = read(given.data)
    train = data.train.astype(np.float32), data.train_labels
    test = data.test[:TESTED].astype(np.float32), data.test_labels[:TESTED]
    draws = {labels: given.draws if labels < 300 else min(3, given.draws) for labels in LABELS}
    print(where(data=given.data.name, tested=len(test[0]), draws=list(draws.values())))
    print(f"{'percent right':<26}" + "".join(f"{labels:>7}" for labels in LABELS) + "  labels")
    rows = []
    for rival, run in rivals().items():
        with one_thread():
            values = [mean(run, train, test, labels, draws[labels]) for labels in LABELS]
        print(f"{rival:<26}" + "".join(f"{100 * value:>7.1f}" for value in values), flush=True)
        rows += [
            {"learner": rival, "budget": labels, "accuracy": value}
            for labels, value in zip(LABELS, values, strict=True)
        ]
    if given.into:
        seeds = f"{given.draws} draws, {min(3, given.draws)} from 300 labels on"
        save(given.into, LAYOUT, rows, note=given.note, seeds=seeds)


if __name__ == "__main__":
    main()
