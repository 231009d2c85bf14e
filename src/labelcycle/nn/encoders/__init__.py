"""Encoders: images to features. One module each; its name is the key in `params.yaml`.

A module is an encoder when it has what `EncoderModule` lists; `names` finds it by itself.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Generator, Mapping
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError

from labelcycle.errors import SettingsError
from labelcycle.nn.progress import Progress, State
from labelcycle.options import Options

Images = NDArray[np.uint8]
"""(n, s, s, 3) uint8, RGB squares."""

Arrays = dict[str, NDArray[Any]]
"""Named weights."""


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


Fitting = Generator[Progress, None, Encoder]
"""A training under way: yields a `Progress` a step, returns the encoder."""


class EncoderModule(Protocol):
    """What a module in this package holds."""

    Options: type[Options]

    def default_size(self, side: int, options: Any) -> int:
        """Image size where none is set; side : median of the images' shorter sides."""

    def fit(
        self,
        images: Images,
        options: Any,
        seed: int,
        device: torch.device,
        resume: State | None = None,
    ) -> Fitting:
        """Train on `images`; with `resume`, a snapshot of the same training, go on from there."""

    def rebuild(
        self, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], device: torch.device
    ) -> Encoder:
        """The encoder that gave this `state`."""


def names() -> list[str]:
    """Every encoder, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def get(name: str) -> EncoderModule:
    """The module of an encoder. Raises SettingsError with the near names if there is none."""
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4) or names()
        raise SettingsError(
            f"unknown encoder {name!r}: wanted one of {', '.join(names())};"
            f" did you mean {' or '.join(near)}?"
        )
    return cast(EncoderModule, importlib.import_module(f"{__name__}.{name}"))


def options_of(name: str, values: Mapping[str, Any]) -> Options:
    """The typed options of an encoder. Raises SettingsError that names the key and the remedy."""
    kind = get(name).Options
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] != "extra_forbidden":
            problem = f"{first['msg'][:1].lower()}{first['msg'][1:]}, got {first['input']!r}"
            raise SettingsError(f"option {key!r} of encoder {name}: {problem}") from error
        near = difflib.get_close_matches(key, kind.model_fields, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        known = ", ".join(kind.model_fields)
        raise SettingsError(
            f"unknown option {key!r} of encoder {name}: wanted one of {known}{hint}"
        ) from error
