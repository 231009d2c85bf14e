"""Stage `pretrain`: an encoder fitted to the images of the pool, without labels."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from labelcycle import options as base
from labelcycle.campaign import sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.encoder_files import save_encoder
from labelcycle.campaign.sample_files import Sample
from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import encoders, process_rank
from labelcycle.nn.progress import Progress
from labelcycle.stages import ready_made_features
from labelcycle.stages.sample_images import load_images, median_side


class Options(base.Options):
    """What turns images into features, and how it is trained."""

    encoder: str = Field(
        encoders.AUTO,
        description="what turns images into features; auto: round 0 chooses what is best for this"
        " machine and these images, and writes its name here",
    )
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
        description="CPU threads of the training, which only networks read; another number rounds"
        " sums differently",
    )
    processes: int = Field(
        1,
        ge=1,
        le=64,
        description="processes that share the training of one encoder, one a GPU; only networks"
        " read it; another number gives another encoder",
    )
    options: Mapping[str, Any] = Field(
        default_factory=dict, description="the encoder's own options; empty: its defaults"
    )
    weights: str | None = Field(
        None,
        description="for encoder: auto, a file of trained weights, relative to the campaign; its"
        " name begins with the model's name in torchvision, as resnet50-0676ba61.pth",
    )

    @field_validator("options")
    @classmethod
    def _of_a_name(cls, options: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        if options and info.data.get("encoder") == encoders.AUTO:
            raise ValueError(
                "wanted none with encoder: auto, for they are of one encoder (got"
                f" {', '.join(map(str, options))}); name the encoder that they are of"
            )
        return options

    @field_validator("weights")
    @classmethod
    def _of_auto(cls, weights: str | None, info: ValidationInfo) -> str | None:
        if weights is not None and info.data.get("encoder", encoders.AUTO) != encoders.AUTO:
            raise ValueError(
                f"wanted null with encoder: {info.data['encoder']}, for only auto reads it (got"
                f" {weights!r}); write encoder: torchvision_pretrained with options model and file"
            )
        return weights


def run(campaign: Campaign, options: Options, seed: int, show: Callable[[Progress], None]) -> None:
    """Write work/encoder/; the hold-out is never seen.

    A run that was killed goes on from its last checkpoint when it is started again with the same
    pool, options and code, and ends with the same encoder. Raises DataError if the pool is empty.
    """
    samples = sample_files.read_samples(campaign.samples, "pool", "encoder")
    if not samples:
        raise DataError("the pool is empty: wanted one image or more; run `labelcycle ingest`")
    name = options.encoder
    if name == encoders.AUTO:
        raise SettingsError(
            "pretrain.encoder is auto, and none was chosen yet: wanted the name of an encoder; run"
            " `labelcycle run`, which chooses one, or name one in params.yaml"
        )
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
