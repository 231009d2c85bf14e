"""Twins: the same picture written in two ways, told from pictures that only look alike."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from labelcycle.decoding import fingerprints
from labelcycle.ingest import near_duplicates


def photo(seed: int, width: int = 200, height: int = 150) -> Image.Image:
    """Something with large and small shapes, as photographs have."""
    rng = np.random.default_rng(seed)
    whole = np.zeros((height, width, 3))
    for cells in (3, 9, 27):
        part = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), np.uint8))
        whole += np.asarray(part.resize((width, height), Image.Resampling.BICUBIC)) / 3
    return Image.fromarray(whole.astype(np.uint8))


def again(image: Image.Image, kind: str, **options: Any) -> Image.Image:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def found(images: Sequence[Image.Image]) -> dict[str, str]:
    ids = [f"{n:02d}" for n in range(len(images))]
    small = np.stack([fingerprints.small(each) for each in images])
    sizes = [each.size for each in images]
    return near_duplicates.groups(ids, sizes, small, lambda name: images[int(name)])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 75}),
        ("WEBP", {"quality": 80}),
        ("AVIF", {"quality": 75}),
    ],
)
def test_a_picture_written_again_is_a_twin(kind: str, options: dict[str, Any]) -> None:
    images = [photo(seed) for seed in range(6)]
    assert found([*images, again(images[2], kind, **options)]) == {"02": "02", "06": "02"}


def test_three_of_a_kind_are_one_group() -> None:
    image = photo(0)
    written = [again(image, "JPEG", quality=q) for q in (95, 80)]
    assert set(found([image, photo(1), *written]).items()) == {
        ("00", "00"),
        ("02", "00"),
        ("03", "00"),
    }


def brighter(image: Image.Image) -> Image.Image:
    return image.point([min(level + 1, 255) for level in range(256)] * 3)


@pytest.mark.parametrize("old", ["first", "last", "two"])
def test_many_new_copies_do_not_hide_their_old_twin(old: str) -> None:
    """The nearest of each new copy are the other new ones."""
    image = photo(5)
    other = brighter(image)
    copies = [again(other, "JPEG", quality=q) for q in range(90, 97)]
    before = [image, again(image, "PNG")] if old == "two" else [image]
    images = [*copies, *before] if old == "last" else [*before, *copies]
    ids = [f"{n:02d}" for n in range(len(images))]
    settled = {name: "old" for name in ids if images[int(name)] in before}
    groups = near_duplicates.joined(
        ids,
        [each.size for each in images],
        np.stack([fingerprints.small(each) for each in images]),
        lambda name: images[int(name)],
        settled,
    )
    assert groups == {name: ("old",) for name in ids if name not in settled}


def moved(image: Image.Image) -> Image.Image:
    return image.transform(image.size, Image.Transform.AFFINE, (1, 0, 1, 0, 1, 0))


def with_a_bird(image: Image.Image) -> Image.Image:
    other = image.copy()
    other.paste("black", (90, 70, 100, 78))
    return other


def in_grey(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


@pytest.mark.parametrize("change", [moved, with_a_bird, in_grey, Image.Image.transpose])
def test_what_differs_to_the_eye_is_no_twin(change: Any) -> None:
    image = photo(3)
    other = image.transpose(0) if change is Image.Image.transpose else change(image)
    assert found([image, other, photo(4)]) == {}


def brightened(image: Image.Image) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(1.15)


RESIZED = [(100, 75), (150, 113), (400, 300)]


@pytest.mark.parametrize("how", ["BOX", "BILINEAR", "BICUBIC", "LANCZOS"])
@pytest.mark.parametrize("size", RESIZED)
def test_a_picture_at_another_size_is_a_twin(size: tuple[int, int], how: str) -> None:
    images = [photo(seed) for seed in range(6)]
    copy = brightened(images[2]).resize(size, Image.Resampling[how])
    assert found([*images, again(copy, "JPEG", quality=80)]) == {"02": "02", "06": "02"}


def test_a_picture_that_is_a_little_brighter_is_a_twin() -> None:
    images = [photo(seed) for seed in range(6)]
    assert found([*images, brightened(images[2])]) == {"02": "02", "06": "02"}


def test_a_picture_of_another_contrast_is_no_twin() -> None:
    faint = ImageEnhance.Contrast(photo(1)).enhance(0.6)
    assert found([photo(1), photo(2), faint]) == {}


@pytest.mark.parametrize("size", [(150, 150), (100, 80)])
def test_a_stretched_picture_is_no_twin(size: tuple[int, int]) -> None:
    assert found([photo(1), photo(1).resize(size)]) == {}


def test_black_frames_are_no_twins() -> None:
    rng = np.random.default_rng(0)
    frames = [Image.fromarray(rng.integers(0, 4, (40, 40, 3), np.uint8)) for _ in range(5)]
    assert found(frames) == {}
