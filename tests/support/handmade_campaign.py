"""Two closed rounds in git, with DVC's objects in a cache and a remote, and no run of DVC."""

import io
import shutil
from pathlib import Path

import numpy as np
import yaml
from dvc_places import DvcPlaces
from made_records import AT, answer, metrics, plan, pushed, selection
from repositories import git

from labelcycle.adapters.dvc import object_digests
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import write_json
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.records.cohorts_record import Cohort, CohortsRecord, Source
from labelcycle.campaign.records.plan_record import PlanDigests
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.core.digests import file_digest
from labelcycle.rounds import campaign_key, snapshots
from labelcycle.stages import declaration

POOL = tuple(letter * 16 for letter in "abcd")
HOLDOUT = ("e" * 16, "f" * 16)
PARAMS = """\
campaign:
  name: birds
  classes: ["dark", light]
pretrain:
  encoder: pixels
query:
  budget: {budget}
push:
  backend: files
train:
  learner: {learner}
"""
DVC_CONFIG = """\
[core]
    remote = store
['remote "store"']
    url = ../../store
"""
IGNORED = {
    ".gitignore": "/.labelcycle\n",
    ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
    "data/.gitignore": "/samples\n/labels\n/holdout.jsonl\n",
    "data/images/.gitignore": "/000\n",
    "work/.gitignore": "/features\n/model\n/own.npy\n/clusters.npz\n/selection.json\n",
}
MADE = {"embed": ("features",), "train": ("model", "own.npy"), "cluster": ("clusters.npz",)}
"""What stages have written below work/, so far as a round needs it here."""


class HandmadeCampaign(DvcPlaces):
    """The campaign in a folder, with words for what lies where."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.campaign = Campaign(self.root)

    def keep(self, path: str) -> dict[str, str | int]:
        """Put a file or folder into both stores; what a .dvc file says of it."""
        full = self.root / path
        files = [each for each in full.rglob("*") if each.is_file()] if full.is_dir() else [full]
        contents = {each: each.read_bytes() for each in files}
        for content in contents.values():
            oid = self.store(content)
        if full.is_dir():
            digests = {
                each.relative_to(full).as_posix(): object_digests.of_bytes(content)
                for each, content in contents.items()
            }
            listed = object_digests.list_of(digests)
            oid = self.store(listed, FOLDER)
        size = sum(map(len, contents.values()))
        count = {"nfiles": len(files)} if full.is_dir() else {}
        return {"md5": oid, "size": size, **count, "hash": "md5", "path": full.name}

    def store(self, content: bytes, kind: str = "") -> str:
        """Put an object into both stores; its digest."""
        oid = object_digests.of_bytes(content) + kind
        for name in self.stores:
            place = self.place(name, oid)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        return oid

    def add(self, path: str) -> None:
        """As `dvc add`."""
        (self.root / f"{path}.dvc").write_text(yaml.safe_dump({"outs": [self.keep(path)]}))

    def lock(self) -> None:
        """As `dvc repro` leaves dvc.lock."""
        stages = {
            name: {"outs": [self.keep(f"work/{out}") | {"path": f"work/{out}"} for out in outs]}
            for name, outs in MADE.items()
        }
        (self.root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))

    def commit(self, message: str, tag: str = "") -> None:
        """Commit all, and tag it."""
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "-m", message)
        if tag:
            git(self.root, "tag", "-a", tag, "-m", tag)


def make(folder: Path, learner: str = "knn") -> HandmadeCampaign:
    """Four samples in the pool and two in the hold-out. Rounds 0 and 1 are closed."""
    made = HandmadeCampaign(folder)
    root, campaign = made.root, made.campaign
    for name, text in IGNORED.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / ".dvc" / "config").write_text(DVC_CONFIG)
    campaign.private.mkdir(mode=0o700)
    campaign.params.write_text(PARAMS.format(budget=2, learner=learner))
    campaign.dvc_yaml.write_text(declaration.print_dvc_yaml())
    write_json(campaign.code, {})
    write_json(campaign.schema, {"migrations": []})
    git(root, "init", "-q", "-b", "main")
    made.commit("Begin")
    _images_come_in(made)
    for number in range(2):
        _round(made, number)
    return made


def _images_come_in(made: HandmadeCampaign) -> None:
    campaign = made.campaign
    samples = []
    for number, name in enumerate((*POOL, *HOLDOUT)):
        image = campaign.images / "000" / f"{name}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(f"pixels of {name}".encode())
        split = "pool" if name in POOL else "holdout"
        samples.append(Sample(name, f"000/{name}.png", f"from/{number}.png", split, 8, 8))
    write_samples(campaign.samples, samples)
    cohorts = {"000": file_digest(campaign.samples / "000.jsonl")}
    PoolRecord(cohorts, cohorts).write(campaign.pool)
    sources = ("from/0.png", "from")
    first = Cohort(0, AT, sources, len(POOL), len(HOLDOUT))
    CohortsRecord(tuple(map(Source, sources)), (first,)).write(campaign.cohorts)
    made.add("data/samples")
    made.add("data/images/000")


def _round(made: HandmadeCampaign, number: int) -> None:
    """Two samples are picked and two hold-out samples asked; the first round asks these."""
    campaign, root = made.campaign, made.root
    key = campaign_key.of(root)
    picked = POOL[2 * number : 2 * number + 2]
    asked = (*picked, *(HOLDOUT if number == 0 else ()))
    folder = campaign.round(number)
    cohorts = PoolRecord.read(campaign.pool).cohorts
    digests = PlanDigests("no file", snapshots.pool_digest(cohorts), "", "")
    changes = {"round": number, "campaign": key, "digests": digests, "pool": 4, "holdout": 2}
    plan(**changes).write(folder / "plan.json")
    selection(picked).write(folder / "selection.json")
    tasks = [PushedTask(f"{key}/{number:03d}/{name}", name, n, n) for n, name in enumerate(asked)]
    pushed(tasks).write(folder / "pushed.json")
    _stages(made, number)
    made.commit(f"Open {number}", f"open/{number:03d}")
    answers = [answer(task.key, n, "ann", "dark") for n, task in enumerate(tasks)]
    write_lines(folder / "annotations.jsonl", answers)
    source = f"round {number}"
    labels = [Label(name, "dark", votes={"dark": 1}, source=source) for name in asked]
    write_labels(campaign.label_file(number), [x for x in labels if x.sample in picked])
    if number == 0:
        write_labels(campaign.holdout, [x for x in labels if x.sample in HOLDOUT])
        made.add("data/holdout.jsonl")
    made.add("data/labels")
    recorded = snapshots.record_digests(campaign, number)
    metrics(round=number, digests=recorded).write(folder / "metrics.json")
    made.commit(f"Close {number}", f"round/{number:03d}")


def _stages(made: HandmadeCampaign, number: int) -> None:
    """What the stages have written in a round: arrays with a row for each sample."""
    work = made.campaign.work
    rows = np.arange(18, dtype="f4").reshape(6, 3) + 1
    centres = rows[:2] + number / 2
    assignment = np.array([0, 1, 0, 1], "i4")
    files = {
        "features/pool.npy": _npy(rows[:4]),
        "features/holdout.npy": _npy(rows[4:]),
        "model/probabilities.npy": _npy(np.arange(8, dtype="f4").reshape(4, 2) / 8 + number),
        "model/model.json": b'{"classes": ["dark", "light"], "learner": "knn"}\n',
        "model/model.safetensors": b"weights %d" % number,
        "own.npy": _npy(np.empty((0, 0), "f4")),
        "clusters.npz": _npz(assignment=assignment, centres=centres),
    }
    for name, content in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
    shutil.copy(made.campaign.round(number) / "selection.json", work / "selection.json")
    made.lock()


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
