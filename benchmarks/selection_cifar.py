"""Accuracy of the first labels on CIFAR-10 features: TypiClust and SUPClust against random.

    python benchmarks/selection_cifar.py [--data FILE] [--pool ROWS] [--json]

Clusters, picks and classifier are labelcycle's own. Every strategy but random buys the labels
once for each seed of the clustering; random draws anew each time. The classifier is fitted on the
labels bought and measured on the whole test set. benchmarks/measured.py describes the features.
They are not the papers' SimCLR features: the accuracies compare strategies here, not with the
papers.
"""

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measured import Data, add_data, read, where
from numpy.typing import NDArray
from scipy import stats

from labelcycle.core import query
from labelcycle.core.clustering import kmeans
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.strategies import supclust, typiclust
from labelcycle.core.typicality import typicality
from labelcycle.nn.learners import linear


def accuracy(data: Data, rows: NDArray[np.int64]) -> float:
    """Percent right on the test set after training on these rows."""
    learner = linear.fit(data.train[rows], data.train_labels[rows], 10, linear.Options(), 0)
    predicted = learner.predict_proba(data.test).argmax(axis=1)
    return 100 * float(np.mean(predicted == data.test_labels))


def empty_pool(data: Data, clusters: NDArray[np.int32] | None) -> Pool:
    n = len(data.train)
    return Pool(data.train, np.full(n, UNLABELED), np.ones(n, dtype=bool), clusters)


def remembered() -> Callable[..., NDArray[np.float64]]:
    """`typicality`, computed once for the same points: most of the time, the same for each row."""
    known: dict[tuple[object, ...], NDArray[np.float64]] = {}

    def call(points: NDArray[np.float64], *settings: object) -> NDArray[np.float64]:
        key = (hashlib.sha256(points.tobytes()).digest(), *settings)
        if key not in known:
            known[key] = typicality(points, *settings)
        return known[key]

    return call


def random_draws(data: Data, labels: int, draws: int) -> list[float]:
    pool = empty_pool(data, None)
    found = []
    for seed in range(draws):
        picks = query.select("random", pool, labels, np.random.default_rng(seed))
        found.append(accuracy(data, picks.rows))
    return found


def contenders(temperatures: list[float]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    yield "typiclust", "typiclust", {}
    for temperature in temperatures:
        yield f"supclust T={temperature:g}", "supclust", {"temperature": temperature}


def clustered(
    data: Data, labels: int, seeds: int, temperatures: list[float]
) -> dict[str, list[float]]:
    """Accuracies of each strategy, one a seed of the clustering."""
    found: dict[str, list[float]] = {name: [] for name, _, _ in contenders(temperatures)}
    for seed in range(seeds):
        typiclust.typicality = supclust.typicality = remembered()
        clusters = kmeans(data.train, labels, np.random.default_rng(seed)).assignment
        pool = empty_pool(data, clusters)
        for name, strategy, options in contenders(temperatures):
            rng = np.random.default_rng(seed)
            picks = query.select(strategy, pool, labels, rng, options)
            found[name].append(accuracy(data, picks.rows))
        print(f"clustering {seed + 1} of {seeds}", file=sys.stderr)
    return found


def row(name: str, values: list[float], base: list[float]) -> dict[str, Any]:
    """Mean, standard error, and the difference to random with its 95 % interval (Welch)."""
    test = stats.ttest_ind(values, base, equal_var=False)
    interval = test.confidence_interval(0.95)
    return {
        "strategy": name,
        "n": len(values),
        "mean": float(np.mean(values)),
        "se": float(stats.sem(values)),
        "difference": float(np.mean(values) - np.mean(base)),
        "low": float(interval.low),
        "high": float(interval.high),
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'strategy':<18}{'n':>5}{'accuracy':>10}{'s.e.':>7}  difference to random [95 %]"]
    for entry in rows:
        line = "{strategy:<18}{n:>5}{mean:>10.1f}{se:>7.1f}".format(**entry)
        if entry["strategy"] != "random":
            line += "  {difference:>+6.1f} [{low:+.1f}, {high:+.1f}]".format(**entry)
        lines.append(line)
    return "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_data(parser)
    parser.add_argument("--pool", type=int, default=50_000, help="first rows of the training set")
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=10, help="of the clustering")
    parser.add_argument("--draws", type=int, default=100, help="of random")
    parser.add_argument(
        "--temperatures", type=float, nargs="*", default=[0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    began = time.perf_counter()
    data = read(given.data, given.pool)
    base = random_draws(data, given.labels, given.draws)
    others = clustered(data, given.labels, given.seeds, given.temperatures)
    rows = [row("random", base, base)]
    rows += [row(name, values, base) for name, values in others.items()]
    seconds = round(time.perf_counter() - began)
    facts = where(labels=given.labels, pool=len(data.train), test=len(data.test), seconds=seconds)
    if given.json:
        print(json.dumps({"where": facts, "rows": rows}, indent=2))
        return
    print(facts)
    print("accuracy in percent; n: draws of random, seeds of the clustering for the others")
    print(table(rows))


if __name__ == "__main__":
    main()
