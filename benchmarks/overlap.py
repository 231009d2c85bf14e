"""How long it takes to have many tasks answered by two people, and to see who has answered.

    python benchmarks/overlap.py [--tasks 500] [--into TABLE.json]

On the server of benchmarks/label_studio.py, which this starts and removes. That program says what
the columns are.
"""

import argparse
import dataclasses

from label_studio import LAYOUT, SCHEMA, Bench, running
from measured import where
from results_file import add_into, save

from labelcycle.adapters.ports import TaskSpec
from labelcycle.people.simulated import annotate

TITLE = "Seconds of tasks that two people answer"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tasks", type=int, default=500)
    add_into(parser)
    given = parser.parse_args()
    print(where(tasks=given.tasks), flush=True)
    with running() as bench:
        measure(bench, given.tasks)
    for row in bench.rows:
        print(f"{row['what']:<22} {row['seconds']:7.1f} s, server {row['server_s']:7.1f} s")
    if given.into:
        save(given.into, dataclasses.replace(LAYOUT, title=TITLE), bench.rows, note=given.note)


def measure(bench: Bench, count: int) -> None:
    """Push tasks for one person, then the same tasks for two; look; answer twice; look."""
    backend = bench.backend
    project = backend.open_project("overlap", "Overlap", SCHEMA)

    def tasks(people: int) -> list[TaskSpec]:
        specs = bench.specs("overlap", count)
        return [dataclasses.replace(spec, wanted=people, prediction=None) for spec in specs]

    steps = (("push, one person", 1), ("push, the same for two", 2), ("push, once more", 2))
    for what, people in steps:
        specs = tasks(people)
        ids = bench.measure(what, count, count, lambda specs=specs: backend.push(project, specs))
    wanted = dict.fromkeys(ids, 2)

    def look() -> object:
        return backend.progress(project, ids, wanted)

    bench.measure("look, no answers", count, count, look)
    annotate(
        backend,
        project,
        {task.sample: "cat" for task in tasks(2)},
        wanted={ids[key]: 2 for key in ids},
        show=lambda _: None,
    )
    bench.measure(
        "look, all answered", count, count, lambda: backend.progress(project, ids, wanted)
    )


if __name__ == "__main__":
    main()
