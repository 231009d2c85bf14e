"""The network itself on the labelled images: from scratch, or from the pretrained encoder.

Hacohen, Dekel, Weinshall: Active Learning on a Budget, ICML 2022 (arXiv 2202.02794). From scratch
it is the fully supervised framework of section 4.1, and that of Ono et al. 2024, section 4. The
defaults are their settings. Few labels make it weak, and it needs a GPU.

From the encoder it adapts what was learnt without labels. That is for hundreds of labels, with a
learning rate ten times lower.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from labelcycle.core.pool import UNLABELED, Head
from labelcycle.errors import SettingsError
from labelcycle.nn import classifier, encoders, resnet
from labelcycle.nn.batches import HEAD
from labelcycle.nn.classifier import Classifier
from labelcycle.nn.device import best_device, threads_set
from labelcycle.nn.encoders import Images
from labelcycle.nn.learner_inputs import Pictures
from labelcycle.nn.learners.linear import NO_CHANCE
from labelcycle.nn.learners.propagate import alike
from labelcycle.nn.network_encoder import NetworkEncoder, load_weights, raw_features, weights_of
from labelcycle.nn.projection_head import initialised

INPUT = "images"
KEEPS_SAMPLES = False
"""No features of single samples are among its weights."""

MAX_SIDE = 224


class Options(classifier.Options):
    """Settings of the fine-tuned network; see `classifier.Options`."""

    network: Literal["resnet18", "resnet34", "cnn"] = Field(
        "resnet18", description="what is trained; cnn: two small convolutions"
    )
    start: Literal["scratch", "encoder"] = Field(
        "scratch", description="random weights; or those of the campaign's encoder, as its network"
    )


@dataclass(frozen=True)
class Finetuned:
    """A trained network, or none where there was nothing to learn.

    meta : what the backbone is built from
    otherwise : (c,) float32, the answer without a network
    """

    model: Classifier | None
    meta: Mapping[str, Any]
    otherwise: NDArray[np.float32]

    def predict_proba(self, images: Images) -> NDArray[np.float32]:
        """(n, c) float32: class probabilities of (n, s, s, 3) uint8 images."""
        if self.model is None:
            return np.tile(self.otherwise, (len(images), 1))
        head = self.head(images)
        logits = torch.from_numpy(head.hidden @ head.weights + head.bias)
        return torch.softmax(logits, dim=1).numpy()

    def head(self, images: Images) -> Head:
        """The last layer, and what it sees of (n, s, s, 3) uint8 images."""
        if self.model is None:
            chances = np.log(np.maximum(self.otherwise, 1e-30)).astype(np.float32)
            empty = np.zeros((1, len(chances)), np.float32)
            return Head(np.zeros((len(images), 1), np.float32), empty, chances)
        last = self.model.last
        weights, bias = last.weight.detach().cpu().numpy().T, last.bias.detach().cpu().numpy()
        return Head(self.embed(images), np.ascontiguousarray(weights), bias)

    def embed(self, images: Images) -> NDArray[np.float32]:
        """(n, width) float32: the backbone's features of (n, s, s, 3) uint8 images."""
        if self.model is None:
            raise ValueError("there is no network: it was given labels of fewer than two classes")
        empty = np.empty((0, self.model.last.in_features), np.float32)
        with threads_set(int(self.meta["threads"])):
            blocks = raw_features(self.model.backbone, images, "train.image_size")
            return np.concatenate([empty, *blocks])

    def state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """How to build the backbone, and the weights."""
        weights = weights_of(self.model) if self.model is not None else {}
        return dict(self.meta), {"otherwise": self.otherwise, **weights}


def default_size(side: int, options: Options) -> int:
    """Image size where none is set; side : median of the images' shorter sides."""
    return min(side, 32 if options.network == "cnn" else MAX_SIDE)


def fit(
    pictures: Pictures, labels: NDArray[np.int64], n_classes: int, options: Options, seed: int
) -> Finetuned:
    """The network trained on those of the pictures whose `labels` (n,) are known.

    No labels: every class is as likely. Classes without a label get probability 0.
    Raises SettingsError if it should start from an encoder that cannot be trained, or the network
    does not take images of this size; DataError as `classifier.train` does.
    """
    known = np.flatnonzero(labels != UNLABELED)
    seen = np.unique(labels[known])
    otherwise = alike(seen, n_classes)
    if len(seen) < 2:
        return Finetuned(None, {}, otherwise)
    images = pictures.read(known)
    size = images.shape[1]
    backbone, meta = _start(pictures, options, size, seed)
    width = _width(backbone, size, meta)
    model = initialised(lambda: Classifier(backbone, width, n_classes), seed, HEAD)
    model = model.to(best_device()).to(memory_format=torch.channels_last)
    with threads_set(options.threads):
        classifier.train(model, images, labels[known], options, seed)
    with torch.no_grad():  # what was never seen has no chance
        unseen = np.setdiff1d(np.arange(n_classes), seen)
        model.last.weight[unseen] = 0
        model.last.bias[unseen] = NO_CHANCE
    meta |= {"size": size, "width": width, "threads": options.threads}
    return Finetuned(model, meta, otherwise)


def from_state(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Finetuned:
    """The learner that gave this `state`."""
    otherwise = arrays["otherwise"]
    if "size" not in meta:
        return Finetuned(None, meta, otherwise)
    model = Classifier(_rebuilt(meta, arrays), meta["width"], len(otherwise))
    load_weights(model, {name: array for name, array in arrays.items() if name != "otherwise"})
    model = model.eval().to(best_device()).to(memory_format=torch.channels_last)
    return Finetuned(model, meta, otherwise)


def _start(
    pictures: Pictures, options: Options, size: int, seed: int
) -> tuple[nn.Module, dict[str, Any]]:
    """The backbone before its training, and what it can be built from again."""
    if options.start == "scratch":
        build = _scratch(options.network, size)
        return initialised(build, seed), {"network": options.network}
    name, encoder = pictures.encoder or ("none", None)
    if not isinstance(encoder, NetworkEncoder) or not encoder.trainable:
        raise SettingsError(
            f"train.options: start is encoder, and the encoder is {name}: wanted one that is a"
            " network, as resnet18; choose another pretrain.encoder, or start: scratch"
        )
    meta, _ = encoder.state()
    return copy.deepcopy(encoder.backbone).cpu(), {"encoder": name, "meta": meta}


def _width(backbone: nn.Module, size: int, meta: Mapping[str, Any]) -> int:
    """Features of an image of `size` pixels. Raises SettingsError if the network refuses these."""
    try:
        with torch.inference_mode():
            return int(backbone.eval()(torch.zeros(1, 3, size, size)).shape[1])
    except (AssertionError, RuntimeError) as error:  # what networks of one size only raise
        name, usual_size = meta["encoder"], meta["meta"]["image_size"]
        raise SettingsError(
            f"train.image_size is {size}, which the network of encoder {name} does not take"
            f" ({' '.join(str(error).split())[:200]}); leave it empty, for {usual_size}"
        ) from error


def _scratch(network: str, size: int) -> Any:
    """What builds a network of that name."""
    if network == "cnn":
        return lambda: classifier.Convolutions(size)
    return lambda: resnet.backbone(network, size)


def _rebuilt(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> nn.Module:
    """The backbone that `meta` tells of, any weights or those of `arrays`."""
    if "network" in meta:
        backbone: nn.Module = _scratch(meta["network"], meta["size"])()
        return backbone
    backbone_arrays = {
        name.removeprefix("backbone."): array
        for name, array in arrays.items()
        if name.startswith("backbone.")
    }
    encoder = encoders.get_trainable(meta["encoder"]).rebuild(
        meta["meta"], backbone_arrays, torch.device("cpu")
    )
    assert isinstance(encoder, NetworkEncoder)
    return encoder.backbone
