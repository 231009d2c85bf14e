"""The encoders' registry, and what is special to some."""

import importlib

import numpy as np
import pytest
import torch

from labelcycle.errors import SettingsError
from labelcycle.nn import encoders
from labelcycle.nn.encoders import smallconv
from labelcycle.nn.network_encoder import raw_features
from labelcycle.nn.pca import principal_components, standardised_components


def test_unknown_encoder_gets_the_near_names() -> None:
    with pytest.raises(
        SettingsError, match=r"unknown encoder 'smalconv'; did you mean 'smallconv'\? wanted one of"
    ):
        encoders.get("smalconv")


def test_unknown_option_gets_the_near_name() -> None:
    with pytest.raises(SettingsError, match=r"pixels: component: unknown key.*mean 'components'"):
        encoders.options_of("pixels", {"component": 3})


def test_option_out_of_range_is_named() -> None:
    with pytest.raises(SettingsError, match=r"encoder pixels: components: wanted .*got 0"):
        encoders.options_of("pixels", {"components": 0})


@pytest.mark.parametrize("shape", [(30, 8), (8, 30), (12, 12), (2, 5)])
def test_principal_components_are_those_of_the_svd(shape: tuple[int, int]) -> None:
    data = np.random.default_rng(0).normal(size=shape)
    data -= data.mean(axis=0)
    found = principal_components(data, 4)
    slow = np.linalg.svd(data, full_matrices=False)[2][: len(found)]
    np.testing.assert_allclose(np.abs(np.sum(found * slow, axis=1)), 1, atol=1e-9)
    largest = np.abs(found).argmax(axis=1)
    assert (found[np.arange(len(found)), largest] > 0).all()
    assert len(found) == min(4, *shape, shape[0] - 1)


def test_small_images_keep_their_resolution_in_a_resnet() -> None:
    resnet = importlib.import_module("labelcycle.nn.resnet")
    small, large = resnet.backbone("resnet18", 63), resnet.backbone("resnet18", 64)
    assert small[1].conv1.stride == (1, 1)
    assert isinstance(small[1].maxpool, torch.nn.Identity)
    assert large[1].conv1.stride == (2, 2)


def test_standardised_components_are_those_of_standardised_rows() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 6)) * [1, 9, 0.1, 3, 0, 2] + 5
    mean, components = standardised_components(rows, 4)
    found = (rows - mean) @ components.T
    alive = rows[:, [0, 1, 2, 3, 5]]
    standard = (alive - alive.mean(axis=0)) / alive.std(axis=0)
    slow = standard @ principal_components(standard, 4).T
    np.testing.assert_allclose(found, slow / np.sqrt(np.square(slow).mean()), atol=1e-9)
    assert (components[:, 4] == 0).all()


def test_weighted_columns_are_those_of_weighted_rows() -> None:
    rows = np.random.default_rng(0).normal(3, [1, 5, 20, 2], (40, 4))
    weights = np.array([1.0, 4.0, 0.5, 1.0])
    standardised = weights * (rows - rows.mean(axis=0)) / rows.std(axis=0)
    slow = principal_components(standardised, 2)
    wanted = standardised @ slow.T
    mean, components = standardised_components(rows, 2, weights)
    found = (rows - mean) @ components.T
    np.testing.assert_allclose(found, wanted / np.sqrt(np.square(wanted).mean()), atol=1e-9)


@pytest.mark.parametrize("side", [28, 32, 20])
def test_pooling_on_a_grid_is_the_adaptive_one(side: int) -> None:
    network = smallconv.StridedConvolutions(4)
    batch = torch.rand((3, 3, side, side), generator=torch.Generator().manual_seed(0))
    last = network.layers((batch - 0.5) * 4)
    for grid in (2, 4):
        expected = torch.nn.functional.adaptive_avg_pool2d(last, grid).flatten(1)
        torch.testing.assert_close(network.pooled(batch, grid), expected)


def test_images_of_a_file_are_embedded_without_a_warning() -> None:
    images = np.zeros((3, 16, 16, 3), np.uint8)
    images.setflags(write=False)  # as a memory-mapped file's; torch warns, and warnings are errors
    found = list(raw_features(torch.nn.Conv2d(3, 2, 16), images))
    assert found[0].shape == (3, 2, 1, 1)
