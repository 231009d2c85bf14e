"""One measurement in a process of its own: seconds, peak memory, picks.

The caller hands a `Job` to `run`, which starts this file as a program: a `Job` as JSON comes in on
standard input, a `Measured` as JSON goes out as the last line. Linux only: peak memory is read from
/proc (VmHWM, set back before the call; getrusage's would include the parent's).
"""

import json
import os
import re
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

THREAD_VARIABLES = ("OMP", "OPENBLAS", "MKL", "RAYON", "NUMEXPR")

ENOUGH_SECONDS = 5.0
"""Calls are repeated no more once they took so long together."""


@dataclass(frozen=True)
class Job:
    """What to measure.

    who : "labelcycle", "scikit-activeml", "lightly-mundig", or "sgemm" (strategy is ignored)
    features, hidden : .npy files; case : .npz with labels, weights, bias
    given : .npy of clusters that are not to be computed, or None; keep : where to write those found
    equal : do the work another library does, with its options
    dtype : what the features are brought to first, None: memory-mapped as they are
    """

    who: str
    strategy: str
    features: str = ""
    hidden: str = ""
    case: str = ""
    budget: int = 0
    clusters: int = 0
    given: str | None = None
    keep: str | None = None
    equal: bool = True
    dtype: str | None = None
    repeats: int = 1


@dataclass(frozen=True)
class Measured:
    """Of the call with the least processor time: seconds. Of all calls: peak megabytes (10^6).

    peak_mb : resident memory of the process at its highest during the calls, mapped files included
    base_mb : resident memory just before: interpreter, libraries, features that are in memory
    gflops : rate of sgemm, for that job; operations : what the picks take at least, by part
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    base_mb: float
    rows: list[int]
    operations: dict[str, float] | None = None
    gflops: float | None = None


class Failed(RuntimeError):
    """A measurement ended without a result; the text says why."""


def run(job: Job, threads: int, limit_s: float | None = None) -> Measured:
    """Measure in a new process with so many threads. Raises Failed."""
    counts = {f"{name}_NUM_THREADS": str(threads) for name in THREAD_VARIABLES}
    try:
        done = subprocess.run(
            [sys.executable, __file__],
            input=json.dumps(asdict(job)),
            env={**os.environ, **counts},
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{job.who} {job.strategy}: not done after {limit_s:.0f} s") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing on standard error"])[-1]
        raise Failed(f"{job.who} {job.strategy}: exit {done.returncode}: {last}")
    return Measured(**json.loads(done.stdout.strip().splitlines()[-1]))


# --- in the process of its own ----------------------------------------------------------------


def measured(job: Job) -> Measured:
    case = _case(job)
    make = _maker(job)
    make(case.warm())()
    call = make(case)
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
    base = _megabytes("VmRSS")
    best, spent = (float("inf"), 0.0), 0.0
    for _ in range(job.repeats):
        took, wall, answer = _timed(call)
        best, spent = min(best, (took, wall)), spent + wall
        if spent > ENOUGH_SECONDS:
            break
    if job.keep and answer.clusters is not None:
        np.save(job.keep, answer.clusters)
    rows = [int(row) for row in answer.rows]
    return Measured(*best, _megabytes("VmHWM"), base, rows, answer.operations)


def _maker(job: Job) -> Callable[[Any], Callable[[], Any]]:
    """From what is selected from, the call. Libraries of the other sides are not imported."""
    if job.who == "labelcycle":
        from speed_calls import ours

        return partial(ours, job.strategy, equal=job.equal)
    import speed_peers

    side = speed_peers.scikit_activeml if job.who == "scikit-activeml" else speed_peers.lightly
    return partial(side, job.strategy)


def _timed(call: Callable[[], Any]) -> tuple[float, float, Any]:
    before, began = _processor_seconds(), time.perf_counter()
    answer = call()
    return _processor_seconds() - before, time.perf_counter() - began, answer


def _case(job: Job) -> Any:
    from speed_calls import Case

    mode = None if job.dtype else "r"
    features = np.load(job.features, mmap_mode=mode)
    if job.dtype:
        features = features.astype(job.dtype, copy=False)
    hidden = features if job.hidden == job.features else None
    if job.hidden and hidden is None:
        hidden = np.load(job.hidden, mmap_mode="r")
    with np.load(job.case) as arrays:
        known = {name: arrays[name] for name in ("labels", "weights", "bias")}
    given = np.load(job.given) if job.given else None
    return Case(
        features, hidden=hidden, budget=job.budget, clusters=job.clusters, given=given, **known
    )


def sgemm() -> Measured:
    """The rate of float32 matrix products of the shape that distances need: best of 8."""
    left = np.ones((8192, 512), dtype=np.float32)
    right = np.ones((512, 4096), dtype=np.float32)
    out = left @ right
    runs = [_timed(lambda: np.matmul(left, right, out=out))[:2] for _ in range(8)]
    cpu, wall = min(runs, key=lambda run: run[1])
    rate = 2 * left.size * right.shape[1] / wall / 1e9
    return Measured(cpu, wall, _megabytes("VmHWM"), 0.0, [], None, rate)


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _megabytes(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"{field}:\s+(\d+) kB", status)
    if found is None:
        raise Failed(f"/proc/self/status has no {field}: memory is measured on Linux only")
    return int(found[1]) * 1024 / 1e6


def main() -> None:
    warnings.simplefilter("ignore")  # standard error is for what ends the measurement
    job = Job(**json.load(sys.stdin))
    print(json.dumps(asdict(sgemm() if job.who == "sgemm" else measured(job))))


if __name__ == "__main__":
    main()
