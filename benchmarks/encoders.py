"""What each encoder's features are worth with few labels drawn at random, and their seconds.

    python benchmarks/encoders.py [--data SET ...] [--encoders NAME ...] [--pool N] [--tested N]
                                  [--seeds N] [--draws N] [--threads N] [--json]
                                  [--into TABLE.json]

Each encoder is fitted with its defaults, without labels, to the pool of a set of
benchmarks/image_sets.py; other images measure. The labels are drawn at random from the pool, the
same draws for every encoder, so that the difference from `pixels` is a paired one. The classifiers
are labelcycle's `linear` at its defaults, and scikit-learn's vote of the 5 nearest by cosine,
weighted by distance. `mobilenetv2` stands for ready-made features, where a set has them.
`resnet18` and `resnet34` want a GPU and are not among the default encoders.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from image_sets import SETS, ImageSet, open_images
from label_sets import add_folders
from measured import where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from labelcycle.core.counted_nouns import counted
from labelcycle.nn import encoders
from labelcycle.nn.device import best_device
from labelcycle.nn.learners import linear
from labelcycle.simulate.plug_in_choice import choice

BUDGETS = (10, 50, 200)
BASELINE = "pixels"
READY_MADE = "mobilenetv2"
UNDRAWN = (BASELINE, READY_MADE)
"""Encoders that hang on no seed: one fit."""

LAYOUT = Layout(
    "Accuracy on features of each encoder in per cent, and gain over pixels",
    ["data", "pool", "tested", "encoder"],
    [
        Figure("accuracy", digits=1, times=100, best="most"),
        Figure("gain", digits=1, times=100, signed=True),
    ],
    ["learner", "budget"],
    ["data", "pool", "tested"],
    {"budget": "labels"},
)

SECONDS_LAYOUT = Layout(
    "Processor seconds of an encoder's fit",
    ["data", "pool", "tested", "encoder"],
    [Figure("fit_cpu_s", digits=0)],
    names={"fit_cpu_s": "processor s"},
)

Features = NDArray[np.float32]
Labels = NDArray[np.int64]


def fit(name: str, images: NDArray[np.uint8], seed: int) -> tuple[encoders.Encoder, float, float]:
    """The encoder, and its seconds on the wall and on the processors."""
    chosen = choice(name, encoders)
    wall, processor = time.perf_counter(), time.process_time()
    fitting = encoders.get(chosen.name).fit(images, chosen.options, seed, best_device())
    while True:
        try:
            step = next(fitting)
            print(f"\r{name}, seed {seed}: {step.step}/{step.total}", end="", file=sys.stderr)
        except StopIteration as end:
            print(file=sys.stderr)
            return end.value, time.perf_counter() - wall, time.process_time() - processor


def by_linear(features: Features, labels: Labels, test: Features) -> Labels:
    """Classes of `test` by the product's linear learner."""
    learner = linear.fit(features, labels, int(labels.max()) + 1, linear.Options(), 0)
    return learner.predict_proba(test).argmax(axis=1)


def by_neighbours(features: Features, labels: Labels, test: Features) -> Labels:
    """Classes of `test` by the 5 nearest."""
    voters = KNeighborsClassifier(min(5, len(labels)), weights="distance", metric="cosine")
    return voters.fit(features, labels).predict(test)


LEARNERS = {"linear": by_linear, "kNN": by_neighbours}


def score(predicted: Labels, truth: Labels, balanced: bool) -> float:
    """Share of right answers, or mean recall of the classes."""
    right = predicted == truth
    if not balanced:
        return float(right.mean())
    return float(np.mean([right[truth == c].mean() for c in np.unique(truth)]))


def scores(
    image_set: ImageSet, features: Features, learner: str, budget: int, draws: int
) -> list[float]:
    """The score of each draw of labels."""
    values = []
    for draw in range(draws):
        rows = np.random.default_rng([draw, budget]).permutation(image_set.pool)[:budget]
        test = features[image_set.pool :]
        predicted = LEARNERS[learner](features[rows], image_set.labels[rows], test)
        values.append(score(predicted, image_set.labels[image_set.pool :], image_set.balanced))
    return values


def embedded(image_set: ImageSet, name: str, seed: int, row: dict[str, Any]) -> Features:
    """The features of all images; what they took goes into the row."""
    if name == READY_MADE:
        assert image_set.ready_made is not None
        return image_set.ready_made
    chosen = choice(name, encoders)
    size = encoders.get(chosen.name).default_size(image_set.side, chosen.options)
    images = image_set.squares(size)
    encoder, wall, processor = fit(name, images[: image_set.pool], seed)
    start = time.perf_counter()
    features = encoder.embed(images)
    row["side"] = size
    row["fit_wall_s"].append(wall)
    row["fit_cpu_s"].append(processor)
    row["embed_s_per_1000"].append(1000 * (time.perf_counter() - start) / len(images))
    return features


def measure(image_set: ImageSet, name: str, seeds: int, draws: int) -> dict[str, Any]:
    """The row of an encoder; scores[learner budget] has one entry a seed and draw."""
    row: dict[str, Any] = {
        "data": image_set.name,
        "pool": image_set.pool,
        "encoder": name,
        "side": None,
    }
    row |= {"tested": len(image_set.labels) - image_set.pool, "seeds": seeds, "scores": {}}
    row |= {key: [] for key in ("fit_wall_s", "fit_cpu_s", "embed_s_per_1000")}
    for seed in range(seeds):
        features = embedded(image_set, name, seed, row)
        with threadpool_limits(1):
            for learner, budget in product(LEARNERS, BUDGETS):
                values = scores(image_set, features, learner, budget, draws)
                row["scores"].setdefault(f"{learner} {budget}", []).extend(values)
        row["features"] = features.shape[1]
    return row


def cell(values: NDArray[np.float64], sign: str = "") -> str:
    """Mean and standard error over draws in per cent; values : (seeds, draws)."""
    said = with_error("mean", values)
    return f"{100 * said['mean']:{sign}.1f} ± {100 * said['mean_se']:.1f}"


def scores_of(row: dict[str, Any], learner: str, budget: int) -> NDArray[np.float64]:
    """(seeds, draws) scores."""
    return np.array(row["scores"][f"{learner} {budget}"]).reshape(row["seeds"], -1)


def seconds(row: dict[str, Any]) -> str:
    """Of the fit on the wall (on the processors), and of embedding 1,000 images."""
    if not row["fit_wall_s"]:
        return "ready | made"
    wall, processor = (np.mean(row[key]) for key in ("fit_wall_s", "fit_cpu_s"))
    return f"{wall:.0f} ({processor:.0f}) | {np.mean(row['embed_s_per_1000']):.1f}"


def table(rows: list[dict[str, Any]]) -> str:
    """The table of one set, and a line on each encoder against `pixels` at 50 labels."""
    head = " | ".join(f"{learner} {budget}" for learner, budget in product(LEARNERS, BUDGETS))
    lines = [f"**{rows[0]['data']}**, pool {rows[0]['pool']}, measured on {rows[0]['tested']}", ""]
    lines += [f"| encoder | side | features | fit s (cpu s) | s / 1,000 | {head} |"]
    lines += ["|---" * 11 + "|"]
    for row in rows:
        cells = " | ".join(
            cell(scores_of(row, learner, budget)) for learner, budget in product(LEARNERS, BUDGETS)
        )
        facts = f"`{row['encoder']}` | {row['side'] or '-'} | {row['features']} | {seconds(row)}"
        lines.append(f"| {facts} | {cells} |")
    base = [row for row in rows if row["encoder"] == BASELINE]
    others = [row for row in rows if row["encoder"] != BASELINE]
    verdicts = [verdict(row, base[0]) for row in others if base]
    return "\n".join([*lines, "", *verdicts, ""])


def verdict(row: dict[str, Any], base: dict[str, Any]) -> str:
    """An encoder's gain over `pixels` with `linear`, over the same draws."""
    gains = [
        scores_of(row, "linear", budget) - scores_of(base, "linear", budget) for budget in BUDGETS
    ]
    texts = [f"{cell(gain, '+')} at {n}" for gain, n in zip(gains, BUDGETS, strict=True)]
    return f"{row['encoder']} less {BASELINE}, linear: {', '.join(texts)} labels  "


def table_rows(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each encoder, learner and number of labels, with the gain over `pixels`."""
    for row in rows:
        facts = {key: row[key] for key in ("data", "pool", "tested", "encoder")}
        if row["fit_cpu_s"]:
            facts |= {"fit_cpu_s": float(np.mean(row["fit_cpu_s"]))}
        same = [each for each in rows if each["data"] == row["data"]]
        base = [each for each in same if each["encoder"] == BASELINE and each is not row]
        for learner, budget in product(LEARNERS, BUDGETS):
            values = scores_of(row, learner, budget)
            figures = with_error("accuracy", values)
            if base:
                figures |= with_error("gain", values - scores_of(base[0], learner, budget))
            yield facts | {"learner": learner, "budget": budget} | figures


def seconds_rows(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row for each fit that was measured."""
    for row in rows:
        if row["fit_cpu_s"]:
            facts = {key: row[key] for key in ("data", "pool", "tested", "encoder")}
            yield facts | {"fit_cpu_s": float(np.mean(row["fit_cpu_s"]))}


def with_error(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    """Mean and standard error over draws; values : (seeds, draws)."""
    each = values.mean(axis=0)  # the fits share their draws: only draws are independent
    error = float(np.std(each, ddof=1) / np.sqrt(len(each))) if len(each) > 1 else 0.0
    return {name: float(each.mean()), f"{name}_se": error}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", default=["fashion"], help=", ".join(SETS))
    own = [BASELINE, "patches", "smallconv"]
    parser.add_argument("--encoders", nargs="+", default=[*own, READY_MADE])
    parser.add_argument("--pool", type=int, default=3000, help="images of the pool, at most")
    parser.add_argument("--tested", type=int, default=2000, help="images that measure, at most")
    parser.add_argument("--seeds", type=int, default=2, help="fits of each encoder")
    parser.add_argument("--draws", type=int, default=30, help="draws of labels for each fit")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of the fit")
    parser.add_argument("--json", action="store_true")
    add_into(parser)
    seconds_help = "write the seconds of the fits as a table, too"
    parser.add_argument("--seconds-into", type=Path, metavar="FILE", help=seconds_help)
    add_folders(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    every = []
    for name in arguments.data:
        images = open_images(name, arguments, arguments.pool, arguments.tested)
        rows = [
            measure(images, encoder, 1 if encoder in UNDRAWN else arguments.seeds, arguments.draws)
            for encoder in arguments.encoders
            if encoder != READY_MADE or images.ready_made is not None
        ]
        every += rows
        if not arguments.json:
            print(table(rows), flush=True)
    facts = {"device": str(best_device()), "threads": arguments.threads, "draws": arguments.draws}
    fits = counted(arguments.seeds, "fit")
    if arguments.seconds_into:
        rows = seconds_rows(every)
        save(arguments.seconds_into, SECONDS_LAYOUT, rows, note=arguments.note, seeds=fits)
    if arguments.into:
        seeds = f"{fits}, {arguments.draws} draws of labels"
        save(arguments.into, LAYOUT, table_rows(every), note=arguments.note, seeds=seeds)
    if arguments.json:
        print(json.dumps({"where": where(**facts), "rows": every}))
    else:
        print(where(**facts, **{"encoder seeds": arguments.seeds}))


if __name__ == "__main__":
    main()
