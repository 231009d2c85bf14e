"""How long it takes to have many tasks answered by two people, and to see who has answered.

    python benchmarks/overlap.py [--tasks 500]

On the server of benchmarks/label_studio.py, which this starts and removes.
"""

import argparse
import time
from dataclasses import replace

from label_studio import SCHEMA, Bench, running
from measured import where

from labelcycle.adapters.ports import TaskSpec
from labelcycle.people.simulated import annotate


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=500)
    count = parser.parse_args().tasks
    print(where(tasks=count), flush=True)
    with running() as bench:
        measure(bench, count)


def measure(bench: Bench, count: int) -> None:
    """Push tasks for one person, then the same tasks for two; look; answer twice; look."""
    backend = bench.backend
    project = backend.open_project("overlap", "Overlap", SCHEMA)

    def tasks(people: int) -> list[TaskSpec]:
        specs = bench.specs("overlap", count)
        return [replace(spec, wanted=people, prediction=None) for spec in specs]

    began = time.perf_counter()
    for what, people in (("push, one person", 1), ("the same for two", 2), ("once more", 2)):
        ids = backend.push(project, tasks(people))
        began = told(what, began)
    wanted = dict.fromkeys(ids, 2)
    backend.progress(project, ids, wanted)
    began = told("look, no answers", began)
    annotate(
        backend,
        project,
        {task.sample: "cat" for task in tasks(2)},
        wanted={ids[key]: 2 for key in ids},
        show=lambda _: None,
    )
    began = told("two answers each", began)
    print(backend.progress(project, ids, wanted))
    told("look, all answered", began)


def told(what: str, began: float) -> float:
    """Print how long it took; the time it is now."""
    now = time.perf_counter()
    print(f"{what:<20} {now - began:7.1f} s", flush=True)
    return time.perf_counter()


if __name__ == "__main__":
    main()
