"""Where the image of a task comes from, by `push.images`."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from buckets import Bucket
from PIL import Image

from labelcycle import config, imaging
from labelcycle.cycle import showing
from labelcycle.cycle.standing import Standing
from labelcycle.errors import SettingsError
from labelcycle.ports import Address
from labelcycle.store import Campaign, Sample

SAMPLE = Sample("0123456789abcdef", "0123456789abcdef.png", "in/a.png", "pool", 4, 3)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    made = Campaign(tmp_path)
    made.images.mkdir(parents=True)
    (made.images / SAMPLE.file).write_bytes(imaging.png_bytes(Image.new("RGB", (4, 3), "red")))
    return made


def standing(campaign: Campaign, **push: Any) -> Standing:
    settings = config.parse({"push": {"min_side": 32, **push}}, parts=False)
    return cast(Standing, SimpleNamespace(campaign=campaign, config=settings))


def test_media_is_a_file_of_the_media_folder(campaign: Campaign) -> None:
    file = showing.image(standing(campaign), SAMPLE)
    assert file == campaign.media / "images" / f"{SAMPLE.id}-32.png"
    with Image.open(file) as shown:
        assert shown.size == (43, 32)


def test_s3_is_the_same_picture_in_the_bucket(campaign: Campaign, bucket: Bucket) -> None:
    where = f"s3://{bucket.name}/some/where/"
    chosen = standing(campaign, images="s3", bucket=where, presign_minutes=7)
    wanted = Address(f"{where}{SAMPLE.id}-32.png", 7)
    assert showing.image(chosen, SAMPLE) == showing.image(chosen, SAMPLE) == wanted
    assert bucket.keys() == [f"some/where/{SAMPLE.id}-32.png"]
    stored = bucket.client.get_object(Bucket=bucket.name, Key=bucket.keys()[0])
    file = showing.image(standing(campaign), SAMPLE)
    assert isinstance(file, Path)
    with stored["Body"] as body:
        assert body.read() == file.read_bytes()
    assert stored["ContentType"] == "image/png"


def test_source_is_the_own_address_or_an_error(campaign: Campaign) -> None:
    chosen = standing(campaign, images="source")
    address = "https://x.org/a%20b.png"
    assert showing.image(chosen, replace(SAMPLE, source=address)) == Address(address)
    with pytest.raises(
        SettingsError, match=r"0123456789abcdef is from 'in/a\.png'; write media or"
    ):
        showing.image(chosen, SAMPLE)


@pytest.mark.parametrize("bucket", ["", "s3://", "photos", "s3://Big", "s3://ok/a b", "s3://ok//a"])
def test_images_in_s3_need_a_bucket(bucket: str) -> None:
    with pytest.raises(
        SettingsError, match=r"push\.bucket: wanted s3://bucket or s3://bucket/pref"
    ):
        config.parse({"push": {"images": "s3", "bucket": bucket}}, parts=False)
