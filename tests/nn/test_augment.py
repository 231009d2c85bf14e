"""Random views: range, shape, seeds, and that strength 0 changes nothing."""

import pytest
import torch
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms.v2.functional import gaussian_blur

from labelcycle.nn import augment

NONE = {"crop_min": 1.0, "flip": False, "jitter": 0.0, "hue": 0.0, "grey_probability": 0.0}


def images(count: int = 6, side: int = 9, seed: int = 0) -> torch.Tensor:
    return torch.rand((count, 3, side, side), generator=torch.Generator().manual_seed(seed))


def view(batch: torch.Tensor, seed: int = 0, **options: object) -> torch.Tensor:
    chosen = augment.Options.model_validate(options)
    generator = torch.Generator().manual_seed(seed)
    return augment.view(batch, chosen, augment.draw(len(batch), chosen, generator))


@tries(30)
@given(
    st.floats(0.05, 1),
    st.floats(0, 1),
    st.floats(0, 0.5),
    st.booleans(),
    st.floats(0, 1),
    st.integers(0, 99),
)
def test_views_keep_shape_and_range(
    crop_min: float, jitter: float, hue: float, flip: bool, blur: float, seed: int
) -> None:
    batch = images(4, 7, seed)
    strength = {"crop_min": crop_min, "jitter": jitter, "hue": hue, "blur_probability": blur}
    seen = view(batch, seed, flip=flip, **strength)
    assert seen.shape == batch.shape
    assert seen.dtype == torch.float32
    assert seen.min() >= 0
    assert seen.max() <= 1


def test_strength_0_is_the_image() -> None:
    assert torch.equal(view(images(), **NONE), images())


def test_same_seed_same_views_other_seed_other_views() -> None:
    assert torch.equal(view(images(), 3), view(images(), 3))
    assert not torch.equal(view(images(), 3), view(images(), 4))


def test_the_generator_moves_on() -> None:
    generator = torch.Generator().manual_seed(0)
    first = augment.draw(6, augment.Options(), generator)
    assert not torch.equal(first, augment.draw(6, augment.Options(), generator))


def test_a_part_of_the_images_with_its_draws_gives_a_part_of_the_views() -> None:
    options = augment.Options(blur_probability=0.5)
    draws = augment.draw(6, options, torch.Generator().manual_seed(0))
    part = augment.view(images()[2:5], options, draws[:, 2:5])
    torch.testing.assert_close(part, augment.view(images(), options, draws)[2:5])


@pytest.mark.parametrize(
    "strength",
    [
        {"crop_min": 0.3},
        {"flip": True},
        {"jitter": 0.5},
        {"hue": 0.3},
        {"grey_probability": 0.5},
        {"blur_probability": 0.5},
    ],
)
def test_each_image_has_its_own_numbers(strength: dict[str, object]) -> None:
    same = images(1).expand(12, 3, 9, 9)
    seen = view(same, 1, **{**NONE, "jitter_probability": 1.0, **strength})
    assert len(torch.unique(seen.flatten(1), dim=0)) > 1


def test_a_flip_mirrors_left_to_right_and_takes_about_half() -> None:
    batch = images(200)
    seen = view(batch, **{**NONE, "flip": True})
    mirrored = [torch.allclose(a, b.flip(2), atol=1e-5) for a, b in zip(seen, batch, strict=True)]
    kept = [torch.allclose(a, b, atol=1e-5) for a, b in zip(seen, batch, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert 60 < sum(mirrored) < 140


def test_a_crop_of_a_ramp_stays_inside_and_is_enlarged() -> None:
    ramp = torch.linspace(0, 1, 9).expand(1, 3, 9, 9)
    seen = view(ramp.expand(50, 3, 9, 9), **{**NONE, "crop_min": 0.3, "crop_aspect": 1.0})
    spread = seen.amax(dim=(1, 2, 3)) - seen.amin(dim=(1, 2, 3))
    assert (spread < 1).all()
    assert (spread > 0.3).all()


def test_grey_takes_the_colour_of_the_chosen_only() -> None:
    seen = view(images(300), **{**NONE, "grey_probability": 0.2})
    grey = (seen.amax(dim=1) - seen.amin(dim=1)).flatten(1).amax(dim=1) < 1e-6
    assert 30 < int(grey.sum()) < 90


def test_hue_leaves_grey_images_grey() -> None:
    grey = images()[:, :1].expand(6, 3, 9, 9)
    seen = view(grey, **{**NONE, "hue": 0.5, "jitter_probability": 1.0})
    assert torch.allclose(seen, grey, atol=1e-2)


def test_one_grey_channel_gives_the_views_of_three() -> None:
    grey = images(40)[:, :1]
    one, three = view(grey, 4), view(grey.expand(-1, 3, -1, -1), 4)
    assert one.shape == grey.shape
    torch.testing.assert_close(one.expand_as(three), three, rtol=0, atol=2e-2)  # YIQ is rounded
    assert torch.equal(view(grey, **NONE), grey)


def test_blur_is_torchvisions_gaussian_away_from_the_border() -> None:
    options = augment.Options.model_validate({**NONE, "blur_probability": 1.0})
    batch = images(5, 60)  # a radius of 3 pixels
    draws = augment.draw(5, options, torch.Generator().manual_seed(0))
    seen = augment.view(batch, options, draws)
    for image, blurred, draw in zip(batch, seen, draws[12], strict=True):
        deviation = 0.1 + 1.9 * float(draw)
        slow = gaussian_blur(image, 7, [deviation])
        torch.testing.assert_close(blurred[:, 4:-4, 4:-4], slow[:, 4:-4, 4:-4])


@pytest.mark.parametrize("side", [4, 40])
def test_blur_keeps_a_plain_image(side: int) -> None:
    plain = torch.full((3, 3, side, side), 0.3)
    seen = view(plain, **{**NONE, "blur_probability": 1.0})
    torch.testing.assert_close(seen, plain)
