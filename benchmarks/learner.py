"""The linear learner against its rivals at 10 to 1,000 labels, drawn at random.

    python benchmarks/learner.py [--data FOLDER] [--draws N]

Percent right on 4,000 test samples, of the CIFAR-10 features that benchmarks/selection_cifar.py
describes and of the pixels of Fashion-MNIST. "mean" is over the draws.
"""

import argparse
import gzip
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeClassifierCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from labelcycle.core.threads import one_thread
from labelcycle.nn.learners import linear

FILE = Path("features/cifar10_mobilenetv2_128px_pca256_fp16.npz")
LABELS = (10, 30, 100, 300, 1000)
Array = NDArray[np.float32]
Split = tuple[Array, NDArray[np.int64]]


def cifar(folder: Path) -> tuple[Split, Split]:
    with np.load(folder / FILE) as z:
        train = z["train"].astype(np.float32), z["train_labels"].astype(np.int64)
        return train, (z["test"][:4000].astype(np.float32), z["test_labels"][:4000])


def fashion(folder: Path) -> tuple[Split, Split]:
    def read(name: str) -> Split:
        place = folder / "fashion-mnist"
        images = gzip.decompress((place / f"{name}-images-idx3-ubyte.gz").read_bytes())
        labels = gzip.decompress((place / f"{name}-labels-idx1-ubyte.gz").read_bytes())
        pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 784)
        return pixels.astype(np.float32) / 255, np.frombuffer(labels, np.uint8, offset=8).astype(
            int
        )

    images, labels = read("t10k")
    return read("train"), (images[:4000], labels[:4000])


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
        found.append(100 * np.mean(predicted == test[1]))
    return float(np.mean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = os.environ.get("LABELCYCLE_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--draws", type=int, default=10)
    given = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    warnings.simplefilter("ignore", UserWarning)  # LDA of classes with one sample
    for name, read in {"CIFAR-10 features": cifar, "Fashion-MNIST pixels": fashion}.items():
        train, test = read(given.data)
        print(f"{name:<26}" + "".join(f"{labels:>7}" for labels in LABELS) + "  labels")
        for rival, run in rivals().items():
            with one_thread():
                values = [mean(run, train, test, n, given.draws if n < 300 else 3) for n in LABELS]
            print(f"{rival:<26}" + "".join(f"{value:>7.1f}" for value in values), flush=True)


if __name__ == "__main__":
    main()
