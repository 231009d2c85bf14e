"""How long a push and a pull of many tasks take with a real Label Studio on SQLite.

    python benchmarks/label_studio.py [--tasks 10000] [--sample 300] [--json]

A new server on this machine, its state in a folder that is removed. Every task has a
pre-annotation; every answered one has an answer. Measured:

    draw       the enlarged images of as many different small ones, of 28 x 28 random pixels
    push       labelcycle's: chunks, then the list of keys to see that each is there once
    push, one  one request a task, no check: of `--sample` tasks, scaled
    progress   labelcycle's count of answers, as `collect` asks for it
    pull       labelcycle's: list of keys and counts, export in pieces, counts compared
    pull, one  one request a task, of `--sample` tasks, scaled
    pull, sdk  the SDK's own list with all fields, of ten times `--sample` tasks, scaled

`server_s` is the processor time that the server's process took, which is what would be left of
`seconds` on an idle machine with an instant client; `client_s` the same of this process. `peak_mb`
is the most memory that this process held, above what it held before.
"""

import argparse
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from label_studio_sdk import LabelStudio
from measured import where
from PIL import Image
from results_file import Figure, Layout, add_into, save

from labelcycle import decoding
from labelcycle.adapters.annotation.label_studio import (
    LabelStudioBackend,
    labeling_config,
    task_import,
)
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import services
from labelcycle.adapters.ports import LabelSchema, Prediction, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample
from labelcycle.config import Config
from labelcycle.cycle import task_images
from labelcycle.rounds.snapshots import Snapshot

SCHEMA = LabelSchema(("cat", "dog"), "Choose what you see.")
SEED_CHUNK = 1000
LAYOUT = Layout(
    "Seconds of push and pull",
    ["what"],
    [Figure(key) for key in ("measured", "seconds", "server_s", "client_s", "peak_mb")],
    names={
        "what": "step",
        "measured": "tasks measured",
        "seconds": "wall s",
        "server_s": "server's processor s",
        "client_s": "client's processor s",
        "peak_mb": "client's memory, MB more",
    },
)


class Bench:
    """A server, the adapter, and what was measured so far."""

    def __init__(self, campaign: Campaign, pid: int) -> None:
        env = services.environment(campaign)
        self.campaign, self.rows = campaign, list[dict[str, Any]]()
        self.backend = LabelStudioBackend(campaign, env)
        self.api = LabelStudioApi(env["LABEL_STUDIO_URL"], env["LABEL_STUDIO_API_KEY"])
        self.sdk = LabelStudio(
            base_url=env["LABEL_STUDIO_URL"], api_key=env["LABEL_STUDIO_API_KEY"], max_retries=0
        )
        self._server = psutil.Process(pid)

    def specs(self, name: str, count: int) -> list[TaskSpec]:
        """Tasks that all show one image."""
        image = self.campaign.media / "images" / "image.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32)).save(image)
        guess = Prediction("cat", 0.5, "round-000")
        return [
            TaskSpec(f"{name}/001/{n:016x}", f"{n:016x}", image, n, 1, prediction=guess)
            for n in range(count)
        ]

    def records(self, specs: list[TaskSpec]) -> list[dict[str, Any]]:
        """The tasks as Label Studio imports them."""
        return [task_import.record(spec, self.campaign.media, SCHEMA.classes) for spec in specs]

    def measure(self, what: str, tasks: int, done: int, call: Callable[[], Any]) -> Any:
        """What the call returns; the figures of `done` tasks go on record, scaled to `tasks`."""
        before, began = self._processor_s(), time.perf_counter()
        client, held = time.process_time(), _peak_mb()
        result = call()
        scale = tasks / done
        self.rows.append(
            {
                "what": what,
                "tasks": tasks,
                "measured": done,
                "seconds": round((time.perf_counter() - began) * scale, 1),
                "server_s": round((self._processor_s() - before) * scale, 1),
                "client_s": round((time.process_time() - client) * scale, 1),
                "peak_mb": round(_peak_mb() - held),
            }
        )
        return result

    def _processor_s(self) -> float:
        family = [self._server, *self._server.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in family)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def draw(bench: Bench, tasks: int) -> None:
    """Measure what a push does before its first request."""
    rng = np.random.default_rng(0)
    bench.campaign.images.mkdir(parents=True)
    samples = [Sample(f"{n:016x}", f"{n:016x}.png", "", "pool", 28, 28) for n in range(tasks)]
    for sample in samples:
        pixels = rng.integers(256, size=(28, 28, 3), dtype=np.uint8)
        (bench.campaign.images / sample.file).write_bytes(
            decoding.png_bytes(Image.fromarray(pixels))
        )
    snapshot = Snapshot(bench.campaign, Config(), frozenset(), 0, State.SELECTED)
    shown = [(sample, ()) for sample in samples]
    files = bench.measure("draw", tasks, tasks, lambda: task_images.images(snapshot, shown))
    assert len(set(files)) == tasks


def push(bench: Bench, tasks: int, sample: int) -> None:
    """Measure both ways to push."""
    project = bench.backend.open_project("push", "Push", SCHEMA)
    specs = bench.specs("push", tasks)
    ids = bench.measure(
        "push", tasks, tasks, lambda: bench.backend.push(project, specs, "round-000")
    )
    assert len(set(ids.values())) == bench.api.project(project).tasks == tasks
    other = bench.backend.open_project("one", "One by one", SCHEMA)
    few = bench.records(bench.specs("one", sample))
    bench.measure(
        "push, one", tasks, sample, lambda: [bench.api.import_tasks(other, [r]) for r in few]
    )


def pull(bench: Bench, tasks: int, sample: int) -> None:
    """Measure all ways to pull, from a project whose answers came with its tasks."""
    project = bench.backend.open_project("pull", "Pull", SCHEMA)
    records = bench.records(bench.specs("pull", tasks))
    answer = {"result": labeling_config.result("dog"), "lead_time": 1.5, "was_cancelled": False}
    for chunk in labeling_config.chunks(records, SEED_CHUNK):
        bench.api.import_tasks(project, [r | {"annotations": [dict(answer)]} for r in chunk])
    ids = bench.backend.pushed("pull", "")
    few = list(ids.values())[:sample]  # all, where there are fewer
    done = bench.measure("progress", tasks, tasks, lambda: bench.backend.progress(project, ids))
    answers = bench.measure("pull", tasks, tasks, lambda: bench.backend.pull(project, ids))
    assert done.answered == len({a.key for a in answers}) == len(answers) == tasks
    bench.measure(
        "pull, one", tasks, len(few), lambda: [bench.sdk.tasks.get(str(task)) for task in few]
    )
    some = min(tasks, 10 * sample)
    bench.measure(
        "pull, sdk",
        tasks,
        some,
        lambda: list(itertools.islice(bench.sdk.tasks.list(project=project), some)),
    )


@contextmanager
def running() -> Iterator[Bench]:
    """A server of its own, stopped and removed at the end."""
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder))
        only = ["label_studio"]
        try:
            found = services.up(campaign, only=only, ports={only[0]: 0}, show=lambda _: None)
            yield Bench(campaign, found.services[only[0]].pid)
        finally:
            services.down(campaign)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--sample", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    add_into(parser)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with running() as bench:
        draw(bench, options.tasks)
        push(bench, options.tasks, options.sample)
        pull(bench, options.tasks, options.sample)
    note = where(load_before=f"{load:.1f}", load_after=f"{os.getloadavg()[0]:.1f}")
    if options.into:
        save(options.into, LAYOUT, bench.rows, note=options.note)
    if options.json:
        print(json.dumps({"where": note, "rows": bench.rows}, indent=2))
        return
    print(note)
    print("| what | tasks | measured | s | server's s | client's s | client's MB more |")
    print("|---|---|---|---|---|---|---|")
    for row in bench.rows:
        cells = [f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row.values()]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
