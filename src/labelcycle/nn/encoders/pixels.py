"""Raw pixels, reduced by principal components: the baseline of all trained encoders.

No paper: every other encoder has to beat it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.nn.array_files import Arrays
from labelcycle.nn.encoders import Fitting, Images
from labelcycle.nn.pca import principal_components
from labelcycle.nn.progress import Progress, TrainingState

if TYPE_CHECKING:
    import torch

TORCH = False

MAX_SIDE = 32
FIT_ROWS = 5000
"""Images from which the components are computed; more hardly turn them and cost n squared."""


class Options(base.Options):
    """Options of the encoder `pixels`."""

    components: int = Field(128, ge=1, le=4096, description="principal components that are kept")


class Pixels:
    """Projection of centred pixels (scaled to 0..1) on principal components.

    mean : (d,) float32; components : (k, d) float32, orthonormal rows
    """

    def __init__(
        self, image_size: int, mean: NDArray[np.float32], components: NDArray[np.float32]
    ) -> None:
        self.image_size = image_size
        self._mean = mean
        self._components = components

    @property
    def width(self) -> int:
        """Number of components."""
        return len(self._components)

    def embed(self, images: Images) -> NDArray[np.float32]:
        """(b, width) float32: the principal components of the images."""
        features = (_rows(images) - self._mean) @ self._components.T
        return np.ascontiguousarray(features, dtype=np.float32)

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """Image size, and the arrays `mean` and `components`."""
        return {"image_size": self.image_size}, {
            "mean": self._mean,
            "components": self._components,
        }


def default_size(side: int, options: Options) -> int:  # noqa: ARG001 - the contract's signature
    """The images' own side, at most 32."""
    return min(side, MAX_SIDE)


def fit(
    images: Images,
    options: Options,
    seed: int,
    device: "torch.device | None",  # noqa: ARG001 - small enough for the CPU
    resume: TrainingState | None = None,  # noqa: ARG001 - nothing to resume
) -> Fitting:
    """Components of the images, by falling variance; memory O(min(n, d)^2), n at most 5,000."""
    rows = np.random.default_rng(seed).permutation(len(images))[:FIT_ROWS]
    data = _rows(images[np.sort(rows)]).astype(np.float64)
    mean = data.mean(axis=0)
    components = principal_components(data - mean, options.components)
    yield Progress(1, 1)
    return Pixels(images.shape[1], mean.astype(np.float32), components.astype(np.float32))


def rebuild(
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    device: "torch.device | None",  # noqa: ARG001 - small enough for the CPU
) -> Pixels:
    """The encoder that gave this state."""
    return Pixels(meta["image_size"], arrays["mean"], arrays["components"])


def _rows(images: Images) -> NDArray[np.float32]:
    flat = images.reshape(len(images), int(np.prod(images.shape[1:])))
    return flat.astype(np.float32) / np.float32(255)
