"""Where the images of a training are."""

from typing import Any

import numpy as np
import pytest
import torch

from labelcycle.nn import pool_pixels
from labelcycle.nn.pool_pixels import PoolPixels


def images(channels: int = 3) -> np.ndarray[Any, np.dtype[np.uint8]]:
    found = np.random.default_rng(0).integers(0, 256, (5, 4, 4, channels), dtype=np.uint8)
    return np.broadcast_to(found, (5, 4, 4, 3))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_its_rows_in_0_to_1_with_one_channel_where_all_are_grey(channels: int) -> None:
    pool = PoolPixels(images(channels), torch.device("cpu"))
    rows = torch.tensor([4, 0, 0])
    batch = pool.take(rows)
    assert batch.dtype == torch.float32
    assert batch.shape == (3, channels, 4, 4)
    expected = images(channels)[rows.numpy(), :, :, :channels].transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(batch, expected, rtol=1e-6)
    assert pool.resident


@pytest.mark.parametrize(("free", "resident"), [(5 * 48 * 2, True), (5 * 48 * 2 - 1, False)])
def test_a_pool_above_half_of_the_free_memory_stays_with_the_host(
    monkeypatch: pytest.MonkeyPatch, free: int, resident: bool
) -> None:
    # "meta" stands for a GPU: not the CPU, and what is moved there has no bytes to read
    monkeypatch.setattr(pool_pixels, "free_bytes", lambda device: free)
    pool = PoolPixels(images(), torch.device("meta"))
    assert pool.resident == resident
    assert pool.gigabytes == 240 / 1e9
