"""What `labelcycle doctor` looks at in a campaign, with the messages of what would fail later."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from buckets import Bucket
from params import set_params
from raised import told
from squares import SETTINGS, make_images
from websites import Page, served

from labelcycle import config
from labelcycle.adapters.cors import ALLOWS as OPEN
from labelcycle.adapters.local import health
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.numpy_files import write_arrays
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.withdrawn_record import Tombstone, WithdrawnRecord
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample, read_samples, write_samples
from labelcycle.cli import doctor_checks
from labelcycle.core.digests import file_digest
from labelcycle.cycle import new_campaign, round_opening
from labelcycle.errors import DataError
from labelcycle.rounds import snapshots


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, without_dvc: None) -> None:
    """No service is asked."""
    monkeypatch.setattr(health, "check", lambda: iter(()))


def campaign_with(folder: Path, **settings: object) -> Campaign:
    make_images(folder / "images")
    made = new_campaign.init(folder / "made", config.parse({**SETTINGS, **settings}))
    new_campaign.add_images(made.root, [str(folder / "images")], lambda step: None)
    return made


def line(campaign: Campaign, start: str) -> tuple[bool | None, str]:
    """Whether the check is well, and what it found."""
    found = [each for each in doctor_checks.all_checks(campaign.root) if each[0].startswith(start)]
    assert len(found) == 1
    return found[0][1], found[0][2]


def test_the_features_are_checked_as_pretrain_does(tmp_path: Path) -> None:
    made = campaign_with(tmp_path, pretrain={"encoder": "precomputed"})
    well, said = line(made, "pretrain.options.file, data/features.npz")
    assert not well
    assert said.startswith("cannot read data/features.npz: No such file")
    names = [Path(sample.source).name for sample in read_samples(made.samples)]
    rows = np.ones((len(names), 5), np.float32)
    file = made.data / "features.npz"
    write_arrays(file, files=np.array(names[1:]), features=rows[1:])
    well, said = line(made, "pretrain.options.file")
    assert (well, said[:27]) == (False, "no features for 1 of 30 sam")
    write_arrays(file, files=np.array(names), features=rows)
    expected = "30 rows of 5 features, named by the images' paths"
    assert line(made, "pretrain.options.file") == (True, expected)
    rows[3, 1] = np.nan
    write_arrays(file, files=np.array(names), features=rows)
    well, said = line(made, "pretrain.options.file")
    assert not well
    assert "got nan in row 3" in said


@pytest.mark.slow
def test_features_of_a_cohort_that_waits_are_asked_for_before_the_plan(tmp_path: Path) -> None:
    made = campaign_with(tmp_path, pretrain={"encoder": "precomputed"})
    names = [Path(sample.source).name for sample in read_samples(made.samples)]
    rows = np.ones((len(names), 5), np.float32)
    write_arrays(made.data / "features.npz", files=np.array(names), features=rows)
    first = {"000": file_digest(made.samples / "000.jsonl")}
    PoolRecord(first, first).write(made.pool)
    new = "0" * 16
    write_samples(made.samples, [Sample(new, f"001/{new}.png", "new.png", "pool", 1, 1)])
    text = f"no features for 1 of 31 samples: 'new.png' (id {new})"
    well, said = line(made, "pretrain.options.file")
    assert (well, said[: len(text)]) == (False, text)
    now = snapshots.read(made.root)
    assert told(DataError, lambda: round_opening.plan(now)).startswith(text)
    assert not (made.round(0) / "plan.json").exists()
    with contextlib.chdir(made.root):
        said = doctor_checks._read(replace(now, state=State.OPEN), now.config.pretrain, "")
    assert said == "30 rows of 5 features, named by the images' paths"  # the round goes without it


@pytest.mark.slow
def test_weights_are_read(tmp_path: Path) -> None:
    chosen = {"encoder": "resnet18", "options": {"file": "w.pth"}}
    made = campaign_with(tmp_path, pretrain=chosen)
    well, said = line(made, "pretrain.options.file, w.pth")
    assert not well
    assert "cannot read w.pth: wanted weights of resnet18, got" in said
    torch.save({"a": torch.zeros(1)}, made.root / "w.pth")
    assert line(made, "pretrain.options.file") == (True, "1 arrays of weights")


def test_wrong_options_of_the_encoder_do_not_end_the_checks(tmp_path: Path) -> None:
    made = campaign_with(tmp_path)
    set_params(made.root, pretrain={"encoder": "pixels", "options": {"component": 3}})
    well, said = line(made, "tree, settings")
    assert not well
    assert "pixels: component: unknown key" in said
    assert line(made, "query.budget")[0]


def test_the_budget_must_be_left(tmp_path: Path) -> None:
    made = campaign_with(tmp_path)
    assert line(made, "query.budget") == (True, "4 of 24 samples left")
    set_params(made.root, query={"budget": 25})
    well, said = line(made, "query.budget")
    assert not well
    assert said.startswith("query.budget must be in 1..24, the samples left in the pool (got 25)")


@pytest.mark.parametrize(
    ("backend", "well", "state"),
    [("files", True, "not running, and not needed"), ("label_studio", None, "not running")],
)
def test_servers_that_a_campaign_does_without_are_no_fault(
    backend: str, well: bool | None, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = [("MLflow", None, "not running", "start it"), ("Prefect", None, "not running", "")]
    monkeypatch.setattr(health, "check", lambda: off)
    made = campaign_with(tmp_path, push={"backend": backend})
    for server in ("MLflow", "Prefect"):
        assert line(made, server) == (well, state)


# --- images that are elsewhere -------------------------------------------------------------

STUDIO = "http://label-studio.example.org"


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABEL_STUDIO_HOST", f"{STUDIO}:80/")  # no part of an origin


@pytest.mark.slow
def test_a_website_must_allow_label_studio_s_pages(tmp_path: Path, studio: None) -> None:
    made = campaign_with(tmp_path, push={"backend": "label_studio", "images": "source"})
    with served({"/a.png": Page(b"x"), "/b.png": Page(b"x", headers={OPEN: STUDIO})}) as site:
        samples = read_samples(made.samples)
        write_samples(made.samples, [replace(s, source=f"{site.url}/a.png") for s in samples])
        found = [
            each for each in doctor_checks.all_checks(made.root) if each[0].startswith("push.")
        ]
        assert found == [
            (
                "push.images: source",
                False,
                f"annotators may not see {site.url}/a.png: answered with {OPEN}: nothing",
                f"its website must allow {STUDIO} or * by {OPEN}; else push.images: media or s3"
                " (docs/guides/images-elsewhere.md)",
            )
        ]
        write_samples(made.samples, [replace(s, source=f"{site.url}/b.png") for s in samples])
        assert line(made, "push.") == (True, f"{site.url}/b.png: browsers may load it")
        assert (site.asked, site.origins) == (["/a.png", "/b.png"], [STUDIO, STUDIO])


def test_a_bucket_must_be_there_and_open_to_browsers(
    tmp_path: Path, studio: None, bucket: Bucket
) -> None:
    where = f"s3://{bucket.name}/shown"
    made = campaign_with(
        tmp_path, push={"backend": "label_studio", "images": "s3", "bucket": where}
    )
    well, said = line(made, f"push.bucket, {where}")
    assert (well, said[:18]) == (True, "nothing in it yet;")
    bucket.put("shown/a.png", b"x")
    well, said = line(made, "push.bucket")
    assert not well
    assert said.endswith(f"see {where}/a.png: answered with {OPEN}: nothing")
    bucket.allow(STUDIO)
    assert line(made, "push.bucket") == (True, f"{where}/a.png: browsers may load it")
    set_params(made.root, push={"bucket": "s3://not-there/shown"})
    well, said = line(made, "push.bucket")
    assert not well
    assert "NoSuchBucket" in said


def test_folders_of_the_own_computer_are_not_asked(tmp_path: Path, studio: None) -> None:
    made = campaign_with(tmp_path)
    assert not [each for each in doctor_checks.all_checks(made.root) if each[0].startswith("push.")]


def test_what_is_left_of_withdrawn_samples_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a clone that pulled, or after one that had not pulled pushed by DVC."""
    made = campaign_with(tmp_path)
    names = [each[0] for each in doctor_checks.all_checks(made.root)]
    assert "withdrawn samples" not in names
    image, own = "a" * 32, "b" * 16
    stone = Tombstone("c" * 16, "", "2026-12-01T08:00:00+00:00", "x", "pool", 0, 0, False, True)
    WithdrawnRecord((stone,), {image: "", own: "d" * 16}).write(made.withdrawn)
    kept: dict[str, set[str]] = {"cache": set(), "remote": {image}}

    def store(kind: str) -> Callable[[Path], Any]:
        present = lambda oids: kept[kind] & set(oids)  # noqa: E731
        return lambda root: SimpleNamespace(kind=kind, present=present)

    for kind in kept:
        monkeypatch.setattr(doctor_checks.object_store, kind, store(kind))
    found = (False, "DVC's remote has 1 object with some of them")
    assert line(made, "withdrawn samples") == found
    kept["remote"] = {own}
    assert line(made, "withdrawn samples") == (True, "none is in DVC's cache or remote")
