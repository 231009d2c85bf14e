"""What is told of cohorts that look different; a campaign of features and tiny images."""

from pathlib import Path

import made_records
import numpy as np
import pytest
from PIL import Image

from labelcycle.campaign.numpy_files import write_array
from labelcycle.campaign.round_states import PLAN, State
from labelcycle.campaign.sample_files import Sample, read_samples, write_samples
from labelcycle.cycle import campaign_status, cohort_drift
from labelcycle.rounds.snapshots import Snapshot


def grown(root: Path, sizes: list[int], shift: float) -> Snapshot:
    """Cohorts of so many samples, of which the features of the last are shifted."""
    now = made_records.snapshot(root, State.PLANNED, 1)
    samples, rng = [], np.random.default_rng(0)
    features: dict[str, np.ndarray] = {}
    for cohort, size in enumerate(sizes):
        now.campaign.cohort_images(cohort).mkdir(parents=True)
        for place in range(size):
            name = f"{len(samples):016x}"
            split = "holdout" if place % 5 == 0 else "pool"
            file = f"{cohort:03d}/{name}.png"
            samples.append(Sample(name, file, f"in/{cohort}-{place}.png", split, 2, 2))  # type: ignore[arg-type]
            Image.new("RGB", (2, 2)).save(now.campaign.images / file)
            moved = shift * (cohort == len(sizes) - 1)
            features[name] = rng.normal(size=4) + np.array([moved, 0, 0, 0])
    write_samples(now.campaign.samples, samples)
    for split in ("pool", "holdout"):
        ids = [sample.id for sample in read_samples(now.campaign.samples, split)]
        array = np.array([features[name] for name in ids], dtype=np.float32)
        write_array(now.campaign.split_features(split), array)
    made_records.plan(cohorts=1).write(now.campaign.round(0) / PLAN)
    made_records.plan(round=1, cohorts=len(sizes)).write(now.campaign.round(1) / PLAN)
    return now


def test_a_cohort_that_looks_different_is_told_with_its_most_unusual_images(
    tmp_path: Path,
) -> None:
    now = grown(tmp_path, [60, 30], 2.0)
    (line,) = cohort_drift.lines(now)
    path = now.campaign.unusual / "001.png"
    assert line == (
        "cohort 1 looks different from the images before (p = 0.001): a change of the accuracy may"
        f" come from that; its 16 most unusual images in {path}"
    )
    found = campaign_status._drift(now.campaign, 1)
    assert found
    assert (f"{found.p:.2g}", found.different) == ("0.001", True)
    with Image.open(path) as sheet:
        assert sheet.width > 400


def test_a_cohort_that_looks_alike_is_told_in_a_line(tmp_path: Path) -> None:
    now = grown(tmp_path, [60, 30], 0.0)
    (line,) = cohort_drift.lines(now)
    assert line.startswith("cohort 1 looks like the images before (p = 0.")
    found = campaign_status._drift(now.campaign, 1)
    assert found
    assert not found.different
    assert line == f"cohort 1 {found.summary}"
    sheet = now.campaign.unusual_sheet(1)
    assert not sheet.exists()
    sheet.touch()  # of a cohort 1 before a rollback
    cohort_drift.lines(now)
    assert not sheet.exists()


def test_each_new_cohort_is_compared_with_all_before_it(tmp_path: Path) -> None:
    first, second = cohort_drift.lines(grown(tmp_path, [60, 30, 30], 2.0))
    assert first.startswith("cohort 1 looks like")
    assert second.startswith("cohort 2 looks different")


def test_a_few_images_are_not_compared(tmp_path: Path) -> None:
    assert cohort_drift.lines(grown(tmp_path, [60, 4], 9.0)) == []


def test_what_cannot_be_compared_stops_nothing(tmp_path: Path) -> None:
    now = grown(tmp_path, [60, 30], 2.0)
    for path in now.campaign.cohort_images(1).iterdir():
        path.write_bytes(b"damaged")
    (line,) = cohort_drift.lines(now)
    assert line.startswith("new images were not compared with those before: ")


def test_the_first_round_has_nothing_before(tmp_path: Path) -> None:
    now = made_records.snapshot(tmp_path, State.PLANNED, 0)
    assert cohort_drift.lines(now) == []


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_the_most_unusual_come_first(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohort_drift, "ROWS", block)
    rng = np.random.default_rng(0)
    before, own = rng.normal(size=(40, 3)), rng.normal(size=(9, 3))
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (before, own)]
    nearest = [max(float(a @ b) for b in unit[0]) for a in unit[1]]
    assert cohort_drift.unusual(before, own).tolist() == sorted(range(9), key=nearest.__getitem__)
