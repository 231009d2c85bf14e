"""Features that are there already, from a file: for teams with an embedding service.

No paper: the features are yours. It looks at no image: the stages find the row of each sample
(`stages/ready_made_features.py`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from pydantic import Field

from labelcycle import options as base
from labelcycle.core.digests import file_digest
from labelcycle.errors import DataError
from labelcycle.nn.array_files import Arrays
from labelcycle.nn.features_file import FeatureTable, read

if TYPE_CHECKING:
    import torch

TORCH = False


class Options(base.Options):
    """Options of the encoder `precomputed`."""

    file: str = Field(
        "data/features.npz",
        description="features of every image of pool and hold-out, relative to the campaign: .npz"
        " with `features` and `files` (paths) or `ids`, .csv or .parquet with a column `file` or"
        " `sample` and only features beside it; docs/guides/features-of-your-own.md",
    )


class Precomputed:
    """The features in one file, as they were when it was read first.

    image_size : 0, for no image is looked at
    """

    image_size = 0

    def __init__(self, file: str, digest: str, table: FeatureTable) -> None:
        self._file, self._digest = file, digest
        self.table = table

    @property
    def width(self) -> int:
        """Number of features of an image."""
        return int(self.table.features.shape[1])

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """The file and its digest; no arrays, for the file keeps them."""
        return {"file": self._file, "digest": self._digest}, {}


def ready_made(options: Options) -> Precomputed:
    """The features in the file. Raises DataError if they are not as `features_file.read` wants."""
    path = Path(options.file)
    digest = _digest(path)
    return Precomputed(options.file, digest, read(path))


def rebuild(
    meta: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],  # noqa: ARG001 - the file keeps them
    device: "torch.device | None",  # noqa: ARG001 - nothing is computed
) -> Precomputed:
    """The same features again. Raises DataError if the file has changed since."""
    path = Path(meta["file"])
    digest = _digest(path)
    if digest != meta["digest"]:
        raise DataError(
            f"{path} changed since `pretrain` read it: wanted digest {meta['digest']}, got"
            " another; run `labelcycle run`, or `labelcycle stage pretrain`"
        )
    return Precomputed(meta["file"], digest, read(path))


def _digest(path: Path) -> str:
    """The digest of the file. Raises DataError if it cannot be read."""
    try:
        if path.exists() and not path.is_file():  # a device has no end
            raise OSError("it is no file")
        return file_digest(path)
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror or error}; check pretrain.options.file, which is"
            " relative to the campaign, or bring the file back with `dvc checkout`"
        ) from error
