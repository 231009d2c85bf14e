"""Four weeks of a campaign that grows, through the real Label Studio, Prefect and DVC.

New images come in each week but the last, in groups. Those of the third week are of another camera.
`LABELCYCLE_WEEKS=500,50,200,0` plays it with other numbers of images.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps
from real_server import where
from wheel import REPOSITORY, SERVICES

from labelcycle import config
from labelcycle.adapters.local import services
from labelcycle.adapters.local.services import Services
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import new_campaign

__all__ = ["where"]

pytestmark = pytest.mark.service

EXAMPLE = REPOSITORY / "examples" / "fashion"
SIZES = tuple(map(int, os.environ.get("LABELCYCLE_WEEKS", "50,5,20,0").split(",")))
IN_GROUP = 5
BUDGET = 4


class Weeks:
    """The campaign, the folder that its images come from, and its owner's commands."""

    def __init__(self, base: Path, environment: dict[str, str]) -> None:
        self.root, self.photos, self.store = base / "campaign", base / "photos", base / "store"
        self._environment = environment
        with tarfile.open(EXAMPLE / "images.tar.xz") as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(base / "unpacked")
        self._left = sorted((base / "unpacked").glob("*.png"))

    def labelcycle(self, *words: str, at: Path | None = None) -> str:
        return self.run(sys.executable, "-P", "-m", "labelcycle", *words, at=at)

    def run(self, *words: str, at: Path | None = None) -> str:
        done = subprocess.run(
            words, cwd=at or self.root, env=self._environment, capture_output=True, text=True
        )
        print(f"$ {' '.join(words)}\n{done.stdout}")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def take(self, week: int, count: int) -> None:
        """New images in folders of some each; those of week 2 are of another camera."""
        for place in range(count):
            path = self._left.pop(0)
            folder = self.photos / f"product-{week}-{place // IN_GROUP}"
            folder.mkdir(parents=True, exist_ok=True)
            image: Any = Image.open(path).convert("L")
            if week == 2:
                image = ImageOps.colorize(ImageOps.invert(image), (40, 0, 0), (255, 220, 160))
            image.save(folder / path.name)

    def week(self, number: int) -> str:
        """Images come in, the round before is closed; what the open of the next one says."""
        self.take(number, SIZES[number])
        self.labelcycle("ingest", *(["--again"] if number else [str(self.photos)]))
        told = self.labelcycle("run")
        self.labelcycle("annotate", "--truth", str(EXAMPLE / "truth.csv"))
        return told


@pytest.fixture
def weeks(
    tmp_path: Path,
    where: dict[str, str],
    service_campaign: Campaign,
    prefect_server: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> Weeks:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@localhost")
    inherited = {name: value for name, value in os.environ.items() if name not in SERVICES}
    # Where the server looks for images; nobody looks at those of this campaign.
    (service_campaign.media / "images").mkdir(parents=True, exist_ok=True)
    known = {**services.environment(service_campaign), **where}
    known.pop("MLFLOW_TRACKING_URI", None)
    weeks = Weeks(tmp_path, {**inherited, **known})
    settings = {
        "campaign": {
            "name": "weeks",
            "classes": (EXAMPLE / "classes.txt").read_text().splitlines(),
            "rounds": len(SIZES),
            "open_next": True,
        },
        "ingest": {"holdout": SIZES[0] // 3, "group": {"folder": 1}},
        "pretrain": {"encoder": "pixels"},
        "query": {"budget": BUDGET},
        "push": {"min_side": 32},
        "evaluate": {"bootstrap": 100},
    }
    new_campaign.init(weeks.root, config.parse(settings))
    weeks.run(sys.executable, "-m", "dvc", "remote", "add", "-d", "store", str(weeks.store))
    weeks.run("git", "commit", "-qam", "Where data go")
    return weeks


def test_four_weeks_of_a_campaign_that_grows(weeks: Weeks, tmp_path: Path) -> None:
    told = [weeks.week(number) for number in range(len(SIZES))]
    assert ["looks like" in text for text in told] == [False, True, False, False]
    assert ["looks different" in text for text in told] == [False, False, True, False]
    assert "cohort 2 looks different from the images before" in told[2]
    weeks.labelcycle("run")
    cohorts_have_their_metrics(json.loads(weeks.labelcycle("status", "--json")))
    every_group_is_on_one_side(weeks)
    assert "4 rounds are reproduced" in weeks.labelcycle("verify", "--all")
    a_clone_rebuilds_all_from_the_remote(weeks, tmp_path / "elsewhere")


def cohorts_have_their_metrics(status: dict[str, Any]) -> None:
    assert [entry["state"] for entry in status["rounds"]] == ["closed"] * 4
    cohorts = status["cohorts"]
    assert [cohort["pool"] + cohort["holdout"] for cohort in cohorts] == [n for n in SIZES if n]
    assert [cohort["measured"] or 0 for cohort in cohorts] == [c["holdout"] for c in cohorts]
    assert cohorts[2]["holdout"] > 0
    assert all(bool(cohort["accuracy"]) == bool(cohort["holdout"]) for cohort in cohorts)


def every_group_is_on_one_side(weeks: Weeks) -> None:
    sides: dict[str, set[str]] = {}
    for path in (weeks.root / "data" / "samples").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            sample = json.loads(line)
            for group in sample["named_groups"]:
                sides.setdefault(group, set()).add(sample["split"])
    assert len(sides) == sum(-(-size // IN_GROUP) for size in SIZES)
    assert {len(side) for side in sides.values()} == {1}


def a_clone_rebuilds_all_from_the_remote(weeks: Weeks, folder: Path) -> None:
    weeks.run("git", "clone", "-q", str(weeks.root), str(folder), at=folder.parent)
    shutil.rmtree(weeks.root)
    weeks.labelcycle("trust", at=folder)
    weeks.labelcycle("pull", at=folder)
    shutil.rmtree(folder / ".dvc" / "cache")
    out = weeks.labelcycle("verify", "--all", "--from-remote", at=folder)
    assert "4 rounds are reproduced" in out
    assert not (folder / ".dvc" / "cache").exists()
