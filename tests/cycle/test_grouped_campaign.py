"""A campaign whose images come in groups: with real git and DVC, through the files backend."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from params import set_params
from PIL import Image
from squares import CLASSES, SETTINGS, make_images
from watched import WatchedFiles

from labelcycle import config
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import read_json
from labelcycle.campaign.sample_files import Sample, read_samples, write_samples
from labelcycle.cli import doctor_checks
from labelcycle.cycle import campaign_status, new_campaign
from labelcycle.rounds import snapshots

pytestmark = pytest.mark.slow

GROUPED = {
    **SETTINGS,
    "ingest": {"holdout": 12, "group": {"folder": 1}},
    "query": {"strategy": "typiclust", "budget": 4, "per_group": 1},
}


def labelcycle(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "labelcycle", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def photos(folder: Path, groups: range, count: int, seed: int) -> None:
    for group in groups:
        make_images(folder / f"p{group:02d}", count, seed + group)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """12 groups of 4 images, 3 of them held out."""
    photos(tmp_path / "images", range(12), 4, 0)
    made = new_campaign.init(tmp_path / "made", config.parse(GROUPED))
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    return made


@pytest.fixture
def answer(backend: WatchedFiles, campaign: Campaign) -> Callable[[], None]:
    """Answers every open task truthfully."""

    def run() -> None:
        done = {given.key for given in backend.answers}
        samples = {sample.id: sample for sample in read_samples(campaign.samples)}
        for key, task in sorted(backend.tasks.items()):
            if key not in done:
                with Image.open(campaign.images / samples[task.sample].file) as image:
                    backend.answer(key, CLASSES[int(np.asarray(image).mean() > 120)])

    return run


def by_id(campaign: Campaign) -> dict[str, Sample]:
    return {sample.id: sample for sample in read_samples(campaign.samples, which="all")}


def held(campaign: Campaign) -> set[str]:
    samples = by_id(campaign).values()
    return {s.named_groups[0] for s in samples if s.split == "holdout"}


def doctor(campaign: Campaign, name: str) -> tuple[bool | None, str]:
    lines = [line for line in doctor_checks.all_checks(campaign.root) if line[0] == name]
    assert len(lines) == 1
    return lines[0][1], lines[0][2]


def test_groups_stay_whole_from_cohort_to_cohort(
    campaign: Campaign,
    flows,
    backend: WatchedFiles,
    answer: Callable[[], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    root, images = str(campaign.root), campaign.root.parent / "images"
    assert len(held(campaign)) == 3
    flows.run(root)
    the_picks_are_of_different_groups(campaign, backend, 0)
    answer()
    capsys.readouterr()
    flows.run(root)
    metrics = read_json(campaign.round(0) / "metrics.json")
    assert (metrics["interval"], metrics["groups"], metrics["holdout"]) == ("groups", 3, 12)
    interval = (
        f"({metrics['accuracy']['low']:.3f} to {metrics['accuracy']['high']:.3f}, by 3 groups"
    )
    assert interval in capsys.readouterr().out
    assert interval in labelcycle(campaign.root, "status")

    before = held(campaign)
    photos(images, range(8, 16), 3, 100)  # of groups that are there, and of new ones
    report = new_campaign.add_images_again(campaign.root, lambda step: None)
    assert report.cohort == 1
    assert {name for name in held(campaign) if name < "p12"} == before
    status_tells_of_the_groups(campaign)
    flows.open_now(root)
    the_picks_are_of_different_groups(campaign, backend, 1)
    answer()
    flows.run(root)
    second = read_json(campaign.round(1) / "metrics.json")
    assert second["groups"] == len(held(campaign))
    for number in range(2):
        assert "is reproduced" in labelcycle(campaign.root, "verify", f"round/{number:03d}")


def status_tells_of_the_groups(campaign: Campaign) -> None:
    status = json.loads(labelcycle(campaign.root, "status", "--json"))
    assert status["groups"] == {"count": 16, "both": []}
    assert status["rounds"][0]["groups"] == 3
    assert "\n16 groups, none on both sides\n" in labelcycle(campaign.root, "status")


def the_picks_are_of_different_groups(
    campaign: Campaign, backend: WatchedFiles, number: int
) -> None:
    samples, prefix = by_id(campaign), f"/{number:03d}/"
    asked = [t.sample for k, t in backend.tasks.items() if prefix in k and t.kind == "selected"]
    assert Counter(samples[name].named_groups[0] for name in asked).most_common(1)[0][1] == 1
    assert len(asked) == 4


def test_doctor_proves_it_and_names_what_is_torn(campaign: Campaign) -> None:
    assert doctor(campaign, "groups") == (True, "12 groups, none on both sides")
    assert doctor(campaign, "query.budget") == (True, "4 of 36 samples left")
    set_params(campaign.root, query={**GROUPED["query"], "budget": 20})
    assert doctor(campaign, "query.budget") == (
        True,
        "20 of 36 samples left; query.per_group leaves 9 of them for the next round",
    )
    samples = read_samples(campaign.samples)
    one = next(s for s in samples if s.split == "pool")
    turned = [replace(s, split="holdout") if s == one else s for s in samples]
    write_samples(campaign.samples, turned)
    well, text = doctor(campaign, "groups")
    assert not well
    assert text == f"12 groups, 1 on both sides: '{one.named_groups[0]}'"


def test_a_rule_that_is_set_late_is_applied_to_what_was_there(tmp_path: Path) -> None:
    """Their manifests have no groups; the places where images were found name them."""
    photos(tmp_path / "images", range(6), 5, 0)
    made = new_campaign.init(tmp_path / "made", config.parse(SETTINGS))
    new_campaign.add_images(made.root, [str(tmp_path / "images")], lambda step: None)
    assert campaign_status.status(snapshots.read(made.root)).groups is None
    assert "groups" not in campaign_status.status(snapshots.read(made.root)).as_json()
    set_params(made.root, ingest={**SETTINGS["ingest"], "group": {"folder": 1}})
    well, text = doctor(made, "groups")
    assert not well
    assert text.startswith("6 groups, ")


def test_fewer_picks_than_the_budget_are_told(
    campaign: Campaign, flows, backend: WatchedFiles, capfd: pytest.CaptureFixture[str]
) -> None:
    set_params(campaign.root, query={**GROUPED["query"], "budget": 20})
    flows.run(str(campaign.root))
    assert len([t for t in backend.tasks.values() if t.kind == "selected"]) == 9
    out, err = capfd.readouterr()
    text = (
        "query.per_group: 1 leaves 9 samples to pick, and query.budget is 20: this round asks for"
    )
    assert text in " ".join((out + err).split())
