"""Make the sample data again: 2,000 images of Fashion-MNIST, drawn at random from its train split.

    python examples/fashion/make.py --source FOLDER            writes images.tar.xz and truth.csv
    python examples/fashion/make.py --source FOLDER --sizes    prints what other packings would take

FOLDER holds `train-images-idx3-ubyte.gz` and `train-labels-idx1-ubyte.gz`, for instance
/usr/share/datasets/fashion-mnist after installing Debian's package `dataset-fashion-mnist`.

Nothing but truth.csv tells the class of an image: a file is named by the digest of its pixels, the
archive and the table are sorted by name, and the files are all of one size.
"""

import argparse
import bz2
import csv
import gzip
import hashlib
import io
import lzma
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HERE = Path(__file__).resolve().parent
SOURCES = {  # sha256 of the unpacked content, in Debian's package 0.0~git20200523.55506a9-1
    "train-images-idx3-ubyte.gz": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte.gz": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
}
COUNT = 2000
SEED = 0


def main() -> None:
    """Write the sample data, or print the sizes of packings."""
    parser = argparse.ArgumentParser(description="Make the sample data of labelcycle again.")
    parser.add_argument("--source", type=Path, required=True, help="folder of Fashion-MNIST")
    parser.add_argument("--target", type=Path, default=HERE, help="folder that is written")
    parser.add_argument("--sizes", action="store_true", help="print the sizes of packings only")
    arguments = parser.parse_args()
    pixels, labels = draw(arguments.source)
    if arguments.sizes:
        sys.stdout.write(sizes(pixels))
        return
    names = [file_name(image) for image in pixels]
    classes = (HERE / "classes.txt").read_text(encoding="utf-8").splitlines()
    files = dict(sorted(zip(names, (png(image) for image in pixels), strict=True)))
    truth = dict(sorted(zip(names, (classes[label] for label in labels), strict=True)))
    arguments.target.mkdir(parents=True, exist_ok=True)
    (arguments.target / "images.tar.xz").write_bytes(lzma.compress(tar(files), preset=9))
    with (arguments.target / "truth.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([("file", "label"), *truth.items()])


def draw(source: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(COUNT, 28, 28) and (COUNT,) uint8: distinct images of the train split and their classes."""
    raw_images, raw_labels = (read(source / name, digest) for name, digest in SOURCES.items())
    images = np.frombuffer(raw_images, np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(raw_labels, np.uint8, offset=8)
    rows = np.random.default_rng(SEED).choice(len(images), COUNT, replace=False)
    if len({file_name(image) for image in images[rows]}) < COUNT:
        raise SystemExit(f"seed {SEED} draws an image twice; wanted {COUNT} distinct ones")
    return images[rows], labels[rows]


def read(path: Path, digest: str) -> bytes:
    """The unpacked content of a file of the data set, checked."""
    content = gzip.decompress(path.read_bytes())
    if hashlib.sha256(content).hexdigest() != digest:
        raise SystemExit(f"{path} is not the file of Fashion-MNIST: wanted sha256 {digest}")
    return content


def file_name(image: NDArray[np.uint8]) -> str:
    """Name of an image by its pixels, so that no version of an encoder changes it."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:12] + ".png"


def png(image: NDArray[np.uint8], level: int = 0) -> bytes:
    """An image as PNG, by default stored: the archive around all of them compresses better."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=level, optimize=level > 0)
    return buffer.getvalue()


def tar(files: dict[str, bytes]) -> bytes:
    """A tar of files, without times or owners: the same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as target:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def sizes(pixels: NDArray[np.uint8]) -> str:
    """Lines of bytes that each packing takes."""
    optimised = dict(sorted((file_name(image), png(image, 9)) for image in pixels))
    stored = dict(sorted((file_name(image), png(image)) for image in pixels))
    folder = sum(len(zlib.compress(content)) for content in optimised.values())
    packings = {"folder of optimised PNGs, as git stores it": folder}
    for name, files in (("optimised", optimised), ("stored", stored)):
        packings[f"zip of {name} PNGs"] = len(zipped(files))
        packings[f"tar.gz of {name} PNGs"] = len(gzip.compress(tar(files)))
        packings[f"tar.bz2 of {name} PNGs"] = len(bz2.compress(tar(files)))
        packings[f"tar.xz of {name} PNGs"] = len(lzma.compress(tar(files), preset=9))
    return "".join(f"{size:>9,}  {name}\n" for name, size in packings.items())


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        for name, content in files.items():
            target.writestr(name, content)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
