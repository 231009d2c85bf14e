"""How surely the same picture is known again, and how often another one is taken for it.

    python benchmarks/near_duplicates.py [--images 10000] [--altered 500] [--into TABLE.json]

The images are those of CIFAR-10's and Fashion-MNIST's test sets and of HAM10000; none is there
twice, byte by byte. `joined` counts those of a set that are joined with another one. Some of these
do show the same thing, so it is the most that a method may have wrong. The other columns are the
share of some altered copies that are joined with their original, and `other` the share of all
copies that are joined with another picture as well.

    labelcycle         as `labelcycle ingest` does it
    phash-N, dhash-N   hashes of N by N bits, as the library imagehash makes them, that differ in
                       a given number of bits at most

benchmarks/label_sets.py says where the shared folder is.
"""

import argparse
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from label_sets import Folders, add_folders, loader
from measured import where
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from results_file import Figure, Layout, add_into, save
from scipy.fft import dct

from labelcycle.decoding import fingerprints
from labelcycle.ingest import near_duplicates

Picture = Image.Image
Found = list[set[int]]
"""Of each altered copy the originals that it is joined with."""

Find = Callable[[Sequence[Picture]], Found]
Method = Callable[[Sequence[Picture]], tuple[int, Find]]
"""From originals to how many are joined with others, and to what finds those of copies."""


def again(image: Picture, kind: str, **options: Any) -> Picture:
    """The picture, written and read."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def scaled(image: Picture, by: float, how: str) -> Picture:
    """The picture at another size. Programs resample in several ways, so all are tried."""
    size = round(image.width * by), round(image.height * by)
    return image.resize(size, Image.Resampling[how])


ALTERED: Mapping[str, Callable[[Picture], Picture]] = {
    "half": lambda image: scaled(image, 0.5, "LANCZOS"),
    "0.75": lambda image: scaled(image, 0.75, "BILINEAR"),
    "double": lambda image: scaled(image, 2, "BICUBIC"),
    "q60": lambda image: again(image, "JPEG", quality=60),
    "jpeg": lambda image: again(image, "JPEG", quality=90),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.15),
    "half, q60": lambda image: again(scaled(image, 0.5, "LANCZOS"), "JPEG", quality=60),
}

LAYOUT = Layout(
    "Pictures that are known again",
    ["data", "method"],
    [
        Figure("joined"),
        *(Figure(name, digits=1, times=100) for name in ALTERED),
        Figure("other", digits=2, times=100),
    ],
    names={
        "joined": "images joined with another",
        "half": "half the size, %",
        "0.75": "0.75 of it, %",
        "double": "double, %",
        "q60": "JPEG 60, %",
        "jpeg": "JPEG 90, %",
        "brighter": "15 % brighter, %",
        "half, q60": "half, JPEG 60, %",
        "other": "copies joined with others, %",
    },
)


# --- the methods ---------------------------------------------------------------------------


def labelcycle(originals: Sequence[Picture]) -> tuple[int, Find]:
    """As an ingest does it: the originals among themselves, then copies that come in later."""
    ids = [f"{number:06d}" for number in range(len(originals))]
    sizes = [image.size for image in originals]
    small = np.stack([fingerprints.small(image) for image in originals])
    groups = near_duplicates.groups(ids, sizes, small, lambda name: originals[int(name)])

    def find(copies: Sequence[Picture]) -> Found:
        images = dict(zip(ids, originals, strict=True))
        settled = {name: name for name in ids}
        new = [f"new {number}" for number in range(len(copies))]
        images |= zip(new, copies, strict=True)
        joined = near_duplicates.joined(
            [*ids, *new],
            [*sizes, *(image.size for image in copies)],
            np.concatenate([small, [fingerprints.small(image) for image in copies]]),
            lambda name: images[name],
            settled,
        )
        return [{int(own) for own in joined.get(name, ()) if own in settled} for name in new]

    return len(groups), find


def phash(image: Picture, side: int) -> NDArray[np.bool_]:
    """imagehash.phash."""
    grey = image.convert("L").resize((4 * side, 4 * side), Image.Resampling.LANCZOS)
    waves = dct(dct(np.asarray(grey, np.float64), axis=0), axis=1)[:side, :side]
    return np.ravel(waves > np.median(waves))


def dhash(image: Picture, side: int) -> NDArray[np.bool_]:
    """imagehash.dhash."""
    grey = image.convert("L").resize((side + 1, side), Image.Resampling.LANCZOS)
    pixels = np.asarray(grey, np.int16)
    return np.ravel(pixels[:, 1:] > pixels[:, :-1])


def hashed(make: Callable[[Picture, int], NDArray[np.bool_]], side: int, bits: int) -> Method:
    """A method that joins pictures whose hashes differ in so many bits at most."""
    least = side * side - 2 * bits  # the product of hashes that differ in `bits`

    def signs(images: Sequence[Picture]) -> NDArray[np.float32]:
        return np.stack([make(image, side) for image in images]).astype(np.float32) * 2 - 1

    def method(originals: Sequence[Picture]) -> tuple[int, Find]:
        old = signs(originals)

        def near(some: NDArray[np.float32]) -> Found:
            parts = (some[start : start + 1000] @ old.T for start in range(0, len(some), 1000))
            return [set(np.flatnonzero(row >= least).tolist()) for part in parts for row in part]

        return sum(len(each) > 1 for each in near(old)), lambda copies: near(signs(copies))

    return method


METHODS: Mapping[str, Method] = {
    "labelcycle": labelcycle,
    "phash-8, 4 bits": hashed(phash, 8, 4),
    "phash-8, 8 bits": hashed(phash, 8, 8),
    "phash-16, 16 bits": hashed(phash, 16, 16),
    "phash-16, 32 bits": hashed(phash, 16, 32),
    "dhash-8, 4 bits": hashed(dhash, 8, 4),
    "dhash-16, 16 bits": hashed(dhash, 16, 16),
    "dhash-16, 32 bits": hashed(dhash, 16, 32),
}


# --- the sets ------------------------------------------------------------------------------


def cifar10(folders: Folders) -> Sequence[Any]:
    """Its test set."""
    return loader(folders).cifar10("test")


def ham10000(folders: Folders) -> Sequence[Any]:
    """All of it."""
    return loader(folders).ham10000()[0]


def fashion(folders: Folders) -> Sequence[Any]:
    """Its test set."""
    pixels, labels = loader(folders).fashion_mnist("t10k")
    return [
        (Image.fromarray(one).convert("RGB"), label)
        for one, label in zip(pixels, labels, strict=True)
    ]


SETS = {"cifar10": cifar10, "fashion-mnist": fashion, "ham10000": ham10000}


def measured(originals: Sequence[Picture], method: str, count: int) -> dict[str, Any]:
    """What a method finds of a set, and of altered copies of `count` of its images."""
    rows = np.random.default_rng(0).permutation(len(originals))[:count].tolist()
    joined, find = METHODS[method](originals)
    figures: dict[str, Any] = {"joined": joined}
    others = []
    for name, change in ALTERED.items():
        found = find([change(originals[row]) for row in rows])
        figures[name] = float(np.mean([own in each for own, each in zip(rows, found, strict=True)]))
        others += [bool(each - {own}) for own, each in zip(rows, found, strict=True)]
    return figures | {"other": float(np.mean(others))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--altered", type=int, default=500)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=[*METHODS])
    parser.add_argument("--called", help="what the one method is called in the table")
    add_folders(parser)
    add_into(parser)
    arguments = parser.parse_args()
    folders = Folders(arguments.shared, arguments.cache)
    rows = []
    for data, read in SETS.items():
        images = read(folders)
        originals = [images[n][0] for n in range(min(arguments.images, len(images)))]
        for method in arguments.methods:
            facts = {"data": data, "method": arguments.called or method}
            row = facts | measured(originals, method, arguments.altered)
            rows.append(row)
            print(json.dumps(row), flush=True)
    print(where(images=arguments.images, altered=arguments.altered))
    if arguments.into:
        save(arguments.into, LAYOUT, rows, note=arguments.note)


if __name__ == "__main__":
    main()
