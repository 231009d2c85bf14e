"""Label propagation as the pool grows: seconds, memory, and what inverted lists miss.

    python benchmarks/propagation.py [--rows 10000 100000] [--dimensions 128] [--json]
        [--into TABLE.json]

On the rows of benchmarks/blobs.py, 100 of them labelled with their blob's class of ten. Each size
is a process of its own, on all cores. "recall": of the 15 nearest neighbours of 1,000 rows, the
share that inverted lists find (`exact_up_to: 0`); "accuracy": on the rows without a label, with
the exact graph where there are at most 100,000 rows, and with inverted lists.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from blobs import CLASSES, Blobs
from measured import where
from results_file import Figure, Layout, add_into, save

from labelcycle.core import neighbour_graph
from labelcycle.core.pool import UNLABELED
from labelcycle.nn.learners import propagate

LABELED, ASKED = 100, 1000
LAYOUT = Layout(
    "Exact neighbours and inverted lists",
    ["n"],
    [
        Figure("exact_cpu_s", digits=1),
        Figure("lists_cpu_s", digits=1),
        Figure("recall", digits=3),
        Figure("exact_accuracy", digits=1, times=100),
        Figure("lists_accuracy", digits=1, times=100),
        Figure("peak_mb", digits=0),
    ],
    names={
        "n": "rows",
        "exact_cpu_s": "exact graph, processor s",
        "lists_cpu_s": "inverted lists, processor s",
        "exact_accuracy": "accuracy, exact",
        "lists_accuracy": "lists",
        "peak_mb": "peak MB",
    },
)
EXACT_UP_TO = propagate.Options().exact_up_to


def measured(rows: int, dimensions: int, folder: Path) -> dict[str, Any]:
    """The row of one size; to be called in a process of its own."""
    blobs = Blobs(rows, dimensions, 60)
    features = np.load(blobs.write(folder), mmap_mode="r")
    truth = blobs.classes()
    labels = np.full(rows, UNLABELED)
    known = np.random.default_rng(0).choice(rows, LABELED, replace=False)
    labels[known] = truth[known]
    found: dict[str, Any] = {"n": rows, "d": dimensions}
    for name, most in (("exact", EXACT_UP_TO), ("lists", 0)):
        if name == "exact" and rows > EXACT_UP_TO:
            continue
        began, cpu = time.perf_counter(), time.process_time()
        options = propagate.Options(exact_up_to=most)
        model = propagate.fit(features, labels, CLASSES, options, 0)
        found[f"{name}_s"] = time.perf_counter() - began
        found[f"{name}_cpu_s"] = time.process_time() - cpu
        asked = np.setdiff1d(np.arange(0, rows, max(1, rows // 5000)), known)
        said = model.predict_proba(features[asked]).argmax(axis=1)
        found[f"{name}_accuracy"] = float((said == truth[asked]).mean())
    found["recall"] = recall(features, propagate.Options().neighbours)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return found


def recall(features: np.ndarray, k: int) -> float:
    """Share of the true nearest neighbours of some rows that inverted lists find."""
    asked = features[:: max(1, len(features) // ASKED)]
    true = neighbour_graph.nearest(features, asked, k, len(features))[1]
    listed = neighbour_graph.nearest(features, asked, k, 0)[1]
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(true, listed, strict=True)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--json", action="store_true", help="rows as one JSON list")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    add_into(parser)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.rows[0], given.dimensions, given.one)))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in given.rows:
            words = ["--rows", str(rows), "--dimensions", str(given.dimensions), "--one", folder]
            done = subprocess.run(
                [sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True, check=True
            )
            found.append(json.loads(done.stdout))
            print(f"{rows} rows done", file=sys.stderr, flush=True)
    if given.into:
        save(given.into, LAYOUT, found, note=given.note)
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(where(dimensions=given.dimensions, labels=LABELED))
    for row in found:
        print("  ".join(f"{k} {v:.3g}" if v < 1000 else f"{k} {v:.0f}" for k, v in row.items()))


if __name__ == "__main__":
    main()
