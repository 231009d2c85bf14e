"""What `labelcycle demo` gains over random selection, from many seeds.

    python benchmarks/demo_gain.py [--demos full quick] [--encoder NAME] [--strategy NAME]
                                   [--learner NAME] [--seeds 20] [--into TABLE.json]

A seed draws the hold-out, the encoder and every selection. All else is as the demo has it: images,
budgets, clusters, and the mean of as many random selections. The gain is in points, over random
selection with the same features, learner and hold-out. A seed counts as `enough` with 5 points.
Encoder, strategy and learner are the demo's own, unless another one is named. `quick` is
`labelcycle demo --quick`.

`cli/expected_gain.py` holds what the demo says of these figures; a test compares the two.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from encoders import Features, Labels, fit
from image_sets import open_images
from label_sets import Folders
from measured import where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save

from labelcycle.cli import demo, expected_gain
from labelcycle.cli.expected_gain import ExpectedGain
from labelcycle.config import Config
from labelcycle.core import clusterers, strategies
from labelcycle.core.seeding import derive
from labelcycle.nn import encoders, learners
from labelcycle.simulate.comparison import Data, LabelSet, Problem
from labelcycle.simulate.play_trial import clustered, play
from labelcycle.simulate.plug_in_choice import Choice, chosen
from labelcycle.simulate.trial import Trial

DEMOS = ("full", "quick")
BUDGETS = tuple(demo.BUDGET * (number + 1) for number in range(demo.ROUNDS))
FIGURES = ("accuracy", "random", "gain")

LAYOUT = Layout(
    "Gain of the demo over random selection",
    ["demo", "seed"],
    [Figure("gain", digits=1, signed=True)],
    ["labels"],
)

Row = Mapping[str, Any]


def settings(given: argparse.Namespace, name: str) -> Config:
    """The settings of a demo, with the parts that were named."""
    own = demo.settings(demo.sample_data(), quick=name == "quick")
    named: Mapping[str, dict[str, Any]] = {
        "pretrain": {"encoder": given.encoder},
        "query": {"strategy": given.strategy},
        "train": {"learner": given.learner},
    }
    for section, values in named.items():
        update = {key: value for key, value in values.items() if value}
        own = own.model_copy(update={section: getattr(own, section).model_copy(update=update)})
    return own


def measure(config: Config, name: str, seeds: int) -> list[Row]:
    """A row for each seed and number of labels: accuracy and random's in per cent, the gain."""
    images = open_images("fashion", Folders(Path(), Path()), 0, 0)
    count = demo.QUICK_IMAGES if name == "quick" else len(images.labels)
    encoder = config.pretrain.encoder
    own = encoders.options_of(encoder, config.pretrain.options)
    size = encoders.get_trainable(encoder).default_size(images.side, own)
    squares = images.squares(size)[:count]
    parts = {"encoder": encoder, "strategy": config.query.strategy, "learner": config.train.learner}
    rows = []
    for seed in range(seeds):
        rng = derive(seed, 0, "demo gain")
        held = np.sort(rng.choice(count, config.ingest.holdout, replace=False))
        features = fit(encoder, np.delete(squares, held, axis=0), seed)[0].embed(squares)
        accuracy, random = played(config, features, images.labels[:count], held, seed)
        gain = np.round(accuracy, 2) - np.round(random, 2)
        for n, *values in zip(BUDGETS, accuracy, random, gain, strict=True):
            figures = {key: round(float(v), 2) for key, v in zip(FIGURES, values, strict=True)}
            rows.append({"demo": name, **parts, "seed": seed, "labels": n, **figures})
    return rows


def played(
    config: Config, features: Features, labels: Labels, held: Labels, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per cent right after each round, of the campaign and of random selection in the mean."""
    pool = np.setdiff1d(np.arange(len(labels)), held)
    data = Data(features[pool], labels[pool], features[held], labels[held])
    problem = Problem(LabelSet("demo", data, balanced=False), len(pool), BUDGETS)
    learner = chosen(learners, config.train.learner, config.train.options)
    strategy = chosen(strategies, config.query.strategy, config.query.options)
    clusterer = chosen(clusterers, config.cluster.method, config.cluster.options)
    groups = [clustered(problem, clusterer, seed, number) for number in range(demo.ROUNDS)]
    accuracy = play(problem, Trial(strategy, clusterer, learner, seed), groups).accuracy
    return 100 * np.array(accuracy), 100 * at_random(problem, learner, seed).mean(axis=0)


def at_random(problem: Problem, learner: Choice, seed: int) -> NDArray[np.float64]:
    """(draws, rounds) accuracy of random selections, other draws for each seed."""
    strategy = chosen(strategies, "random", {})
    draws = range(seed * demo.DRAWS, (seed + 1) * demo.DRAWS)
    return np.array(
        [play(problem, Trial(strategy, None, learner, draw), None).accuracy for draw in draws]
    )


def expected(rows: Sequence[Row]) -> ExpectedGain:
    """What these rows, of one demo, let expect."""
    gains = np.array([[row["gain"] for row in rows if row["labels"] == n] for n in BUDGETS])
    return ExpectedGain(
        labels=BUDGETS,
        gain=tuple(round(float(mean), 1) for mean in gains.mean(axis=1)),
        enough=tuple(int(count) for count in (gains >= expected_gain.ENOUGH).sum(axis=1)),
        seeds=gains.shape[1],
    )


def table(rows: Sequence[Row]) -> str:
    """A line for each seed, then what they let expect."""
    head = " | ".join(f"{n}: accuracy | random | gain" for n in BUDGETS)
    lines = [f"| seed | {head} |", "|---" * (1 + 3 * len(BUDGETS)) + "|"]
    for start in range(0, len(rows), len(BUDGETS)):
        some = rows[start : start + len(BUDGETS)]
        cells = (f"{r['accuracy']:.1f} | {r['random']:.1f} | {r['gain']:+.1f}" for r in some)
        lines.append(f"| {some[0]['seed']} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", expected_gain.line(expected(rows)), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--demos", nargs="+", choices=DEMOS, default=DEMOS)
    for name in ("encoder", "strategy", "learner"):
        parser.add_argument(f"--{name}", help="instead of the demo's own")
    parser.add_argument("--seeds", type=int, default=20)
    add_into(parser)
    given = parser.parse_args()
    torch.set_num_threads(1)
    every: list[Row] = []
    for name in given.demos:
        config = settings(given, name)
        rows = measure(config, name, given.seeds)
        every += rows
        print(f"**{name}**: {config.pretrain.encoder}, {config.query.strategy},", end=" ")
        print(f"{config.train.learner}\n\n{table(rows)}", flush=True)
    if given.into:
        seeds = f"{given.seeds} seeds of hold-out, encoder and selection"
        save(given.into, LAYOUT, every, note=given.note, seeds=seeds)
    print(where(seeds=given.seeds, draws=demo.DRAWS))


if __name__ == "__main__":
    main()
