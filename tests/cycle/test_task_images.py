"""Where the image of a task comes from, by `push.images`."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from buckets import Bucket
from PIL import Image

from labelcycle import config, decoding
from labelcycle.adapters.ports import Address
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.cycle import task_images
from labelcycle.cycle.labelled_neighbours import Neighbour
from labelcycle.errors import DataError, SettingsError
from labelcycle.rounds.snapshots import Snapshot

SAMPLE = Sample("0123456789abcdef", "0123456789abcdef.png", "in/a.png", "pool", 4, 3)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = Campaign(tmp_path)
    made.images.mkdir(parents=True)
    (made.images / SAMPLE.file).write_bytes(decoding.png_bytes(Image.new("RGB", (4, 3), "red")))
    return made


def snapshot(campaign: Campaign, **push: Any) -> Snapshot:
    settings = config.parse({"push": {"min_side": 32, **push}}, parts=False)
    return cast(Snapshot, SimpleNamespace(campaign=campaign, config=settings))


def test_media_is_a_file_of_the_media_folder(campaign: Campaign) -> None:
    file = task_images.image(snapshot(campaign), SAMPLE)
    assert file == campaign.media / "images" / f"{SAMPLE.id}-32.png"
    with Image.open(file) as shown:
        assert shown.size == (43, 32)


def test_an_image_whose_drawing_a_power_cut_left_empty_is_drawn_anew(campaign: Campaign) -> None:
    file = campaign.media / "images" / f"{SAMPLE.id}-32.png"
    file.parent.mkdir(parents=True)
    file.touch()
    assert task_images.image(snapshot(campaign), SAMPLE) == file
    assert file.stat().st_size


def samples(campaign: Campaign, count: int) -> list[tuple[Sample, tuple[Neighbour, ...]]]:
    """Images of different shades, none with a context."""
    found = []
    for shade in range(count):
        sample = replace(SAMPLE, id=f"{shade:016x}", file=f"{shade:016x}.png")
        picture = decoding.png_bytes(Image.new("L", (4, 3), shade))
        (campaign.images / sample.file).write_bytes(picture)
        found.append((sample, ()))
    return found


def test_many_are_drawn_in_their_order_without_a_sync_of_each(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(file: int) -> None:
        raise AssertionError("a file that can be drawn again was synced alone")

    monkeypatch.setattr(os, "fsync", never)
    shown = samples(campaign, 40)[::-1]
    now = snapshot(campaign)
    files = task_images.images(now, shown)
    assert files == [campaign.media / "images" / f"{sample.id}-32.png" for sample, _ in shown]
    for shade, file in enumerate(reversed(files)):
        assert isinstance(file, Path)
        with Image.open(file) as drawn:
            assert drawn.getpixel((20, 16)) == (shade,) * 3
    assert task_images.images(now, []) == []


@pytest.mark.parametrize("broken", [DataError("no image"), KeyboardInterrupt("stopped")])
def test_what_cannot_be_drawn_is_named_and_nothing_more_is_drawn(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, broken: BaseException
) -> None:
    shown, drawn, over = samples(campaign, 50), list[str](), threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            over.set()
            super().shutdown(wait=wait)

    def draw(snapshot: Snapshot, sample: Sample, context: tuple[Neighbour, ...]) -> Path:
        drawn.append(sample.id)
        if sample == shown[0][0]:
            raise broken
        assert over.wait(60)
        return Path(sample.file)

    monkeypatch.setattr(task_images, "cores", lambda: 2)
    monkeypatch.setattr(task_images, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(task_images, "image", draw)
    with pytest.raises(type(broken), match=str(broken)):
        task_images.images(snapshot(campaign), shown)
    assert len(drawn) <= 3  # those that were begun


def test_s3_is_the_same_picture_in_the_bucket(campaign: Campaign, bucket: Bucket) -> None:
    where = f"s3://{bucket.name}/some/where/"
    chosen = snapshot(campaign, images="s3", bucket=where, presign_minutes=7)
    wanted = Address(f"{where}{SAMPLE.id}-32.png", 7)
    assert task_images.image(chosen, SAMPLE) == task_images.image(chosen, SAMPLE) == wanted
    assert bucket.keys() == [f"some/where/{SAMPLE.id}-32.png"]
    stored = bucket.client.get_object(Bucket=bucket.name, Key=bucket.keys()[0])
    file = task_images.image(snapshot(campaign), SAMPLE)
    assert isinstance(file, Path)
    with stored["Body"] as body:
        assert body.read() == file.read_bytes()
    assert stored["ContentType"] == "image/png"


def test_source_is_the_own_address_or_an_error(campaign: Campaign) -> None:
    chosen = snapshot(campaign, images="source")
    address = "https://x.org/a%20b.png"
    assert task_images.image(chosen, replace(SAMPLE, source=address)) == Address(address)
    with pytest.raises(
        SettingsError,
        match=r"^params\.yaml: push\.images: .* 0123456789abcdef is from 'in/a\.png'; write media",
    ):
        task_images.image(chosen, SAMPLE)


@pytest.mark.parametrize("bucket", ["", "s3://", "photos", "s3://Big", "s3://ok/a b", "s3://ok//a"])
def test_images_in_s3_need_a_bucket(bucket: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^params\.yaml: push\.bucket: wanted s3://bucket or s3://buck"
    ):
        config.parse({"push": {"images": "s3", "bucket": bucket}}, parts=False)
