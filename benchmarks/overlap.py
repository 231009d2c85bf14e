"""How long it takes to have many tasks answered by two people, and to see who has answered.

    python benchmarks/overlap.py [--tasks 500] [--into TABLE.json]

On the server of benchmarks/label_studio.py, which this starts and removes.
"""

import argparse
import time
from dataclasses import replace

from label_studio import SCHEMA, Bench, running
from measured import where
from results_file import Figure, Layout, add_into, save

from labelcycle.adapters.ports import TaskSpec
from labelcycle.people.simulated import annotate

LAYOUT = Layout(
    "Seconds for tasks that two people answer",
    ["tasks", "step"],
    [Figure("seconds", digits=1, unit=" s")],
)


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=500)
    add_into(parser)
    given = parser.parse_args()
    print(where(tasks=given.tasks), flush=True)
    with running() as bench:
        seconds = measure(bench, given.tasks)
    if given.into:
        rows = [
            {"tasks": given.tasks, "step": step, "seconds": each} for step, each in seconds.items()
        ]
        save(given.into, LAYOUT, rows, note=given.note)


def measure(bench: Bench, count: int) -> dict[str, float]:
    """Push tasks for one person, then the same tasks for two; look; answer twice; look."""
    backend = bench.backend
    project = backend.open_project("overlap", "Overlap", SCHEMA)

    def tasks(people: int) -> list[TaskSpec]:
        specs = bench.specs("overlap", count)
        return [replace(spec, wanted=people, prediction=None) for spec in specs]

    seconds: dict[str, float] = {}

    def told(step: str, began: float) -> float:
        """Print how long it took; the time it is now."""
        seconds[step] = time.perf_counter() - began
        print(f"{step:<20} {seconds[step]:7.1f} s", flush=True)
        return time.perf_counter()

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
    return seconds


if __name__ == "__main__":
    main()
