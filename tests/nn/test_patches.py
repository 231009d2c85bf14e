"""The dictionary of patches against its formulas, one patch at a time."""

import os

import numpy as np
import pytest
from encoding import CPU, images, run
from example_counts import tries
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from labelcycle.errors import SettingsError
from labelcycle.nn import patch_dictionary
from labelcycle.nn.encoders import patches

QUICK = patches.Options(centres=12, grid=2, components=6, drawn=300)


def slowly(
    learnt: patch_dictionary.Dictionary, image: NDArray[np.uint8], side: int, grid: int
) -> NDArray[np.float64]:
    """Coates, Lee and Ng's formulas, patch by patch."""
    places = image.shape[0] - side + 1
    pooled = np.zeros((grid, grid, len(learnt.centres)))
    for top in range(places):
        for left in range(places):
            patch = image[top : top + side, left : left + side].astype(float)
            values = patch.transpose(2, 0, 1).ravel()
            contrast = (values - values.mean()) / np.sqrt(values.var() + 10)
            point = (contrast - learnt.mean) @ learnt.whitening
            distance = np.linalg.norm(learnt.centres - point, axis=1)
            cell = top * grid // places, left * grid // places
            pooled[cell] += np.maximum(0, distance.mean() - distance)
    return pooled.ravel()


@given(
    side=st.integers(2, 5),
    more=st.integers(0, 5),
    grid=st.integers(1, 3),
    channels=st.sampled_from([1, 3]),
)
@tries(15)
def test_cells_are_those_of_the_formulas(side: int, more: int, grid: int, channels: int) -> None:
    pool = images(5, side + grid - 1 + more)[..., :channels]
    learnt = patch_dictionary.learn(pool, side, 4, 60, np.random.default_rng(0))
    found = learnt.pooled(pool[0], side, grid)
    np.testing.assert_allclose(found, slowly(learnt, pool[0], side, grid), rtol=2e-3, atol=2e-3)


def test_patches_are_those_of_the_images() -> None:
    pool = np.arange(2 * 5 * 5, dtype=np.uint8).reshape(2, 5, 5, 1)
    rows = patch_dictionary.drawn(pool, 2, 500, np.random.default_rng(0))
    all_of_them = {
        tuple(pool[n, y : y + 2, x : x + 2, 0].ravel())
        for n in range(2)
        for y in range(4)
        for x in range(4)
    }
    assert {tuple(row) for row in rows} == all_of_them


def test_whitened_patches_have_no_correlation() -> None:
    pool = images(20, 12)[..., :1]
    pool[:, :, 1:] = pool[:, :, 1:] // 4 + pool[:, :, :-1] // 2
    learnt = patch_dictionary.learn(pool, 3, 5, 2000, np.random.default_rng(0))
    rows = patch_dictionary.normalised(
        patch_dictionary.drawn(pool, 3, 2000, np.random.default_rng(0)).astype(np.float32)
    )
    points = (rows - learnt.mean) @ learnt.whitening
    covariance = points.T @ points / len(points)
    values = np.linalg.eigvalsh(np.cov(rows.T, bias=True))
    np.testing.assert_allclose(
        np.sort(np.linalg.eigvalsh(covariance)), np.sort(values / (values + 0.1)), atol=1e-3
    )


def test_features_are_the_same_bits_alone_and_on_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for threads in ("1", "3"):
        monkeypatch.setitem(os.environ, "OMP_NUM_THREADS", threads)
        encoder, _ = run(patches.fit(images(9, 12), QUICK, 3, CPU))
        found.append(encoder.embed(images(5, 12)))
        alone = np.concatenate([encoder.embed(image[None]) for image in images(5, 12)])
        np.testing.assert_array_equal(alone, found[-1])
    np.testing.assert_array_equal(*found)


def test_a_grey_pool_makes_a_grey_encoder_of_the_same_features() -> None:
    grey, _ = run(patches.fit(images(9, 12, grey=True), QUICK, 3, CPU))
    coloured, _ = run(patches.fit(images(9, 12), QUICK, 3, CPU))
    assert (grey.state()[0]["channels"], coloured.state()[0]["channels"]) == (1, 3)
    assert grey.state()[1]["whitening"].shape == (36, 36)
    assert coloured.state()[1]["whitening"].shape == (108, 108)


@pytest.mark.parametrize(("size", "fits"), [(6, False), (7, True)])
def test_images_smaller_than_patches_and_grid(size: int, fits: bool) -> None:
    fitting = patches.fit(images(3, size), QUICK, 0, CPU)
    if fits:
        assert run(fitting)[0].image_size == 7
    else:
        with pytest.raises(SettingsError, match=r"image_size is 6: wanted 7 or more for patches"):
            run(fitting)


@pytest.mark.parametrize(("side", "size"), [(28, 28), (600, 32), (3, 7)])
def test_default_size(side: int, size: int) -> None:
    assert patches.default_size(side, QUICK) == size


def test_features_have_mean_0_and_mean_square_1_over_the_pool() -> None:
    pool = images(30, 12)
    encoder, _ = run(patches.fit(pool, QUICK, 3, CPU))
    features = encoder.embed(pool)
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=1e-3)
    assert np.square(features).mean() == pytest.approx(1, abs=1e-3)
    assert (np.diff(features.std(axis=0)) < 1e-3).all()


def test_colours_are_mean_and_deviation_of_each_channel_in_each_quarter() -> None:
    image = images(1, 9)[0]
    wanted = []
    for rows in (range(4), range(4, 9)):
        for columns in (range(4), range(4, 9)):
            seen = np.array([image[y, x] for y in rows for x in columns]) / 255
            wanted += [*seen.mean(axis=0), *seen.std(axis=0)]
    np.testing.assert_allclose(patches._colours(image), wanted, rtol=1e-6)


def test_brightness_shows_in_images_with_colour_alone() -> None:
    pool = images(20, 12) // 2
    seen = {}
    for colour, shown in ((0.3, pool), (0.0, pool), (0.3, pool[..., [0, 0, 0]])):
        own = QUICK.model_copy(update={"colour": colour})
        encoder, _ = run(patches.fit(shown, own, 3, CPU))
        found, brighter = encoder.embed(shown[:3]), encoder.embed(shown[:3] + np.uint8(90))
        seen[colour, bool((shown[..., 0] == shown[..., 1]).all())] = np.abs(brighter - found).max()
    assert seen.pop((0.3, False)) > 0.5
    assert max(seen.values()) < 0.01


def test_colours_have_their_share_of_the_variance() -> None:
    weights = patches._weights(200 + patches.COLOURS, patches.COLOURS, 0.3)
    squares = np.square(weights)
    assert squares[:200].sum() == 200
    assert squares[200:].sum() == pytest.approx(0.3 * 200)
