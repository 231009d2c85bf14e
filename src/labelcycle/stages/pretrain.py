"""Stage `pretrain`: an encoder fitted to the images of the pool, without labels."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import store
from labelcycle.errors import DataError
from labelcycle.nn.progress import Progress


class Options(base.Options):
    """What turns images into features, and how it is trained."""

    encoder: str = Field("smallconv", description="what turns images into features")
    image_size: int | None = Field(
        None,
        ge=8,
        le=1024,
        description="side in pixels of the centred square that the encoder sees; null: the"
        " median of the images' shorter sides, within what the encoder takes",
    )
    threads: int = Field(
        2,
        ge=1,
        le=256,
        description="CPU threads of the training; another number rounds sums differently",
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="processes that share the training of one encoder, one a GPU; another number"
        " gives another encoder",
    )
    options: Mapping[str, Any] = Field(
        default_factory=dict, description="the encoder's own options; empty: its defaults"
    )


def run(
    campaign: store.Campaign, options: Options, seed: int, show: Callable[[Progress], None]
) -> None:
    """Write work/encoder/; the hold-out is never seen.

    A run that was killed goes on from its last checkpoint when it is started again with the same
    pool, options and code, and ends with the same encoder. Raises DataError if the pool is empty.
    """
    samples = store.read_samples(campaign.samples, "pool")
    if not samples:
        raise DataError("the pool is empty: wanted one image or more; run `labelcycle ingest`")
    from labelcycle.stages import (  # torch, which every command would load
        pretrain_training,
        ready_made,
    )

    if not ready_made.note(campaign, options, show):
        pretrain_training.fit(campaign, options, seed, samples, show)
