"""Encoders: images to features. One module each; its name is the key in `params.yaml`.

A module is an encoder when it has what `EncoderModule` lists, or what `ReadyMadeModule` lists where
the features are there already; `names` finds it by itself.

No network is trained here (`nn.simclr` does), and none is written (`campaign.encoder_files`).
"""

from collections.abc import Generator, Mapping
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from labelcycle.core import registry
from labelcycle.errors import SettingsError
from labelcycle.nn.array_files import Arrays
from labelcycle.nn.features_file import FeatureTable
from labelcycle.nn.progress import Progress, TrainingState
from labelcycle.options import Options

Images = NDArray[np.uint8]
"""(n, s, s, 3) uint8, RGB squares."""


AUTO = "auto"
"""Instead of a name: the campaign's first round chooses one (`cycle/encoder_choice.py`)."""

ABOUT_AUTO = (
    "`auto` is a setting of a campaign and no encoder. With it, round 0 chooses an encoder for this"
    " machine and these images, and writes its name into params.yaml."
)

Device = Any
"""A torch.device; None for a module that says `TORCH = False`. Each module says which it takes."""


class Encoder(Protocol):
    """A fitted encoder."""

    @property
    def image_size(self) -> int:
        """Side in pixels of the squares that `embed` takes."""

    @property
    def width(self) -> int:
        """Number of features of an image."""

    def embed(self, images: Images) -> NDArray[np.float32]:
        """(b, width) float32: the features of `images`, each row from its own image alone."""

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """What `rebuild` needs: a value for JSON, and named arrays."""


@runtime_checkable
class ReadyMade(Protocol):
    """Features that go by the name of a sample and not by its pixels."""

    @property
    def image_size(self) -> int:
        """0, for no image is looked at."""

    @property
    def width(self) -> int:
        """Number of features of an image."""

    @property
    def table(self) -> FeatureTable:
        """The features and whose they are."""

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """As an `Encoder` has it."""


Fitting = Generator[Progress, None, Encoder]
"""A training under way: yields a `Progress` a step, returns the encoder."""


class EncoderModule(Protocol):
    """What a module in this package holds.

    One that computes without torch says `TORCH = False`. It is given None as its device, and the
    stages then run without importing torch, which takes seconds.
    """

    @property
    def Options(self) -> type[Options]:
        """Its settings."""

    def default_size(self, side: int, options: Any) -> int:
        """Image size where none is set; side : median of the images' shorter sides."""

    def fit(
        self,
        images: Images,
        options: Any,
        seed: int,
        device: Device,
        resume: TrainingState | None = None,
    ) -> Fitting:
        """Train on `images`; with `resume`, a snapshot of the same training, go on from there."""

    def rebuild(
        self,
        meta: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        device: Device,
    ) -> Encoder:
        """The encoder that gave this `state`."""


class ReadyMadeModule(Protocol):
    """What a module in this package holds whose features are there already."""

    @property
    def Options(self) -> type[Options]:
        """Its settings."""

    def ready_made(self, options: Any) -> ReadyMade:
        """The features that the options name."""

    def rebuild(
        self,
        meta: Mapping[str, Any],
        arrays: Mapping[str, NDArray[Any]],
        device: Device,
    ) -> ReadyMade:
        """The features that gave this `state`."""


def names() -> list[str]:
    """Every encoder, sorted."""
    return registry.names(__path__)


def check_setting(name: str) -> None:
    """Raise SettingsError, with the near names, if it is neither an encoder nor `auto`."""
    known = [AUTO, *names()]
    if name not in known:
        raise SettingsError(registry.unknown("encoder", name, known))


def that_see_images() -> list[str]:
    """Every encoder whose features are not there already, sorted."""
    return [name for name in names() if not is_ready_made(name)]


def is_ready_made(name: str) -> bool:
    """Whether its features are there already. Raises SettingsError if there is no such encoder."""
    return "ready_made" in registry.declared(__path__, name, "encoder")


def needs_torch(name: str) -> bool:
    """False if the module says `TORCH = False`. Raises SettingsError if there is no such encoder.

    >>> needs_torch("pixels")
    False
    """
    return registry.declared(__path__, name, "encoder").get("TORCH") is not False


def get_ready_made(name: str) -> ReadyMadeModule | None:
    """The module of an encoder whose features are there already; None if it is no such one."""
    if not is_ready_made(name):
        return None
    return cast(ReadyMadeModule, registry.get(__name__, __path__, name, "encoder"))


def get(name: str) -> EncoderModule | ReadyMadeModule:
    """The module of an encoder. Raises SettingsError with the near names if there is none."""
    module = registry.get(__name__, __path__, name, "encoder")
    return cast(EncoderModule | ReadyMadeModule, module)


def get_trainable(name: str) -> EncoderModule:
    """The module of an encoder that looks at images.

    Raises as `get` does, and SettingsError for one whose features are there already.
    """
    if is_ready_made(name):
        raise SettingsError(
            f"encoder {name} looks at no image, its features are there already: wanted one of"
            f" {', '.join(that_see_images())}"
        )
    return cast(EncoderModule, registry.get(__name__, __path__, name, "encoder"))


def options_of(name: str, values: Mapping[str, Any]) -> Options:
    """The typed options of an encoder. Raises SettingsError that names the key and the remedy."""
    return registry.parse_options(get(name).Options, values, f"encoder {name}")
