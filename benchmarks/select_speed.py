"""Seconds and memory of labelcycle's strategies, beside scikit-activeml's and lightly-mundig's.

    python benchmarks/select_speed.py [--suite small] [--json] [--into TABLE.json]
    python benchmarks/select_speed.py --suite large [--json]
    python benchmarks/select_speed.py --suite growth --figure docs/images/select-growth.svg

small: 20,000 rows, 128 dimensions, 50 labels, budget 50; all libraries on the same float32 rows and
the same classifier, one thread. large: 1,000,000 rows, 512 dimensions, float16, memory-mapped, 100
labels, budget 100, ours alone, two threads. growth: the latter from 10,000 rows to 1,000,000.
The rows are those of benchmarks/blobs.py; speed_calls.py says what is made equal.

Each measurement is a process of its own, in which a small call precedes the timed one. "cpu s" is
processor time, user and system, of the fastest of up to `--repeats` calls; clustering counts, where
a strategy clusters. Memory is resident, in MB of 10^6 bytes: "peak" of the whole process, which
holds the libraries (importing scikit-activeml brings torch along) and the features; "grown" is the
peak less what was there before the call, the fairer one to compare. `ratio` is the peer's processor
time over ours.

same_picks: both picked the same set; for typiclust theirs was given our clusters for that, untimed.
null where the two draw at random. overlap: how many picks they share; in the row `typicality`, of
the most typical rows.
floor_s: the matrix products that the picks need (`gflop`) over the rate of float32 products that
was measured in the same run (`gflops`); factor: how many times the floor the wall time is.
A measurement that fails or takes longer than `--limit` is told on standard error.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from blobs import CLASSES, Blobs
from measured import where
from results_file import add_into, save
from speed_calls import CLUSTERED, OURS, PEERS, RANDOM, exists, fitted
from speed_job import Failed, Job, Measured, run
from speed_plot import draw
from speed_table import layout, table

from labelcycle.core import strategies
from labelcycle.core.pool import UNLABELED

NO_CHANCE = -1e4
"""Logit of a class without a label."""

SLOW_PEERS = {"probcover", "maxherding"}
"""Minutes, and gigabytes: they hold all distances. `--peers quick` leaves them out."""

BESIDE = [
    *("typiclust", "coreset", "badge", "probcover", "maxherding", "dropquery", "margin"),
    *("entropy", "least_confidence", "supclust", "uherding", "trustherding"),
    *("typicality", "diversity"),
]
ALONE = ["random", "margin", "typiclust", "supclust", "coreset", "badge", "maxherding"]


@dataclass(frozen=True)
class Suite:
    """What a suite measures, where the command line says nothing else."""

    sizes: tuple[int, ...]
    d: int
    blobs: int
    dtype: str
    labeled: int
    budget: int
    threads: int
    strategies: Sequence[str]


SUITES = {
    "small": Suite((20_000,), 128, 60, "float32", 50, 50, 1, BESIDE),
    "large": Suite((1_000_000,), 512, 300, "float16", 100, 100, 2, ALONE),
    "growth": Suite(
        (10_000, 30_000, 100_000, 300_000, 1_000_000), 512, 300, "float16", 100, 100, 2, ALONE
    ),
}

Row = dict[str, Any]


def main() -> None:
    given = _arguments()
    if given.read:
        rows = json.loads(given.read.read_text())
    else:
        rows = list(_measured(given))
        print(json.dumps(rows, indent=0) if given.json else table(rows))
    if given.into:
        kept = [{key: value for key, value in row.items() if key != "gflop"} for row in rows]
        save(given.into, layout(given.suite), kept, note=given.note)
    if given.figure:
        draw(rows, given.figure)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", choices=SUITES, default="small")
    parser.add_argument("--json", action="store_true", help="rows as one JSON list")
    parser.add_argument("--strategies", help="some of them, with commas between")
    parser.add_argument("--rows", type=int, nargs="+", metavar="N", help="of the pool")
    parser.add_argument("--labeled", type=int)
    parser.add_argument("--budget", type=int)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--repeats", type=int, default=3, help="calls of which the fastest counts")
    parser.add_argument("--peers", choices=("all", "quick", "none"), default="all")
    parser.add_argument(
        "--peer-dtype",
        choices=("float32", "float64"),
        default="float32",
        help="what scikit-activeml gets: the same float32 rows, or float64 copies",
    )
    parser.add_argument("--limit", type=float, default=1800, metavar="S", help="of a measurement")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path(tempfile.gettempdir()) / "labelcycle-speed",
        help="where the features are kept: up to 3 GB for a million rows",
    )
    parser.add_argument("--figure", type=Path, help="draw seconds against rows")
    parser.add_argument("--read", type=Path, help="rows of an earlier --json, to be drawn")
    add_into(parser)
    return parser.parse_args()


def _measured(given: argparse.Namespace) -> Iterator[Row]:
    suite = SUITES[given.suite]
    asked = given.strategies.split(",") if given.strategies else suite.strategies
    threads = given.threads or suite.threads
    suite = replace(
        suite,
        sizes=tuple(given.rows or suite.sizes),
        labeled=given.labeled or suite.labeled,
        budget=given.budget or suite.budget,
        threads=threads,
        strategies=[name for name in asked if _is_there(name)],
    )
    _tell(where(suite=given.suite, threads=threads, repeats=given.repeats))
    rate = run(Job("sgemm", ""), threads).gflops
    _tell(f"float32 products: {rate:.0f} GFLOP/s on {threads} thread(s)")
    for n in suite.sizes:
        with tempfile.TemporaryDirectory() as scratch:
            bench = Bench(suite, n, given, Path(scratch), rate or 0.0)
            for name in suite.strategies:
                try:
                    yield from bench.rows(name)
                except Failed as problem:
                    _tell(f"left out: {problem}")


def _is_there(strategy: str) -> bool:
    known = exists(strategy)
    if not known:
        _tell(f"left out: labelcycle has no strategy {strategy}")
    return known


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Bench:
    """One pool, and all that is measured on it."""

    def __init__(
        self, suite: Suite, n: int, given: argparse.Namespace, scratch: Path, rate: float
    ) -> None:
        self.suite, self.n, self.given, self.scratch, self.rate = suite, n, given, scratch, rate
        self.data = Blobs(n, suite.d, suite.blobs, suite.dtype)
        self.features = self.data.write(given.cache)
        self.case = scratch / "case.npz"
        self._write_case()

    def _write_case(self) -> None:
        """Labels at random, and the classifier that was fitted to them."""
        rng = np.random.default_rng(0)
        chosen = np.sort(rng.choice(self.n, self.suite.labeled, replace=False))
        labels = np.full(self.n, UNLABELED)
        labels[chosen] = self.data.classes()[chosen]
        samples = np.load(self.features, mmap_mode="r")[chosen].astype(np.float32)
        model = fitted(samples, labels[chosen])
        weights = np.zeros((self.suite.d, CLASSES), dtype=np.float32)
        weights[:, model.classes_] = model.coef_.T
        bias = np.full(CLASSES, NO_CHANCE, dtype=np.float32)
        bias[model.classes_] = model.intercept_
        np.savez(self.case, labels=labels, weights=weights, bias=bias)

    def rows(self, strategy: str) -> Iterator[Row]:
        """A row for each library that has the strategy, or one without."""
        keep = self.scratch / f"clusters-{strategy}.npy"
        ours = self._run("labelcycle", strategy, keep=str(keep))
        peers = [
            who for who, names in PEERS.items() if strategy in names and self._wanted(strategy)
        ]
        for who in peers or [None]:
            yield self._row(strategy, ours, who, keep)

    def _wanted(self, strategy: str) -> bool:
        allowed = self.given.peers
        return (
            self.given.suite == "small"
            and allowed != "none"
            and not (allowed == "quick" and strategy in SLOW_PEERS)
        )

    def _run(self, who: str, strategy: str, **more: Any) -> Measured:
        ours = who == "labelcycle"
        small = self.given.suite == "small"
        job = Job(
            who,
            strategy,
            features=str(self.features),
            hidden=self._hidden(strategy) if ours else "",
            case=str(self.case),
            budget=self.suite.budget,
            clusters=self.suite.labeled + self.suite.budget,
            equal=small,
            dtype=self._dtype(who) if small else None,
            repeats=self.given.repeats if small else 1,
        )
        found = run(replace(job, **more), self.suite.threads, self.given.limit)
        _tell(f"{self.n:>9} {strategy:<17}{who:<17}{found.cpu_s:9.2f} cpu s{found.wall_s:9.2f} s")
        return found

    def _of_peer(self, who: str, strategy: str, **more: Any) -> Measured | None:
        """None if it fails: ours is told all the same."""
        try:
            return self._run(who, strategy, **more)
        except Failed as problem:
            _tell(f"left out: {problem}")
            return None

    def _dtype(self, who: str) -> str:
        return self.given.peer_dtype if who == "scikit-activeml" else "float32"

    def _hidden(self, strategy: str) -> str:
        """The file of what the classifier's last layer sees, made where it is needed."""
        name = OURS.get(strategy, strategy)
        if name is None or "head" not in strategies.get(name).NEEDS:
            return ""
        return str(replace(self.data, dtype="float32").write(self.given.cache))

    def _row(self, strategy: str, ours: Measured, who: str | None, keep: Path) -> Row:
        row: Row = {"strategy": strategy, "n": self.n, "d": self.suite.d}
        theirs = self._of_peer(who, strategy) if who else None
        row |= {"ours_cpu_s": ours.cpu_s, "peer": f"{who} {version(who)}" if who else None}
        row |= {"peer_cpu_s": theirs.cpu_s if theirs else None}
        row |= {"ratio": theirs.cpu_s / ours.cpu_s if theirs else None}
        row |= {"ours_peak_mb": ours.peak_mb, "peer_peak_mb": theirs.peak_mb if theirs else None}
        row |= {"ours_grown_mb": _grown(ours), "peer_grown_mb": _grown(theirs)}
        row |= {"ours_wall_s": ours.wall_s, "peer_wall_s": theirs.wall_s if theirs else None}
        row |= self._agreement(strategy, ours, theirs, who, keep)
        row |= {"peer_dtype": self._dtype(who) if who else None, "suite": self.given.suite}
        row |= {"threads": self.suite.threads, "labeled": self.suite.labeled}
        return row | {"budget": self.suite.budget} | self._floor(ours)

    def _agreement(
        self, strategy: str, ours: Measured, theirs: Measured | None, who: str | None, keep: Path
    ) -> Row:
        """same_picks and overlap; with our clusters given to the other where both cluster."""
        if theirs and who and strategy in CLUSTERED:
            theirs = self._of_peer(who, strategy, given=str(keep), repeats=1)
        if theirs is None:
            return {"same_picks": None, "overlap": None}
        shared = len(set(ours.rows) & set(theirs.rows))
        same = None if strategy in RANDOM else shared == len(ours.rows)
        return {"same_picks": same, "overlap": shared}

    def _floor(self, ours: Measured) -> Row:
        if not ours.operations:
            return {"gflop": None, "gflops": self.rate, "floor_s": None, "factor": None}
        needed = {part: value / 1e9 for part, value in ours.operations.items()}
        floor = sum(needed.values()) / self.rate
        return {
            "gflop": needed,
            "gflops": self.rate,
            "floor_s": floor,
            "factor": ours.wall_s / floor,
        }


def _grown(found: Measured | None) -> float | None:
    return None if found is None else found.peak_mb - found.base_mb


if __name__ == "__main__":
    main()
