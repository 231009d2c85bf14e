"""Random views of a batch of images, as tensor operations on the images' device.

The random numbers are drawn on the CPU, so that every device sees the same views, and for a whole
batch at a time, so that each of several processes may take its part of them.
"""

import math

import torch
import torch.nn.functional as F
from pydantic import Field

from labelcycle import options as base

_GREY = (0.299, 0.587, 0.114)
"""Luma weights of ITU-R BT.601."""
_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
"""RGB to luma and two axes of chroma (NTSC)."""


class Options(base.Options):
    """How strong the random views of an image are."""

    crop_min: float = Field(
        0.2, gt=0, le=1, description="least share of the area that a random crop keeps; 1: no crop"
    )
    crop_aspect: float = Field(
        4 / 3, ge=1, le=4, description="a crop's sides differ by up to this factor"
    )
    flip: bool = Field(True, description="mirror half of the views left to right")
    jitter: float = Field(
        0.4, ge=0, le=1, description="brightness, contrast, saturation: within 1 - x .. 1 + x"
    )
    hue: float = Field(
        0.1, ge=0, le=0.5, description="colours turn by up to this part of the circle"
    )
    jitter_probability: float = Field(
        0.8, ge=0, le=1, description="share of the views whose colours are changed"
    )
    grey_probability: float = Field(
        0.2, ge=0, le=1, description="share of the views that lose their colour"
    )
    blur_probability: float = Field(
        0.0, ge=0, le=1, description="share of the views that are blurred; for photographs"
    )


def draw(count: int, options: Options, generator: torch.Generator) -> torch.Tensor:
    """(11 or 13, count) float32 in 0..1: the random numbers of one view of `count` images."""
    return torch.rand((13 if options.blur_probability > 0 else 11, count), generator=generator)


def view(images: torch.Tensor, options: Options, draws: torch.Tensor) -> torch.Tensor:
    """(b, c, s, s) float32 in 0..1: one random view of each image, each with its own numbers.

    images : (b, c, s, s) float32 in 0..1, c 3 or, for grey images, 1
    draws : columns of `draw`, (11 or 13, b), on the device of the images
    """
    if options.crop_min < 1 or options.flip:
        images = _crop(images, options, draws[:5])
    if options.jitter_probability > 0 and (options.jitter > 0 or options.hue > 0):
        chosen = draws[5] < options.jitter_probability
        images = torch.where(_each(chosen), _jitter(images, options, draws[6:9], draws[9]), images)
    if options.grey_probability > 0 and images.shape[1] == 3:
        chosen = draws[10] < options.grey_probability
        images = torch.where(_each(chosen), _grey(images), images)
    if options.blur_probability > 0:
        chosen = draws[11] < options.blur_probability
        images = torch.where(_each(chosen), _blur(images, draws[12]), images)
    return images.clamp(0, 1)


def _each(values: torch.Tensor) -> torch.Tensor:
    """(b,) to (b, 1, 1, 1)."""
    return values[:, None, None, None]


def _crop(images: torch.Tensor, options: Options, draws: torch.Tensor) -> torch.Tensor:
    """A random box of each image, mirrored or not, resampled to the full size."""
    area = options.crop_min + (1 - options.crop_min) * draws[0]
    aspect = torch.exp((2 * draws[1] - 1) * math.log(options.crop_aspect))
    if options.crop_min == 1:
        aspect = torch.ones_like(aspect)
    width = (area * aspect).sqrt().clamp(max=1)
    height = (area / aspect).sqrt().clamp(max=1)
    mirror = torch.where(draws[4] < 0.5, -1.0, 1.0) if options.flip else torch.ones_like(area)
    theta = torch.zeros((len(images), 2, 3), device=images.device)
    theta[:, 0, 0] = width * mirror
    theta[:, 1, 1] = height
    theta[:, 0, 2] = (1 - width) * (2 * draws[2] - 1)
    theta[:, 1, 2] = (1 - height) * (2 * draws[3] - 1)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _grey(images: torch.Tensor) -> torch.Tensor:
    if images.shape[1] == 1:
        return images
    weights = torch.tensor(_GREY, device=images.device)
    return torch.einsum("bchw,c->bhw", images, weights)[:, None].expand_as(images)


def _jitter(
    images: torch.Tensor, options: Options, strength: torch.Tensor, turn: torch.Tensor
) -> torch.Tensor:
    """Brightness, contrast, saturation, hue, in this order.

    Hue turns in the chroma plane of YIQ, a matrix product, where torchvision goes through HSV.
    """
    brightness, contrast, saturation = _each_of(1 + options.jitter * (2 * strength - 1))
    images = (images * brightness).clamp(0, 1)
    mean = _grey(images).mean(dim=(1, 2, 3), keepdim=True)
    images = (mean + (images - mean) * contrast).clamp(0, 1)
    if images.shape[1] == 1:  # has neither saturation nor hue
        return images
    grey = _grey(images)
    images = grey + (images - grey) * saturation
    if options.hue > 0:
        images = torch.einsum("bij,bjhw->bihw", _hue(options.hue * (2 * turn - 1)), images)
    return images.clamp(0, 1)


def _each_of(rows: torch.Tensor) -> tuple[torch.Tensor, ...]:
    return tuple(_each(row) for row in rows)


def _hue(turn: torch.Tensor) -> torch.Tensor:
    """(b, 3, 3) matrices that turn the colours by `turn` parts of the circle."""
    to_yiq = torch.tensor(_YIQ, device=turn.device)
    angle = 2 * math.pi * turn
    rotation = torch.zeros((len(turn), 3, 3), device=turn.device)
    rotation[:, 0, 0] = 1
    rotation[:, 1, 1] = rotation[:, 2, 2] = angle.cos()
    rotation[:, 1, 2] = -angle.sin()
    rotation[:, 2, 1] = angle.sin()
    turned: torch.Tensor = torch.linalg.inv(to_yiq) @ rotation @ to_yiq
    return turned


def _blur(images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """Gaussian blur, deviation 0.1 to 2 pixels, kernel about a tenth of the side wide.

    Each image has its own kernel; two products with a banded matrix take less time than a
    convolution in as many groups. Beyond the border nothing counts.
    Chen et al. 2020, appendix A.
    """
    side = images.shape[-1]
    deviation = _each(0.1 + 1.9 * draws)
    place = torch.arange(side, device=images.device)
    gaps = (place[:, None] - place).abs()
    weights = torch.exp(-0.5 * (gaps / deviation).square()) * (gaps <= max(side // 20, 1))
    weights = weights / weights.sum(dim=-1, keepdim=True)
    return weights @ images @ weights.mT
