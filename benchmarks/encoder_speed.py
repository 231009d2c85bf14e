r"""Images a second of pretraining and embedding: labelcycle, lightly, and the bare network.

    python benchmarks/encoder_speed.py [--json] [--batch 64] [--steps 4] [--repeats 3]
    python benchmarks/encoder_speed.py --batch 512 --images 50000 --steps 100 --warm 50 \
        --workers 16 --json

The second line is for a machine with a GPU, which is taken where there is one. Every row is the
same network (ResNet-18 with the small-image stem, head 512-512-128) on the same random images:

    pretrain labelcycle    nn/simclr.py: images, views, forward, backward and update
    pretrain lightly       lightly's SimCLR as its documentation trains it: torchvision's
                           transforms on PIL images in a DataLoader, its head without batch norm
                           and its loss, SGD, float32
    pretrain bare          forward and backward of fixed random views in the same layout and
                           precision as labelcycle's, no more
    embed labelcycle       uint8 images to features
    embed lightly          the same images by a DataLoader, the network in evaluation mode
    embed bare             the forward pass of fixed random images

An image of a pretraining counts once, though two views of it pass. Each measurement is a process of
its own. All are begun first and then asked in turn, `--repeats` times, for `--steps` steps, while
the others wait, so that what else the machine does disturbs all alike; in each turn `--warm` steps
pass before the clock starts, in which a loader uses up what it prepared while it waited.
images_per_s is by the wall clock, median of the turns; images_per_cpu_s by processor time, workers
included, which other programs disturb less. The ratios to the bare network are medians of the
ratios of each turn.

lightly is not among labelcycle's dependencies; where it is not installed its rows are left out, and
standard error says so. `--path DIR` names a folder with it (pip install --target DIR lightly).
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from measured import where
from results_file import Figure, Layout, add_into, save

JOB = Path(__file__).with_name("encoder_speed_job.py")
LAYOUT = Layout(
    "Images a second",
    ["what"],
    [
        Figure("images_per_cpu_s", digits=1),
        Figure("ratio_to_bare_cpu", digits=2),
        Figure("images_per_s", digits=1),
        Figure("ratio_to_bare", digits=2),
    ],
    names={
        "what": "",
        "images_per_cpu_s": "images a processor second",
        "ratio_to_bare_cpu": "to bare",
        "images_per_s": "images a second",
        "ratio_to_bare": "to bare",
    },
)
WHATS = ("pretrain", "embed")
WHOSE = ("bare", "labelcycle", "lightly")


def chosen() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="resnet18", choices=["resnet18", "resnet34"])
    parser.add_argument("--side", type=int, default=32, help="pixels")
    parser.add_argument("--images", type=int, default=2000, help="size of the pool")
    parser.add_argument("--batch", type=int, default=64, help="images a step")
    parser.add_argument("--steps", type=int, default=4, help="steps that are timed")
    parser.add_argument("--warm", type=int, default=1, help="steps before them")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of the network")
    parser.add_argument("--workers", type=int, default=2, help="processes of lightly's DataLoader")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "bf16"])
    parser.add_argument("--compile", action="store_true", help="labelcycle's with torch.compile")
    parser.add_argument("--what", nargs="+", default=list(WHATS), choices=WHATS)
    parser.add_argument("--path", help="folder with lightly")
    parser.add_argument("--json", action="store_true")
    add_into(parser)
    return parser.parse_args()


def measuring(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of the processes that measure."""
    return {key: value for key, value in vars(arguments).items() if key not in ("into", "note")}


def environment(arguments: argparse.Namespace) -> dict[str, str]:
    """Of the processes that measure."""
    folders = [arguments.path, os.environ.get("PYTHONPATH")]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, folders))}
    return {**found, "OMP_NUM_THREADS": str(arguments.threads)}


class Job:
    """A process that measures when it is asked."""

    def __init__(self, what: str, whose: str, arguments: argparse.Namespace) -> None:
        self.name = f"{what} {whose}"
        settings = json.dumps({**measuring(arguments), "what": what, "whose": whose})
        self._process = subprocess.Popen(
            [sys.executable, JOB, settings],
            env=environment(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self._answer()

    def turn(self) -> dict[str, Any]:
        """Images, and seconds of both clocks."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        found = self._answer()
        rate = found["images"] / found["wall_s"]
        print(f"{self.name}: {rate:.1f} images/s", file=sys.stderr)
        return found

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} failed, see above")
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self) -> None:
        """Let the process end."""
        self._process.stdin.close()
        self._process.wait()


def row(what: str, whose: str, turns: list[dict[str, Any]], bare: list[dict[str, Any]]) -> Any:
    """The figures of one measurement over its turns."""

    def rates(found: list[dict[str, Any]], clock: str) -> list[float]:
        return [turn["images"] / turn[clock] for turn in found]

    def ratio(clock: str) -> float:
        pairs = zip(rates(turns, clock), rates(bare, clock), strict=True)
        return median(own / other for own, other in pairs)

    return {
        "what": f"{what} {whose}",
        "images_per_s": median(rates(turns, "wall_s")),
        "images_per_s_of_each_turn": rates(turns, "wall_s"),
        "images_per_cpu_s": median(rates(turns, "cpu_s")),
        "ratio_to_bare": ratio("wall_s"),
        "ratio_to_bare_cpu": ratio("cpu_s"),
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| | images/s | to bare | images/cpu s | to bare, cpu |", "|---|---:|---:|---:|---:|"]
    for found in rows:
        lines.append(
            f"| {found['what']} | {found['images_per_s']:.1f} | {found['ratio_to_bare']:.2f} |"
            f" {found['images_per_cpu_s']:.1f} | {found['ratio_to_bare_cpu']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    arguments = chosen()
    if arguments.path:
        sys.path.append(arguments.path)
    whose = [name for name in WHOSE if name != "lightly" or importlib.util.find_spec("lightly")]
    if "lightly" not in whose:
        print("lightly is not installed: its rows are left out", file=sys.stderr)
    kinds = [(what, name) for what in arguments.what for name in whose]
    jobs = {kind: Job(*kind, arguments) for kind in kinds}
    turns: dict[tuple[str, str], list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for _ in range(arguments.repeats):
        for kind in kinds:
            turns[kind].append(jobs[kind].turn())
    for job in jobs.values():
        job.end()
    same = ("network", "side", "images", "batch", "steps", "threads", "workers", "compile")
    facts = {name: getattr(arguments, name) for name in same}
    rows = [
        row(what, name, turns[what, name], turns[what, "bare"]) | jobs[what, name].facts | facts
        for what, name in kinds
    ]
    if arguments.into:
        kept = [{k: v for k, v in each.items() if not isinstance(v, list)} for each in rows]
        save(
            arguments.into,
            LAYOUT,
            kept,
            note=arguments.note,
            seeds=f"median of {arguments.repeats} turns",
        )
    if arguments.json:
        print(json.dumps(rows))
        return
    device = {name: rows[0][name] for name in ("device", "precision")}
    print(where(**device, **facts, repeats=arguments.repeats))
    print(table(rows))


if __name__ == "__main__":
    main()
