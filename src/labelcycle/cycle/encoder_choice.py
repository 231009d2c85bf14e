"""What `pretrain.encoder: auto` stands for: chosen once, written into params.yaml, then kept.

From then on nothing differs from a name that somebody wrote there. DVC, `verify` and every clone
see the name, whatever other machine they are on. docs/decisions/0039 says why in this order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labelcycle import config
from labelcycle.adapters import git, trained_weights
from labelcycle.campaign import params_file, round_states, yaml_text
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import ServiceDown, SettingsError, StateError
from labelcycle.nn import encoders
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages.sample_images import load_images, median_side

MODEL, WEIGHTS = "resnet18", "IMAGENET1K_V1"
"""Of torchvision: the smallest of its networks that is widely used, 45 MB."""

FEW = 2_000
"""With fewer images SimCLR was no better than `patches`, which takes seconds."""

SMALL, LOOKED_AT = 32, 100
"""On grey images of so few pixels a side trained weights were no better; so many are looked at."""

PLAIN = "patches"
"""The best that needs neither trained weights nor a GPU."""


@dataclass(frozen=True)
class EncoderChoice:
    """An encoder with its options, and why it is this one."""

    encoder: str
    reason: str
    options: Mapping[str, Any] = field(default_factory=dict)


def settle(snapshot: Snapshot, say: Callable[[str], None]) -> bool:
    """Write the name of an encoder into params.yaml where it says auto; whether it did.

    say : is told what is looked at, and what came of it

    Raises as `certain` does, and SettingsError if params.yaml cannot be rewritten.
    """
    chosen = snapshot.config.pretrain
    if chosen.encoder != encoders.AUTO:
        return False
    choice = certain(snapshot) or _by_the_images(snapshot, say)
    values: dict[str, Any] = {"encoder": choice.encoder}
    if choice.options:
        values["options"] = dict(choice.options)
    if chosen.weights is not None:
        values["weights"] = None
    path = snapshot.campaign.params
    remark = f"chosen by auto: {choice.reason}"
    text = params_file.with_values(path.read_bytes().decode(), "pretrain", values, remark)
    write_bytes(path, text.encode())
    say(
        f"pretrain.encoder: auto is {choice.encoder} in this campaign: {choice.reason};"
        " params.yaml has the name from now on"
    )
    return True


def certain(snapshot: Snapshot) -> EncoderChoice | None:
    """What auto stands for as far as files say it, whatever computer this is; None if they do not.

    It is the encoder of the round before, in round 0 that of `pretrain.weights`.

    Raises StateError if the file of trained weights is not there, or if the round before has no
    name of an encoder; SettingsError if nobody can tell of which model the file is, or if it would
    change the encoder of the round before.
    """
    weights = snapshot.config.pretrain.weights
    if snapshot.lineage.last is not None:
        return _recorded(snapshot, snapshot.lineage.last, weights)
    if weights is None:
        return None
    if not (snapshot.campaign.root / weights).is_file():
        raise StateError(
            f"no file {weights} in the campaign: wanted the trained weights that pretrain.weights"
            " of params.yaml names; put it there, or write weights: null"
        )
    return of_file(weights)


def _recorded(snapshot: Snapshot, last: int, weights: str | None) -> EncoderChoice:
    """The encoder of the last round that was opened."""
    tag = round_states.open_tag(last)
    text = git.show(snapshot.campaign.root, tag, "params.yaml").decode()
    before = config.parse(yaml_text.values(text), parts=False).pretrain
    if before.encoder == encoders.AUTO:
        raise StateError(
            f"params.yaml of {tag} names no encoder: wanted the name that auto was replaced by"
            " when it was opened; another version of labelcycle wrote it: write the encoder that"
            " work/encoder/encoder.json names into params.yaml"
        )
    if weights is not None and weights != before.options.get("file"):
        raise SettingsError(
            "pretrain.weights: wanted null with encoder: auto after round 0, for auto then is the"
            f" encoder of the rounds before, {before.encoder} (got {weights!r}); to take another"
            " one, write encoder: torchvision_pretrained with options model and file"
        )
    return EncoderChoice(before.encoder, "as the rounds before have it", before.options)


def _by_the_images(snapshot: Snapshot, say: Callable[[str], None]) -> EncoderChoice:
    pool = snapshot.records.samples("pool")
    say(
        f"pretrain.encoder: auto: looking at {counted(len(pool), 'image')}, for trained weights and"
        " for a GPU"
    )
    return choose(len(pool), small_and_grey(snapshot.campaign, pool), downloaded, has_gpu)


def choose(
    images: int, grey: bool, download: Callable[[], str], gpu: Callable[[], bool]
) -> EncoderChoice:
    """The encoder for a pool of so many images.

    grey : they are small and without colour
    download : brings trained weights and says from where, or raises ServiceDown
    gpu : whether there is one

    >>> def offline():
    ...     raise ServiceDown("no network")
    >>> choose(300, False, offline, lambda: True).encoder
    'patches'
    """
    try:
        if not grey:
            return EncoderChoice(
                "torchvision_pretrained", download(), {"model": MODEL, "weights": WEIGHTS}
            )
        lacking = "small grey images, for which trained weights are no better"
    except ServiceDown as error:
        lacking = f"no trained weights ({error})"
    if not gpu():
        return EncoderChoice(PLAIN, f"{lacking}; and no GPU")
    if images < FEW:
        return EncoderChoice(PLAIN, f"{lacking}, and fewer than {FEW:,} images for SimCLR")
    return EncoderChoice("resnet18", f"{lacking}, but a GPU for SimCLR")


def small_and_grey(campaign: Campaign, samples: Sequence[Sample]) -> bool:
    """Whether the images have at most SMALL pixels a side and no colour; the first tell."""
    if median_side(samples) > SMALL:
        return False
    images = load_images(campaign, samples[:LOOKED_AT], SMALL)
    return bool((images == images[..., :1]).all())


def of_file(name: str) -> EncoderChoice:
    """The encoder for a file of trained weights, whose name begins with that of its model.

    Raises SettingsError if it does not, or if that model's last layer is not linear.

    >>> of_file("weights/resnet50-0676ba61.pth").options["model"]
    'resnet50'
    """
    from torchvision import models  # type: ignore[import-untyped]  # slow to import

    stem = Path(name).name.lower()
    known = models.list_models(module=models)
    fitting = [m for m in known if stem.startswith(m) and not stem[len(m) :][:1].isalnum()]
    if not fitting:
        raise SettingsError(
            "pretrain.weights: wanted a file whose name begins with that of a torchvision model,"
            f" as resnet50-0676ba61.pth (got {name!r}); rename it, or write encoder:"
            " torchvision_pretrained with options model and file"
        )
    model = max(fitting, key=len)
    from labelcycle.nn import pretrained_weights  # torch

    layer = type(pretrained_weights.last_layer_of(model)).__name__
    if layer != "Linear":
        raise SettingsError(
            "pretrain.weights: wanted a file of a model with a linear last layer, for what goes"
            f" into it are the features (got {name!r} of {model}, which ends with {layer}); name a"
            " file of another model, as resnet18-f37072fd.pth"
        )
    return EncoderChoice(
        "torchvision_pretrained", "pretrain.weights named them", {"model": model, "file": name}
    )


def downloaded() -> str:
    """Have the trained weights here; where they came from. Raises ServiceDown with the reason."""
    from labelcycle.nn import pretrained_weights  # torch

    return trained_weights.fetch(*pretrained_weights.download(MODEL, WEIGHTS))


def has_gpu() -> bool:
    """Whether networks are trained on a GPU here."""
    from labelcycle.nn.device import best_device  # torch

    return bool(best_device().type == "cuda")
