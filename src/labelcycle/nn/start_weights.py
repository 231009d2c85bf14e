"""The weights with which a training starts: drawn at random, or trained ones that it adapts."""

from pydantic import Field
from torch import nn

from labelcycle import options as base
from labelcycle.nn import pretrained_weights

ADVICE = "with them take a tenth of learning_rate and of epochs"


class Options(base.Options):
    """Where the weights come from; `file` wins."""

    weights: str | None = Field(
        None,
        description="torchvision's name of trained weights to start from, such as DEFAULT, which"
        f" it downloads; {ADVICE}; null: random ones",
    )
    file: str | None = Field(
        None,
        description="file of trained weights to start from (.pth or .safetensors), relative to"
        f" the campaign; {ADVICE}",
    )


def started(backbone: nn.Sequential, name: str, options: Options) -> nn.Sequential:
    """The backbone with the weights that the options name; as it is where they name none.

    backbone : a network of torchvision at its end, without its last layer
    name : torchvision's name of it

    A first layer of 3 by 3 for small images gets the middle of the 7 by 7 that was trained: a
    choice of ours, unmeasured. Raises what `pretrained_weights.from_torchvision` and `load` raise.
    """
    if options.weights is None and options.file is None:
        return backbone
    weights = dict(pretrained_weights.from_torchvision(name, options.weights or "", options.file))
    network = backbone[-1]
    first = weights.get("conv1.weight")
    side = network.get_parameter("conv1.weight").shape[-1]
    if first is not None and first.shape[-1] > side:
        margin = (first.shape[-1] - side) // 2
        weights["conv1.weight"] = first[..., margin : margin + side, margin : margin + side]
    pretrained_weights.load(network, weights, name, options.file or str(options.weights))
    return backbone
