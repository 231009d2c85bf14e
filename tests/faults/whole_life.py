"""The life of a campaign, command by command, in one folder with all that it reaches.

Images in groups, two rounds, a second cohort between them, a group that is withdrawn while the
third round is open, and a rollback that gives this round up and goes on. Everything is on disk:
git's remote, DVC's remote, MLflow's database, the tasks, and the notices that somebody got.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bare_flows import without_prefect
from params import set_params
from PIL import Image
from squares import CLASSES, SETTINGS, make_images

from labelcycle.adapters.annotation.files import FilesBackend
from labelcycle.adapters.dvc import altered_program
from labelcycle.adapters.mlflow import patient_client, tracking_uri
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import read_samples
from labelcycle.cli import main
from labelcycle.cycle import task_images
from labelcycle.ingest import take_files
from labelcycle.notify import sending
from labelcycle.rounds import snapshots
from labelcycle.stages import charts

NOW = "2026-01-01T12:00:00+00:00"
"""What every clock of the product shows, so that files have the same digests again."""

GROUP = "withdrawn.txt"
"""File in the place with the name of the group that is withdrawn."""

Words = tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """A command of the life.

    before : what people do first
    words : what is typed; from the place, where that depends on what came before
    again : what is typed after it failed; the first may say that it is done
    """

    name: str
    before: Callable[[Path], None]
    words: Callable[[Path], Words]
    again: tuple[Words, ...] = ()

    def more(self, place: Path) -> tuple[Words, ...]:
        """All that is typed after a failure."""
        return (self.words(place), *self.again)


def campaign_of(place: Path) -> Campaign:
    """The campaign in a place."""
    return Campaign(place / "campaign")


# --- what people do ------------------------------------------------------------------------


def _begin(place: Path) -> None:
    images(place, range(8), 3)
    subprocess.run(["git", "init", "-q", "--bare", str(place / "git")], check=True)
    patient_client.connected(os.environ[tracking_uri.VARIABLE]).search_experiments()


def images(place: Path, groups: range, count: int, seed: int = 0) -> None:
    """Images of some groups, of each so many more."""
    for group in groups:
        make_images(place / "images" / f"p{group:02d}", count, seed + group)


def _choose(place: Path) -> None:
    root = campaign_of(place).root
    set_params(
        root,
        **{
            **SETTINGS,
            "campaign": {**SETTINGS["campaign"], "rounds": 9},
            "ingest": {"holdout": 6, "group": {"folder": 1}},
            "query": {"strategy": "typiclust", "budget": 3, "per_group": 1},
            "train": {"learner": "knn"},  # it keeps samples
        },
    )
    subprocess.run(["git", "remote", "add", "origin", str(place / "git")], cwd=root, check=True)
    os.chdir(root)
    assert altered_program.main(["remote", "add", "-q", "-d", "store", "../store"]) == 0
    subprocess.run(["git", "commit", "-qm", "Remote", ".dvc/config"], cwd=root, check=True)


def _answer(place: Path, most: int = 10**6) -> None:
    """Each open task gets its true class."""
    campaign = campaign_of(place)
    backend, snapshot = FilesBackend(campaign), snapshots.read(campaign.root)
    files = {sample.id: sample.file for sample in read_samples(campaign.samples, which="all")}
    project = snapshot.records.pushed(snapshot.number).project
    for task in backend.open_tasks(project)[:most]:
        with Image.open(campaign.images / files[task.sample]) as image:
            light = int(np.asarray(image).mean() > 120)
        backend.give(task, "ann", [CLASSES[light]], lead_time_s=1.5)


def _revoke(place: Path) -> None:
    """One task is answered; then the person of the first label that there is wants to go."""
    _answer(place, most=1)
    records = snapshots.read(campaign_of(place).root).records
    labelled = records.labels_of(0)[0].sample
    (named,) = (s.named_groups[0] for s in records.samples(which="all") if s.id == labelled)
    (place / GROUP).write_text(named, encoding="utf-8")


def _more_images(place: Path) -> None:
    images(place, range(6, 10), 2, 100)


def _nothing(place: Path) -> None:
    del place


# --- what is typed ---------------------------------------------------------------------------


def _typed(*words: str) -> Callable[[Path], Words]:
    return lambda place: words


def _ingest(place: Path) -> Words:
    return ("ingest", str(place / "images"))


def _withdraw(place: Path) -> Words:
    group = (place / GROUP).read_text(encoding="utf-8")
    return ("withdraw", "--group", group, "--reason", "consent revoked", "--yes")


RUN: Words = ("run",)
AGAIN: Words = ("ingest", "--again")

LIFE = (
    Step(
        "init",
        _begin,
        _typed("init", "--name", "tiny", "--classes", ",".join(CLASSES), "."),
        (("status",),),
    ),
    Step("ingest", _choose, _ingest, (AGAIN,)),
    Step("open round 0", _nothing, _typed("run")),
    Step("close round 0", _answer, _typed("run")),
    Step("ingest a second cohort", _more_images, _typed(*AGAIN), (AGAIN,)),
    Step("open round 1", _nothing, _typed("open"), (RUN,)),
    Step("close round 1", _answer, _typed("close"), (RUN,)),
    Step("open round 2", _nothing, _typed("open"), (RUN,)),
    Step("withdraw a group", _revoke, _withdraw, (("withdraw",), RUN)),
    Step("roll back", _nothing, _typed("rollback", "round/000", "--answers", "apart"), (RUN,)),
    Step("open round 3", _nothing, _typed("open"), (RUN,)),
    Step("close round 3", _answer, _typed("close"), (RUN,)),
)


def play(place: Path, words: Words) -> None:
    """Type a command in the campaign, as at a terminal: it may end the process."""
    root = campaign_of(place).root
    os.chdir(place)
    here = str(root) if root.exists() else "."
    sys.argv = ["labelcycle", "-C", here, *(str(root) if word == "." else word for word in words)]
    main.main()


# --- the surroundings ------------------------------------------------------------------------


def surround(place: Path, notice: Callable[[], None] = lambda: None) -> None:
    """Clock, identity, services and people of a life; for a process that ends with it.

    notice : called before each notice that is sent
    """
    variables = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_AUTHOR_DATE": NOW,
        "GIT_COMMITTER_DATE": NOW,
        "OMP_NUM_THREADS": "1",
        tracking_uri.VARIABLE: f"sqlite:///{place}/mlflow.db",
        sending.VARIABLE: "json://localhost/keeper",
    }
    for i, (key, value) in enumerate({"user.name": "Test", "user.email": "t@localhost"}.items()):
        variables |= {f"GIT_CONFIG_KEY_{i}": key, f"GIT_CONFIG_VALUE_{i}": value}
    os.environ.update(variables)

    def send(address: sending.Recipient, title: str, body: str) -> None:
        del address
        notice()
        line = json.dumps([title, body]) + "\n"
        with (place / "notices.txt").open("a", encoding="utf-8") as file:
            file.write(line)

    sending.send = send
    _stop_clock()
    secrets.randbelow = lambda below: below // 2  # type: ignore[assignment] # number of a project
    os.sync = lambda: None  # no power cut is tried
    take_files.THREADS = 1  # what threads do has no order
    task_images.cores = lambda: 1
    for name in ("confusion", "per_class"):
        setattr(charts, name, lambda *shown: b"chart")
    without_prefect()


def _stop_clock() -> None:
    moving = snapshots.present_time
    for name, module in list(sys.modules.items()):
        if name.startswith("labelcycle") and vars(module).get("present_time") is moving:
            module.present_time = lambda: NOW
