"""What a large campaign costs: seconds, processor seconds and memory of its commands.

    python benchmarks/scale.py [--images 100000] [--samples 1000000] [--into TABLE.json]

Two campaigns with ready-made features are played, in `push.backend: files` and without a server:

    images   as many small JPEG files, taken in by `labelcycle ingest`
    samples  as many samples, whose files are written by this program as an ingest leaves them:
             decoding so many images takes hours, and nothing after the ingest depends on it. DVC
             is told that it has the images, so it neither reads nor copies them

Each step is a process of its own: the first `open`, `status` while people are asked, the `close`
after they answered, the ingest of 1 % more images, and `verify` of the round. Beside a step is what
it could not do without, the bare cost:

    ingest, cohort   each file read, hashed (SHA-256) and decoded by Pillow, on all cores
    open, verify     one pass over the features

Memory is that of all processes together (`watched_command.py`). Everything lies in a temporary
folder, which is removed: 100,000 images take 3 GB, a million samples 6 GB.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from measured import where
from PIL import Image
from processor_time import name_committer
from results_file import Figure, Layout, add_into, save
from watched_command import Watched, watched

from labelcycle import config
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, round_states, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import Cohort, CohortsRecord, Source
from labelcycle.campaign.records.pushed_record import Pushed
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.digests import digest
from labelcycle.cycle import new_campaign
from labelcycle.ingest import look_files
from labelcycle.ingest.one_file import Look

PROGRAM = (sys.executable, "-P", "-m", "labelcycle", "-C")
CLASSES = ("even", "odd")
HOLDOUT = 200
BUDGET = 50
MORE = 100
"""One image for so many comes in later."""

SIDE = 128
BLURRED = 8
"""Side of a JPEG file, and of the random picture that it is enlarged from."""

TINY = 16
"""Side of the grey pictures of the samples."""

LAYOUT = Layout(
    "What a large campaign costs",
    ["campaign", "step"],
    [
        Figure("seconds", digits=1),
        Figure("cpu_s", digits=1),
        Figure("peak_mb", digits=0),
        Figure("bare_s", digits=1),
        Figure("bare_cpu_s", digits=1),
        Figure("times", digits=1),
    ],
    names={
        "cpu_s": "processor s",
        "peak_mb": "memory, MB",
        "bare_s": "bare s",
        "bare_cpu_s": "bare processor s",
        "times": "times bare processor s",
    },
)


@dataclass(frozen=True)
class Size:
    """How much there is: images at first and in the cohort, numbers in a feature vector."""

    first: int
    width: int

    @property
    def more(self) -> int:
        """Images of the cohort."""
        return self.first // MORE


class Bench:
    """A campaign, and the rows of what its commands used."""

    def __init__(self, campaign: Campaign, name: str) -> None:
        self.campaign, self.name = campaign, name
        self.rows: list[dict[str, Any]] = []

    def command(self, step: str, *words: str, bare: Watched | None = None) -> None:
        """Run `labelcycle WORDS` and note what it used."""
        used = watched([*PROGRAM, self.root, *words])
        row = {"campaign": self.name, "step": step, **used._asdict()}
        if bare:
            row |= {"bare_s": bare.seconds, "bare_cpu_s": bare.cpu_s}
            row |= {"times": used.cpu_s / bare.cpu_s}
        self.rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)

    @property
    def root(self) -> str:
        """The campaign's folder."""
        return str(self.campaign.root)

    def answer(self) -> None:
        """Have each task of the open round answered; not measured."""
        folder = self.campaign.round(0)
        tasks = Pushed.read(folder / round_states.PUSHED).tasks
        truth = self.campaign.root.parent / "truth.csv"
        lines = (f"{task.sample},{CLASSES[int(task.sample, 16) % 2]}\n" for task in tasks)
        truth.write_text("sample,label\n" + "".join(lines), encoding="utf-8")
        watched([*PROGRAM, self.root, "annotate", "--truth", str(truth)])

    def round(self, bare: Watched) -> None:
        """The first round, up to its close."""
        self.command("open", "open", bare=bare)
        self.command("status, open", "status")
        self.answer()
        self.command("close", "close")
        self.command("status, closed", "status")


def new(root: Path) -> Campaign:
    """An empty campaign on ready-made features."""
    settings = {
        "campaign": {"name": "large", "classes": list(CLASSES)},
        "ingest": {"holdout": HOLDOUT},
        "pretrain": {"encoder": "precomputed", "options": {"file": "data/features.npz"}},
        "query": {"budget": BUDGET},
        "push": {"backend": "files", "min_side": 32},
    }
    return new_campaign.init(root, config.parse(settings))


def write_features(campaign: Campaign, kind: str, names: list[str], width: int) -> None:
    """A row for each name: one of 20 centres, and noise."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(20, width)).astype(np.float32)
    features = centres[rng.integers(20, size=len(names))]
    features += rng.standard_normal(features.shape, dtype=np.float32)
    np.savez(campaign.data / "features.npz", features=features, **{kind: np.array(names)})


# --- images --------------------------------------------------------------------------------


def played_images(folder: Path, size: Size) -> Iterator[dict[str, Any]]:
    """The rows of a campaign of images."""
    first, later = folder / "first", folder / "later"
    names = [*make_images(first, size.first, 0), *make_images(later, size.more, 1)]
    bench = Bench(new(folder / "campaign"), f"{size.first:,} images")
    write_features(bench.campaign, "files", names, size.width)
    one_pass = bare("features", bench.campaign.data / "features.npz")
    bench.command("ingest", "ingest", str(first), bare=bare("images", first))
    bench.round(one_pass)
    bench.command("1 % more", "ingest", str(later), bare=bare("images", later))
    bench.command("verify", "verify", "round/000", bare=one_pass)
    yield from bench.rows


def make_images(folder: Path, count: int, seed: int) -> list[str]:
    """So many JPEG files, each of another picture; their paths as features name them."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    names = [f"{folder.name}/{number:07d}.jpg" for number in range(count)]
    for name in names:
        small = rng.integers(0, 256, (BLURRED, BLURRED, 3), dtype=np.uint8)
        image = Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image.save(folder.parent / name, quality=90)
    return names


# --- samples -------------------------------------------------------------------------------


def played_samples(folder: Path, size: Size) -> Iterator[dict[str, Any]]:
    """The rows of a campaign whose first images are written as an ingest leaves them."""
    later = folder / "later"
    later.mkdir()
    bench = Bench(new(folder / "campaign"), f"{size.first:,} samples")
    ids = as_ingested(bench.campaign, size.first)
    for number in range(size.more):
        data = tiny_picture(size.first + number)
        (later / f"{number}.pgm").write_bytes(data)
        ids.append(digest(data))
    write_features(bench.campaign, "ids", ids, size.width)
    one_pass = bare("features", bench.campaign.data / "features.npz")
    bench.round(one_pass)
    bench.command("1 % more", "ingest", str(later), bare=bare("images", later))
    bench.command("verify", "verify", "round/000", bare=one_pass)
    yield from bench.rows


def tiny_picture(number: int) -> bytes:
    """A grey picture as PGM."""
    pixels = np.random.default_rng(number).integers(0, 256, TINY * TINY, dtype=np.uint8)
    return f"P5 {TINY} {TINY} 255\n".encode() + pixels.tobytes()


def as_ingested(campaign: Campaign, count: int) -> list[str]:
    """Write so many samples as an ingest leaves them, without DVC's copy; their ids."""
    folder = campaign.cohort_images(0)
    folder.mkdir(parents=True)
    samples, looks = [], {}
    for number in range(count):
        data = tiny_picture(number)
        name = digest(data)
        file = f"{name}.ppm"
        (folder / file).write_bytes(data)
        side = "holdout" if number < HOLDOUT else "pool"
        source = f"../photos/{number:07d}.pgm"
        samples.append(Sample(name, f"000/{file}", source, side, TINY, TINY))
        small = np.frombuffer(data[-TINY * TINY :], np.uint8)
        looks[name] = Look(name, small, None)
    look_files.write(look_files.path_of(campaign.samples, 0), looks)
    sample_files.write_samples(campaign.samples, samples)
    cohort = Cohort(0, "2026-01-01T00:00:00+00:00", (), count - HOLDOUT, HOLDOUT)
    CohortsRecord((Source("../photos"),), (cohort,)).write(campaign.cohorts)
    record = {"outs": [{"md5": f"{0:032x}.dir", "nfiles": count, "hash": "md5", "path": "000"}]}
    (campaign.images / "000.dvc").write_text(yaml.safe_dump(record), encoding="utf-8")
    commands.add(campaign.root, [layout.SAMPLES])
    return [sample.id for sample in samples]


# --- the bare cost -------------------------------------------------------------------------


def bare(job: str, path: Path) -> Watched:
    """What benchmarks/bare_cost.py uses."""
    return watched([sys.executable, str(Path(__file__).with_name("bare_cost.py")), job, str(path)])


PLAYED: dict[str, Callable[[Path, Size], Iterator[dict[str, Any]]]] = {
    "images": played_images,
    "samples": played_samples,
}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=100_000, help="0: not played")
    options.add_argument("--samples", type=int, default=1_000_000, help="0: not played")
    options.add_argument("--width", type=int, default=64, help="numbers in a feature vector")
    add_into(options)
    arguments = options.parse_args()
    name_committer()
    for name in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "LABELCYCLE_NOTIFY"):
        os.environ.pop(name, None)  # no server
    rows: list[dict[str, Any]] = []
    for kind, play in PLAYED.items():
        if first := getattr(arguments, kind):
            with tempfile.TemporaryDirectory() as folder:
                rows += play(Path(folder), Size(first, arguments.width))
    if arguments.into:
        save(arguments.into, LAYOUT, rows, note=arguments.note, seeds="one run")
    print(json.dumps({"where": where(), "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
