"""How far learners' probabilities may be trusted, before and after one temperature.

    python benchmarks/calibration.py --data cifar10-features [--learners linear,propagate]
        [--labels 10,50,200] [--draws 5] [--pool 10000] [--into TABLE.json]

Labels are drawn at random from a pool. "error" is the expected calibration error (15 bins) on 4,000
test samples, "loss" their mean log-loss in nats, of the learner as it is and with the temperature
that `train.calibrate` finds from the same labels; means over the draws. Data as in label_cost.py.
"""

import argparse

import numpy as np
from label_sets import Folders, add_folders, open_set
from measured import where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save

from labelcycle.core.calibration import calibration_error
from labelcycle.core.pool import UNLABELED
from labelcycle.core.seeding import derive
from labelcycle.nn import learners
from labelcycle.nn.learner_inputs import Seen
from labelcycle.nn.temperature_scaling import Calibrated, temperature_of
from labelcycle.simulate.comparison import Data

TESTED = 4000
LEAST = 1e-6
LAYOUT = Layout(
    "Probabilities before and after calibration",
    ["learner", "labels"],
    [
        Figure("accuracy", digits=1, times=100),
        *(Figure(key, digits=3) for key in ("error", "error_after")),
        *(Figure(key, digits=2) for key in ("loss", "loss_after", "temperature")),
    ],
    names={"error_after": "calibrated", "loss_after": "calibrated"},
)
FIGURES = ("accuracy", "error", "loss", "error_after", "loss_after", "temperature")


def judged(chances: NDArray[np.float32], truth: NDArray[np.int64]) -> list[float]:
    """Accuracy, calibration error, mean log-loss."""
    right = chances.argmax(axis=1) == truth
    error = calibration_error(chances.max(axis=1).astype(np.float64), right)
    loss = -np.log(np.maximum(chances[np.arange(len(truth)), truth], LEAST)).mean()
    return [float(right.mean()), error, float(loss)]


def one(name: str, data: Data, rows: NDArray[np.int64], count: int, seed: int) -> list[float]:
    """Of one draw: what was judged before and after, and the temperature."""
    features, truth = data.train[rows], data.train_labels[rows]
    labels = np.full(len(rows), UNLABELED)
    bought = derive(seed, 0, "calibration").choice(len(rows), count, replace=False)
    labels[bought] = truth[bought]
    classes = 1 + int(data.train_labels.max())
    options = learners.get(name).Options()
    model = learners.get(name).fit(features, labels, classes, options, seed)
    temperature = temperature_of(name, Seen(features), labels, classes, options, seed)
    features, classes = data.test[:TESTED], data.test_labels[:TESTED]
    before = judged(model.predict_proba(features), classes)
    after = judged(Calibrated(model, temperature).predict_proba(features), classes)
    return [*before, *after[1:], temperature]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="name of a set, or an .npz of features")
    able = ",".join(name for name in learners.names() if not learners.sees_images(name))
    parser.add_argument("--learners", default=able)
    parser.add_argument("--labels", default="10,50,200")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--pool", type=int, default=10_000)
    add_into(parser)
    add_folders(parser)
    arguments = parser.parse_args()
    data = open_set(arguments.data, Folders(arguments.shared, arguments.cache)).data
    pool = min(arguments.pool, len(data.train))
    print(where(data=arguments.data, pool=pool, tested=TESTED, draws=arguments.draws))
    print("| learner | labels | accuracy | error | calibrated | loss | calibrated | temperature |")
    print("|---" * 8 + "|")
    table = []
    for name in arguments.learners.split(","):
        for count in map(int, arguments.labels.split(",")):
            found = []
            for seed in range(arguments.draws):
                rows = np.sort(derive(seed, 0, "pool").choice(len(data.train), pool, replace=False))
                found.append(one(name, data, rows, count, seed))
            row = dict(zip(FIGURES, np.mean(found, axis=0).tolist(), strict=True))
            table.append({"learner": name, "labels": count, **row})
            print(
                f"| `{name}` | {count} | {100 * row['accuracy']:.1f} | {row['error']:.3f}"
                f" | {row['error_after']:.3f} | {row['loss']:.2f} | {row['loss_after']:.2f}"
                f" | {row['temperature']:.2f} |",
                flush=True,
            )
    if arguments.into:
        save(arguments.into, LAYOUT, table, note=arguments.note, seeds=f"{arguments.draws} draws")


if __name__ == "__main__":
    main()
