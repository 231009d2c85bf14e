"""Loss, nearest-neighbour accuracy and images a second while an encoder trains.

    python benchmarks/pretraining.py --set cifar10 --path DIR --encoder resnet18 [--json]
    python benchmarks/pretraining.py --set fashion-mnist --path DIR --encoder smallconv \
        --rows 2000 --options '{"epochs": 10}'

The sets are those of `labelcycle simulate` (--path), or CIFAR-10 of the folder that --shared or
LABELCYCLE_SHARED names (--set cifar10-shared). The labels train nothing: after every `--every`
epochs they say how often the 20 nearest neighbours of an image, by cosine of the backbone's
features, have its class (leave one out, `--probe` images at random, core/knn_probe.py). The
seconds of the probes do not count. `--features FILE.npz` writes the features of both splits at the
end, for `labelcycle simulate` and benchmarks/label_cost.py.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from label_sets import VARIABLE, Folders, add_folders, loader
from measured import where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save

from labelcycle.core.knn_probe import leave_one_out
from labelcycle.errors import LabelcycleError
from labelcycle.nn import encoders
from labelcycle.nn.device import best_device
from labelcycle.nn.square_crop import square
from labelcycle.simulate.sets import SETS
from labelcycle.simulate.sets.chosen_set import Read, Split

LAYOUT = Layout(
    "A pretraining, epoch by epoch",
    ["epoch"],
    [
        Figure("loss", digits=2),
        Figure("knn_accuracy", digits=1, times=100),
        Figure("images_per_s", digits=0),
    ],
    names={"knn_accuracy": "nearest-neighbour accuracy, %", "images_per_s": "images a second"},
)

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


def chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", default="cifar10", choices=[*SETS, "cifar10-shared"])
    parser.add_argument("--path", type=Path, help="folder of the set")
    parser.add_argument("--encoder", default="resnet18", choices=encoders.names())
    parser.add_argument("--options", type=json.loads, default={}, help="of the encoder, JSON")
    parser.add_argument("--rows", type=int, help="training images; default: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="epochs between two probes")
    parser.add_argument("--probe", type=int, default=5000, help="images of a probe")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--features", type=Path, metavar="FILE", help="written at the end")
    parser.add_argument("--json", action="store_true")
    add_into(parser)
    add_folders(parser)
    return parser.parse_args()


def read(given: argparse.Namespace) -> tuple[Images, Images]:
    """Training and test images with their labels."""
    if given.set == "cifar10-shared":
        found = shared(Folders(given.shared, given.cache))
    elif given.path is None:
        sys.exit(f"no folder named: wanted that of {given.set}, by --path DIR")
    else:
        found = SETS[given.set](given.path, 0.2)
    order = np.random.default_rng(given.seed).permutation(len(found.train.labels))
    kept = found.train.part(np.sort(order[: given.rows]))
    return pixels(kept, found.side), pixels(found.test, found.side)


def shared(folders: Folders) -> Read:
    """CIFAR-10 of the shared folder."""
    if not (folders.shared / "load.py").is_file():
        sys.exit(f"no load.py in {folders.shared}: wanted the sets, by --shared or {VARIABLE}")
    parts = [loader(folders).cifar10(split) for split in ("train", "test")]
    splits = [
        Split(part.labels, lambda row, side, part=part: square(part[row][0], side), "")
        for part in parts
    ]
    return Read(*splits, side=32)


def pixels(split: Split, side: int) -> Images:
    return np.stack([split.pixels(row, side) for row in range(len(split.labels))]), split.labels


def follow(
    fitting: encoders.Fitting,
    labels: NDArray[np.int64],
    given: argparse.Namespace,
    rows: list[dict[str, Any]],
) -> encoders.Encoder:
    """The encoder at the end; `rows` gets one after every `--every` epochs."""
    probed = np.random.default_rng(given.seed).permutation(len(labels))[: given.probe]
    epoch, losses, began = 0, [], time.perf_counter()
    while True:
        try:
            step = next(fitting)
        except StopIteration as end:
            return end.value
        if step.note:
            print(step.note, file=sys.stderr)
        if step.loss is not None:
            losses.append(step.loss)
        if step.features is None or step.epoch is None or step.epoch < epoch + given.every:
            continue
        rate = len(labels) * (step.epoch - epoch) / (time.perf_counter() - began)
        accuracy = leave_one_out(step.features(probed), labels[probed])
        loss = float(np.mean(losses)) if losses else None
        row = {"epoch": step.epoch, "loss": loss, "knn_accuracy": accuracy, "images_per_s": rate}
        print(json.dumps(row), file=sys.stderr)
        rows.append(row)
        epoch, losses, began = step.epoch, [], time.perf_counter()


def main() -> None:
    given = chosen()
    torch.set_num_threads(given.threads)
    try:
        train, test = read(given)
        options = encoders.options_of(given.encoder, given.options)
        device = best_device()
        fitting = encoders.get(given.encoder).fit(train[0], options, given.seed, device)
        rows: list[dict[str, Any]] = []
        encoder = follow(fitting, train[1], given, rows)
    except LabelcycleError as error:
        sys.exit(str(error))
    if given.features:
        both = {"train": encoder.embed(train[0]), "test": encoder.embed(test[0])}
        np.savez(given.features, **both, train_labels=train[1], test_labels=test[1])
    if given.into:
        save(given.into, LAYOUT, rows, note=given.note, seeds=f"seed {given.seed}")
    if given.json:
        print(json.dumps(rows))
        return
    facts = {"set": given.set, "images": len(train[1]), "encoder": given.encoder, "device": device}
    print(where(**facts, options=given.options, seed=given.seed, threads=given.threads))
    print("| epoch | loss | kNN accuracy % | images/s |\n|---:|---:|---:|---:|")
    for row in rows:
        loss = "" if row["loss"] is None else f"{row['loss']:.3f}"
        accuracy = f"{100 * row['knn_accuracy']:.1f}"
        print(f"| {row['epoch']} | {loss} | {accuracy} | {row['images_per_s']:.0f} |")


if __name__ == "__main__":
    main()
