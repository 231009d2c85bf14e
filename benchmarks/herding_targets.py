"""What MaxHerding loses when it measures coverage on a sample of the pool.

    python benchmarks/herding_targets.py [--rows 20000] [--budget 50] [--labeled 50] [--seeds 3]
        [--into TABLE.json]

On the rows of benchmarks/blobs.py (128 dimensions). The objective is the mean over all rows of the
kernel to the nearest labelled or picked one. "loss" is by how much the picks from a sample of
targets fall short of those from all, as a share of the objective, and of what all targets gain
over random picks; mean over the draws of the sample.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from blobs import Blobs
from measured import where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save

from labelcycle.core import run_strategy
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import UNLABELED, Pool

BLOCK_ROWS = 4096
TARGETS = (1000, 2000, 5000, 10_000)
LAYOUT = Layout(
    "What sampling the targets costs MaxHerding, in per cent",
    ["targets"],
    [Figure("loss", digits=2, unit=" %"), Figure("of_gain", digits=1, unit=" %")],
    names={"loss": "of the objective", "of_gain": "of the gain over random picks"},
)


def objective(points: NDArray[np.float64], chosen: NDArray[np.int64]) -> float:
    """Mean of exp(-|x - y|^2) over the unit rows x, y the nearest of the chosen."""
    total = 0.0
    for start in range(0, len(points), BLOCK_ROWS):
        nearest = (points[start : start + BLOCK_ROWS] @ points[chosen].T).max(axis=1)
        total += float(np.exp(2 * nearest - 2).sum())
    return total / len(points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--budget", type=int, default=50)
    parser.add_argument("--labeled", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=3, help="draws of the sample")
    add_into(parser)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        features = np.load(Blobs(given.rows, 128, 60).write(Path(scratch)))
    rng = np.random.default_rng(0)
    labels = np.full(given.rows, UNLABELED)
    labeled = rng.choice(given.rows, given.labeled, replace=False)
    labels[labeled] = 0
    pool, points = Pool(features, labels, labels == UNLABELED), unit_rows(features)

    def reached(picks: NDArray[np.int64]) -> float:
        return objective(points, np.concatenate([labeled, picks]))

    def by_herding(targets: int | None, seed: int) -> float:
        options = {"targets": targets}
        found = run_strategy.select(
            "maxherding", pool, given.budget, np.random.default_rng(seed), options
        )
        return reached(found.rows)

    drawn = [
        reached(rng.choice(np.flatnonzero(pool.available), given.budget, replace=False))
        for _ in range(10)
    ]
    whole, chance = by_herding(None, 0), float(np.mean(drawn))
    print(where(rows=given.rows, labeled=given.labeled, budget=given.budget, seeds=given.seeds))
    print(f"objective: all targets {whole:.4f}, random picks {chance:.4f}")
    print(f"{'targets':>8}{'loss %':>9}{'of the gain %':>15}")
    table = []
    for targets in TARGETS:
        value = float(np.mean([by_herding(targets, seed) for seed in range(given.seeds)]))
        loss, of_gain = (100 * (whole - value) / most for most in (whole, whole - chance))
        table.append({"targets": targets, "loss": loss, "of_gain": of_gain})
        print(f"{targets:>8}{loss:>9.2f}{of_gain:>15.1f}")
    if given.into:
        save(given.into, LAYOUT, table, note=given.note, seeds=f"{given.seeds} draws")


if __name__ == "__main__":
    main()
