"""Accuracy of a linear classifier on each encoder's features, with few labels drawn at random.

    python benchmarks/encoders.py [--encoders NAME ...] [--seeds N] [--draws N] [--json]

Each encoder is fitted with its defaults, without labels, to 1,600 of the 2,000 images of
examples/fashion (or of `--data`, a folder with `images.tar.xz` and `truth.csv` like it); the other
400 measure. The labels are drawn at random, the same draws for every encoder, so the difference
from `pixels` is a paired one. The classifiers are labelcycle's `linear` and scikit-learn's logistic
regression, each with its defaults. `resnet18` and `resnet34` want a GPU and are not among the
default encoders.
"""

import argparse
import csv
import json
import sys
import tarfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measured import where
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from labelcycle import imaging
from labelcycle.nn import encoders
from labelcycle.nn.device import best_device
from labelcycle.nn.images import square
from labelcycle.nn.learners import linear

BUDGETS = (10, 50, 200)
HELD_OUT = 400
EXAMPLE = Path(__file__).parents[1] / "examples" / "fashion"
BASELINE = "pixels"


def load(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, 28, 28, 3) in the order of their names, and their classes."""
    with (folder / "truth.csv").open(newline="") as stream:
        truth = {row["file"]: row["label"] for row in csv.DictReader(stream)}
    names = sorted(set(truth.values()))
    with tarfile.open(folder / "images.tar.xz") as archive:
        files = {m.name: archive.extractfile(m) for m in archive if m.isfile()}
        data = {name: stream.read() for name, stream in files.items() if stream is not None}
    images = [square(imaging.decode(data[name]).image, 28) for name in sorted(truth)]
    return np.stack(images), np.array([names.index(truth[name]) for name in sorted(truth)])


def fit(name: str, images: NDArray[np.uint8], seed: int) -> tuple[encoders.Encoder, float, float]:
    """The encoder, and its seconds on the wall and on the processors."""
    options = encoders.options_of(name, {})
    wall, processor = time.perf_counter(), time.process_time()
    fitting = encoders.get(name).fit(images, options, seed, best_device())
    while True:
        try:
            step = next(fitting)
            print(f"\r{name}, seed {seed}: {step.step}/{step.total}", end="", file=sys.stderr)
        except StopIteration as end:
            print(file=sys.stderr)
            return end.value, time.perf_counter() - wall, time.process_time() - processor


def ours(
    features: NDArray[np.float32], labels: NDArray[np.int64], test: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Classes of `test` by the product's linear learner."""
    learner = linear.fit(features, labels, int(labels.max()) + 1, linear.Options(), 0)
    return learner.predict_proba(test).argmax(axis=1)


def plain(
    features: NDArray[np.float32], labels: NDArray[np.int64], test: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Classes of `test` by scikit-learn's logistic regression."""
    return LogisticRegression(max_iter=1000).fit(features, labels).predict(test)


LEARNERS = {"linear": ours, "scikit-learn": plain}


def accuracies(
    learner: str,
    train: NDArray[np.float32],
    labels: NDArray[np.int64],
    test: NDArray[np.float32],
    truth: NDArray[np.int64],
    budget: int,
    draws: int,
) -> list[float]:
    """Accuracy of each draw of labels."""
    values = []
    for draw in range(draws):
        rows = np.random.default_rng([draw, budget]).permutation(len(train))[:budget]
        predicted = LEARNERS[learner](train[rows], labels[rows], test)
        values.append(float((predicted == truth).mean()))
    return values


def measure(name: str, data: Path, seeds: int, draws: int) -> dict[str, Any]:
    """The row of an encoder; accuracies[learner, budget] has one entry a seed and draw."""
    images, labels = load(data)
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:HELD_OUT], order[HELD_OUT:]
    row: dict[str, Any] = {"encoder": name, "wall_s": [], "cpu_s": [], "accuracies": {}}
    row["seeds"] = seeds
    for seed in range(seeds):
        encoder, wall, processor = fit(name, images[train], seed)
        row["wall_s"].append(wall)
        row["cpu_s"].append(processor)
        features = [encoder.embed(images[part]) for part in (train, test)]
        with threadpool_limits(1):
            for learner, budget in product(LEARNERS, BUDGETS):
                values = accuracies(
                    learner, features[0], labels[train], features[1], labels[test], budget, draws
                )
                row["accuracies"].setdefault(f"{learner} {budget}", []).extend(values)
        row["features"] = encoder.width
    return row


def cell(values: NDArray[np.float64]) -> str:
    """Mean and standard error over draws in per cent; values : (seeds, draws)."""
    each = values.mean(axis=0)  # the fits share their draws: only draws are independent
    spread = np.std(each, ddof=1) / np.sqrt(len(each)) if len(each) > 1 else 0.0
    return f"{100 * each.mean():5.1f} ± {100 * spread:.1f}"


def found(row: dict[str, Any], learner: str, budget: int) -> NDArray[np.float64]:
    """(seeds, draws) accuracies."""
    return np.array(row["accuracies"][f"{learner} {budget}"]).reshape(row["seeds"], -1)


def table(rows: list[dict[str, Any]]) -> str:
    """The table, and a line on each encoder against `pixels` at 50 labels."""
    head = " | ".join(f"{budget} labels" for budget in BUDGETS)
    lines = [f"| encoder | features | fit s (cpu s) | classifier | {head} |", "|---" * 7 + "|"]
    for row, learner in product(rows, LEARNERS):
        cells = " | ".join(cell(found(row, learner, budget)) for budget in BUDGETS)
        seconds = f"{np.mean(row['wall_s']):.0f} ({np.mean(row['cpu_s']):.0f})"
        lines.append(f"| {row['encoder']} | {row['features']} | {seconds} | {learner} | {cells} |")
    base = [row for row in rows if row["encoder"] == BASELINE]
    others = [row for row in rows if row["encoder"] != BASELINE]
    lines += [verdict(learner, row, base[0]) for row, learner in product(others, LEARNERS) if base]
    return "\n".join(lines)


def verdict(learner: str, row: dict[str, Any], base: dict[str, Any]) -> str:
    """Whether an encoder is below `pixels` at 50 labels, over the same draws."""
    gain = found(row, learner, 50) - found(base, learner, 50)
    word = "below" if gain.mean() < 0 else "not below"
    name = f"{row['encoder']} at 50 labels, {learner}"
    fits = ", ".join(f"{100 * mean:+.1f}" for mean in gain.mean(axis=1))
    return f"{name}: {word} {BASELINE}, difference {cell(gain)} points; each fit {fits}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoders", nargs="+", default=[BASELINE, "smallconv"])
    parser.add_argument("--data", type=Path, default=EXAMPLE)
    parser.add_argument("--seeds", type=int, default=2, help="fits of each encoder")
    parser.add_argument("--draws", type=int, default=30, help="draws of labels for each fit")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of the fit")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rows = [
        measure(name, given.data, 1 if name == BASELINE else given.seeds, given.draws)
        for name in given.encoders
    ]
    if given.json:
        print(json.dumps(rows))
        return
    facts = {"device": best_device(), "threads": given.threads, "encoder seeds": given.seeds}
    print(where(**facts, draws=given.draws, test=HELD_OUT))
    print(table(rows))


if __name__ == "__main__":
    main()
