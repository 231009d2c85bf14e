"""Stage `pretrain`: an encoder fitted to the images of the pool, without labels."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from labelcycle import options as base
from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import save_encoder
from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError
from labelcycle.nn import encoders, process_rank
from labelcycle.nn.progress import Progress
from labelcycle.stages import ready_made_features
from labelcycle.stages.sample_images import load_images, median_side


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


def run(campaign: Campaign, options: Options, seed: int, show: Callable[[Progress], None]) -> None:
    """Write work/encoder/; the hold-out is never seen.

    A run that was killed goes on from its last checkpoint when it is started again with the same
    pool, options and code, and ends with the same encoder. Raises DataError if the pool is empty.
    """
    samples = sample_files.read_samples(campaign.samples, "pool")
    if not samples:
        raise DataError("the pool is empty: wanted one image or more; run `labelcycle ingest`")
    name = options.encoder
    if ready_made_features.note(campaign, name, options.options, show):
        return
    own = encoders.options_of(name, options.options)
    size = options.image_size or encoders.get_trainable(name).default_size(
        median_side(samples), own
    )
    if not encoders.needs_torch(name):
        _fit_alone(campaign, name, own, size, seed, samples, show)
        return
    from labelcycle.stages import pretrain_training  # torch, which every command would load

    training = pretrain_training.PretrainRun(
        encoder=name,
        options=own,
        size=size,
        seed=seed,
        threads=options.threads,
        settings=options.model_dump(mode="json"),
    )
    pretrain_training.fit(campaign, training, samples, show)


def _fit_alone(
    campaign: Campaign,
    name: str,
    options: base.Options,
    size: int,
    seed: int,
    samples: list[Sample],
    show: Callable[[Progress], None],
) -> None:
    """Fit an encoder that needs no torch: it shares no work and saves no checkpoint.

    Of several processes the first does it all.
    """
    rank = process_rank.own()
    if rank is not None and rank.number > 0:
        return
    fitting = encoders.get_trainable(name).fit(
        load_images(campaign, samples, size), options, seed, None
    )
    while True:
        try:
            show(next(fitting))
        except StopIteration as end:
            save_encoder(campaign.encoder, name, end.value)
            return
