"""The recipes of the residual networks."""

import pytest

from labelcycle.nn.resnet import Options, for_size


def test_the_defaults_are_typiclusts_recipe() -> None:
    options = for_size(Options(), 32)
    assert (options.epochs, options.batch, options.temperature) == (500, 512, 0.1)
    assert (options.learning_rate, options.momentum, options.weight_decay) == (0.4, 0.9, 1e-4)
    assert (options.warmup, options.projection) == (0.0, 128)
    assert (options.crop_min, options.flip, options.blur_probability) == (0.2, True, 0.0)
    assert (options.jitter, options.hue) == (0.4, 0.1)
    assert (options.jitter_probability, options.grey_probability) == (0.8, 0.2)


@pytest.mark.parametrize(
    ("recipe", "size", "photo"),
    [
        ("auto", 63, False),
        ("auto", 64, True),
        ("auto", 224, True),
        ("small", 224, False),
        ("photo", 32, True),
    ],
)
def test_photographs_get_simclrs_views(recipe: str, size: int, photo: bool) -> None:
    options = for_size(Options.model_validate({"recipe": recipe}), size)
    views = (options.crop_min, options.jitter, options.hue, options.blur_probability)
    assert views == ((0.08, 0.8, 0.2, 0.5) if photo else (0.2, 0.4, 0.1, 0.0))


def test_what_is_given_wins_over_the_recipe() -> None:
    options = for_size(Options(crop_min=0.2, hue=0.0), 224)
    assert (options.crop_min, options.hue, options.jitter) == (0.2, 0.0, 0.8)
