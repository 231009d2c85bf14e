"""How strongly each part of an image shows typical patches: seconds to learn, no GPU, no training.

Coates, Lee, Ng: An Analysis of Single-Layer Networks in Unsupervised Feature Learning, AISTATS
2011. It is a k-means dictionary of whitened patches (`nn/patch_dictionary.py`). As with all
encoders here, a few principal components are kept.

The paper brings every patch to mean 0 and deviation 1, which takes away how bright and how
colourful the image is. On photographs of skin, that is what tells classes apart. So mean and
deviation of each channel, in each quarter of the image, stand beside the patches (`colour`). On
grey images they cost a point, so there they are left out.
docs/decisions/0039-defaults-by-the-tables.md has the figures.
"""

from collections.abc import Generator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.threads import in_parallel, one_thread
from labelcycle.errors import SettingsError
from labelcycle.nn.array_files import Arrays
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.patch_dictionary import Dictionary, learn
from labelcycle.nn.pca import standardised_components
from labelcycle.nn.progress import Progress, TrainingState

if TYPE_CHECKING:
    import torch

TORCH = False

MAX_SIDE = 32
FIT_ROWS = 2000
"""Images from which the components are computed; more hardly turn them and cost n squared."""

META = ("image_size", "patch", "grid", "channels", "colour")
"""What `rebuild` needs beside arrays."""

COLOURS = 4 * 3 * 2
"""Quarters, channels, and two numbers for each."""

BLOCK = 50
"""Images between two signs of progress."""


class Options(base.Options):
    """Options of the encoder `patches`; time and memory grow with patch^2, centres and grid^2."""

    patch: int = Field(6, ge=2, le=16, description="side of a patch in pixels")
    centres: int = Field(128, ge=2, le=4096, description="patches in the dictionary, at most")
    grid: int = Field(4, ge=1, le=8, description="cells an image is cut into, each way")
    colour: float = Field(
        0.3,
        ge=0,
        le=100,
        description="what brightness and colour of the image's quarters count, over what all"
        " patches do; 0: nothing, as in the paper; grey images: nothing either",
    )
    components: int = Field(128, ge=2, le=4096, description="number of features, at most")
    drawn: int = Field(
        30_000, ge=100, le=1_000_000, description="patches drawn to learn the dictionary from"
    )


class Patches:
    """Principal components of an image's standardised cells and colours.

    meta : image_size, patch and grid of the options; channels, 1 where all images of the pool were
        grey, which a third of the values tells, else 3; colour, whether brightness and colour are
        there
    mean : (m,) float32, of cells and colours; components : (k, m) float32
    """

    def __init__(
        self,
        meta: Mapping[str, Any],
        dictionary: Dictionary,
        mean: NDArray[np.float32],
        components: NDArray[np.float32],
    ) -> None:
        self.image_size = int(meta["image_size"])
        self._meta = {key: meta[key] for key in META}
        self._dictionary = dictionary
        self._mean, self._components = mean, components

    @property
    def width(self) -> int:
        """Number of components."""
        return len(self._components)

    def embed(self, images: Images) -> NDArray[np.float32]:
        """(b, width) float32; each image by itself, so in the same bits alone and in a batch.

        Memory: 8 * places * centres bytes a core, places = (image_size - patch + 1)^2.
        """
        if not len(images):
            return np.empty((0, self.width), np.float32)
        with one_thread():
            return np.stack(in_parallel(self._features, list(images)))

    def _features(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        found = _described(image, self._dictionary, self._meta)
        return np.asarray(self._components @ (found - self._mean), dtype=np.float32)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """The sizes; the dictionary, and the statistics of the cells."""
        return self._meta, {
            "patch_mean": self._dictionary.mean,
            "whitening": self._dictionary.whitening,
            "centres": self._dictionary.centres,
            "mean": self._mean,
            "components": self._components,
        }


def default_size(side: int, options: Options) -> int:
    """The images' own side, at most 32, at least what patches and grid need."""
    return max(min(side, MAX_SIDE), _smallest(options))


def fit(
    images: Images,
    options: Options,
    seed: int,
    device: "torch.device | None",  # noqa: ARG001 - numpy on all cores
    resume: TrainingState | None = None,  # noqa: ARG001 - done in seconds
) -> Fitting:
    """Learn the dictionary, then the components of at most 2,000 images.

    Memory: 4 * images * centres * grid^2 bytes, images at most 2,000, some times.
    Raises SettingsError if the images are smaller than patches and grid need.
    """
    size = images.shape[1]
    if size < _smallest(options):
        raise SettingsError(
            f"pretrain.image_size is {size}: wanted {_smallest(options)} or more for patches of"
            f" {options.patch} pixels on a grid of {options.grid}; raise it (in an experiment"
            " data.size), or lower the encoder's options patch or grid"
        )
    grey = bool((images == images[..., :1]).all())
    meta = {
        "image_size": size,
        "patch": options.patch,
        "grid": options.grid,
        "channels": 1 if grey else 3,
        "colour": options.colour > 0 and not grey,
    }
    rng = np.random.default_rng(seed)
    shown = images[..., :1] if grey else images
    dictionary = learn(shown, options.patch, options.centres, options.drawn, rng)
    rows = np.sort(rng.permutation(len(images))[:FIT_ROWS])
    found = yield from _all_described(images[rows], dictionary, meta)
    weights = _weights(found.shape[1], COLOURS if meta["colour"] else 0, options.colour)
    mean, components = standardised_components(found, options.components, weights)
    return Patches(meta, dictionary, mean.astype(np.float32), components.astype(np.float32))


def rebuild(
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    device: "torch.device | None",  # noqa: ARG001 - numpy on all cores
) -> Patches:
    """The encoder that gave this state."""
    dictionary = Dictionary(arrays["patch_mean"], arrays["whitening"], arrays["centres"])
    return Patches(meta, dictionary, arrays["mean"], arrays["components"])


def _smallest(options: Options) -> int:
    """Side of the smallest image in which each cell has a place for a patch."""
    return options.patch + options.grid - 1


def _weights(columns: int, colours: int, weight: float) -> NDArray[np.float64]:
    """Such that the last `colours` columns have `weight` times the variance of all others."""
    weights = np.ones(columns)
    if colours:
        weights[-colours:] = np.sqrt(weight * (columns - colours) / colours)
    return weights


def _all_described(
    images: Images, dictionary: Dictionary, meta: Mapping[str, Any]
) -> Generator[Progress, None, NDArray[np.float32]]:
    """(n, m) float32, what all images show; a `Progress` a block."""
    starts = range(0, len(images), BLOCK)
    found = []
    for step, start in enumerate(starts, start=1):
        block = list(images[start : start + BLOCK])
        with one_thread():
            found += in_parallel(lambda image: _described(image, dictionary, meta), block)
        yield Progress(step, len(starts))
    return np.stack(found)


def _described(
    image: NDArray[np.uint8], dictionary: Dictionary, meta: Mapping[str, Any]
) -> NDArray[np.float32]:
    """(m,) float32: what each cell of one image shows, then its colours if the encoder has them."""
    if meta["channels"] == 1:
        image = image.mean(axis=-1, keepdims=True).astype(np.uint8)
    cells = dictionary.pooled(image, meta["patch"], meta["grid"])
    if not meta["colour"]:
        return cells
    return np.concatenate([cells, _colours(image)])


def _colours(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(COLOURS,): mean and deviation of each channel in each quarter, in 0..1."""
    middle = image.shape[0] // 2
    quarters = [image[rows, columns] for rows, columns in product(_halves(middle), repeat=2)]
    flat = [quarter.reshape(-1, image.shape[2]) / 255 for quarter in quarters]
    numbers = [(x.mean(axis=0), x.std(axis=0)) for x in flat]
    return np.array(numbers, dtype=np.float32).ravel()


def _halves(middle: int) -> tuple[slice, slice]:
    return slice(0, middle), slice(middle, None)
