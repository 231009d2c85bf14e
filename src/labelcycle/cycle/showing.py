"""Where annotators' browsers get the image of a task from."""

from pathlib import Path

from labelcycle import imaging
from labelcycle.adapters import s3
from labelcycle.cycle.standing import Standing
from labelcycle.errors import SettingsError
from labelcycle.ports import Address
from labelcycle.store import Sample, write_bytes

WEB = ("http://", "https://")


def image(standing: Standing, sample: Sample) -> Path | Address:
    """The image of a task, as `push.images` says: a file of the media folder, or an address.

    In S3 it is stored by the time this returns. Raises SettingsError if it is to be shown at its
    source, which is no web address.
    """
    push = standing.config.push
    if push.images == "source":
        return _source(sample)
    file = _enlarged(standing, sample)
    if push.images == "media":
        return file
    address = f"{push.bucket.rstrip('/')}/{file.name}"
    s3.put(address, file.read_bytes(), "image/png")
    return Address(address, push.presign_minutes)


def _source(sample: Sample) -> Address:
    if not sample.source.startswith(WEB):
        raise SettingsError(
            "params.yaml: push.images: source shows each image at its own web address, but sample"
            f" {sample.id} is from {sample.source!r}; write media or s3"
        )
    return Address(sample.source)


def _enlarged(standing: Standing, sample: Sample) -> Path:
    """The image as the model sees it, enlarged to a legible size."""
    side = standing.config.push.min_side
    path = standing.campaign.media / "images" / f"{sample.id}-{side}.png"
    if not path.exists():
        data = (standing.campaign.images / sample.file).read_bytes()
        decoded = imaging.decode(data, standing.config.ingest.max_pixels).image
        write_bytes(path, imaging.png_bytes(imaging.enlarge(decoded, side)))
    return path
