"""What an ingest has DVC keep and where that goes, told by what DVC was told."""

from collections.abc import Callable
from pathlib import Path

import pytest
from squares import make_images

from labelcycle.adapters.dvc import commands
from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import new_campaign
from labelcycle.errors import StateError
from labelcycle.ingest.ingest_images import Report

pytestmark = pytest.mark.slow


@pytest.fixture
def told(opened: Campaign, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What DVC is told, in order; it keeps all that is there at first."""
    said: list[object] = []

    def add(root: Path, paths: list[str]) -> None:
        said.append(paths)
        for path in paths:
            files = len(list((root / path).glob("*.png")))
            text = f"outs:\n- md5: 0123.dir\n  nfiles: {files}\n  path: '{Path(path).name}'\n"
            (root / f"{path}.dvc").write_text(text)

    monkeypatch.setattr(commands, "add", add)
    add(opened.root, ["data/images/000", "data/samples"])
    said.clear()
    return said


def grow(campaign: Campaign, count: int, seed: int) -> Report:
    folder = campaign.root.parent / "more"
    make_images(folder, count, seed)
    return new_campaign.add_images(campaign.root, [str(folder)], lambda step: None)


def test_only_folders_with_new_images_are_added(opened: Campaign, told: list[object]) -> None:
    assert grow(opened, 5, 1).cohort == 1
    assert told == [["data/samples", "data/images/001"]]
    told.clear()
    for number in range(2):
        next(opened.cohort_images(number).iterdir()).write_bytes(b"damaged")
    assert grow(opened, 0, 1).cohort is None
    assert told == []
    (opened.images / "001.dvc").unlink()  # killed before DVC had it
    assert grow(opened, 0, 1).cohort is None
    assert told == [["data/samples", "data/images/001"]]


def test_a_manifest_that_changed_since_the_plan_is_not_made_official(
    opened: Campaign, told: list[object]
) -> None:
    path = sample_files.manifest(opened.samples, 0)
    path.write_text(path.read_text().replace('"holdout"', '"pool"', 1))
    with pytest.raises(StateError, match=r"data/samples/000.jsonl changed since .* put it back"):
        grow(opened, 5, 1)
    assert told == []
    assert not opened.cohort_images(1).exists()


def test_an_ingest_goes_to_the_remote_and_one_that_was_killed_before_it_later(
    opened: Campaign, told: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(root: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "has_remote", lambda root: True)
    monkeypatch.setattr(commands, "push", killed)
    with pytest.raises(KeyboardInterrupt):
        grow(opened, 5, 1)
    told.clear()
    pushes: Callable[[Path], None] = lambda root: told.append("push")  # noqa: E731
    monkeypatch.setattr(commands, "push", pushes)
    assert grow(opened, 0, 1).cohort is None
    assert told == ["push"]


def test_a_plan_adds_the_folders_that_dvc_lacks(
    opened: Campaign, told: list[object], flows, answer_all: Callable[[], None]
) -> None:
    assert grow(opened, 5, 1).cohort == 1
    assert grow(opened, 5, 2).cohort == 2
    (opened.images / "002.dvc").unlink()  # killed before DVC had it
    answer_all()
    flows.run(str(opened.root))
    told.clear()
    flows.open_now(str(opened.root))
    assert ["data/samples", "data/images/002"] in told
