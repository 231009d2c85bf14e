"""How long it takes to have many tasks answered by two people, and to see who has answered.

    python benchmarks/overlap.py --tasks 500

starts a Label Studio of its own in a temporary folder.
"""

import argparse
import tempfile
import time
from pathlib import Path

from PIL import Image

from labelcycle.adapters import services
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.annotate import annotate
from labelcycle.ports import LabelSchema, TaskSpec
from labelcycle.store import Campaign

SCHEMA = LabelSchema(("cat", "dog"), "Choose.")


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=500)
    count = parser.parse_args().tasks
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder))
        ports = dict.fromkeys(services.NAMES, 0)
        services.up(campaign, only=["label_studio"], ports=ports, show=quiet)
        try:
            measure(campaign, count)
        finally:
            services.down(campaign)


def measure(campaign: Campaign, count: int) -> None:
    """Push tasks for one person, then the same tasks for two; look; answer twice; look."""
    environment = services.environment(campaign)
    backend = LabelStudioBackend(campaign, environment)
    image = campaign.media / "images" / "one.png"
    image.parent.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(image)
    project = backend.open_project("overlap", "Overlap", SCHEMA)

    def tasks(people: int) -> list[TaskSpec]:
        names = (f"{rank:016x}" for rank in range(count))
        return [TaskSpec(f"o/000/{n}", n, image, r, 0, wanted=people) for r, n in enumerate(names)]

    began = time.perf_counter()
    for what, people in (("push, one person", 1), ("the same for two", 2), ("once more", 2)):
        ids = backend.push(project, tasks(people))
        began = told(what, began)
    wanted = dict.fromkeys(ids, 2)
    backend.progress(project, ids, wanted)
    began = told("look, no answers", began)
    annotate(
        environment["LABEL_STUDIO_URL"],
        environment["LABEL_STUDIO_API_KEY"],
        project,
        {task.sample: "cat" for task in tasks(2)},
        wanted={ids[key]: 2 for key in ids},
        show=quiet,
    )
    began = told("two answers each", began)
    print(backend.progress(project, ids, wanted))
    told("look, all answered", began)


def quiet(_text: str) -> None:
    """Say nothing."""


def told(what: str, began: float) -> float:
    """Print how long it took; the time it is now."""
    now = time.perf_counter()
    print(f"{what:<20} {now - began:7.1f} s", flush=True)
    return time.perf_counter()


if __name__ == "__main__":
    main()
