"""`make soak`: lives of campaigns at random, on two processes, and a promise that does not hold.

Ends with a status of 1 and the shortest such life, if there is one.
"""

import argparse
import math
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from memory_folder import memory_folder
from results_file import Figure, Layout, add_into, save

from soak import batches
from soak.batches import Batch, Played

LAYOUT = Layout(
    "Lives of campaigns, played at random",
    ["step"],
    [Figure(key) for key in ("lives", "times", "stopped", "violations")],
    names={"times": "times taken", "stopped": "of these killed or interrupted"},
)


def table_rows(times: Counter[str], stopped: Counter[str], violations: int) -> list[dict[str, Any]]:
    """How often each step was taken, and all together."""
    steps = sorted(times.keys() - {"lives"})
    rows = [{"step": name, "times": times[name], "stopped": stopped[name]} for name in steps]
    all_steps = sum(times[name] for name in steps)
    both = {"lives": times["lives"], "times": all_steps, "stopped": stopped.total()}
    return [*rows, {"step": "all", **both, "violations": violations}]


def _played(planned: Sequence[Batch], options: argparse.Namespace) -> Iterator[Played]:
    """What batches came to, as they end; those are left that would begin after the time is up."""
    end = time.monotonic() + 60 * options.minutes
    with (
        tempfile.TemporaryDirectory(dir=memory_folder() or None) as folder,
        ProcessPoolExecutor(options.processes, get_context("spawn")) as pool,
    ):
        play = partial(batches.play, Path(folder))
        futures = [pool.submit(play, batch) for batch in planned]
        for future in as_completed(futures):
            if not future.cancelled():
                yield future.result()
            if time.monotonic() > end:
                for each in futures:
                    each.cancel()


def main() -> int:
    """The status to end with."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lives", type=int, default=300, help="how many, at least (300)")
    parser.add_argument("--seed", type=int, default=1, help="another one draws other lives (1)")
    parser.add_argument("--processes", type=int, default=2, help="at once (2)")
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="begin no more lives after so long"
    )
    add_into(parser)
    options = parser.parse_args()
    os.environ.update(batches.SURROUNDINGS)
    times, stopped, failures = Counter[str](), Counter[str](), []
    for played in _played(batches.planned(options.lives, options.seed), options):
        times += played.times
        stopped += played.stopped
        failures += [played.failure] if played.failure else []
        print(f"{times['lives']} lives, {len(failures)} with a violation", file=sys.stderr)
        if played.failure:
            print(played.failure, file=sys.stderr)
    rows = table_rows(times, stopped, len(failures))
    print("| step | times taken | of these stopped |\n|---|---|---|")
    for row in rows:
        print(f"| {row['step']} | {row['times']} | {row['stopped']} |")
    print(f"\n{times['lives']} lives, violations {len(failures)}")
    if failures:
        print(f"\nthe shortest life with one:\n\n{min(failures, key=len)}")
    if options.into:
        words = f"--lives {options.lives} --seed {options.seed}"
        words += f" --minutes {options.minutes:g}" if math.isfinite(options.minutes) else ""
        save(options.into, LAYOUT, rows, note=options.note, command=[f'make soak SOAK="{words}"'])
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
