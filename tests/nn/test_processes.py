"""One training in two processes that talk over loopback."""

import sys
from pathlib import Path

import numpy as np
import pytest
import several_processes
import torch

from labelcycle.adapters import process_group
from labelcycle.errors import DataError, SettingsError
from labelcycle.nn import process_rank, simclr, training_processes
from labelcycle.nn.projection_head import initialised


@pytest.mark.slow
def test_two_processes_train_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = [sys.executable, several_processes.__file__, str(tmp_path / "two.npz")]
    process_group.run(words, 2, tmp_path, tmp_path / "processes")
    expected = several_processes.run(several_processes.OPTIONS)
    with np.load(tmp_path / "two.npz") as found:
        assert set(found) == set(expected)
        for key in expected:  # float32 sums in another order
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("total", "count"), [(7, 2), (6, 2), (2, 2), (11, 4), (5, 1)])
def test_parts_are_even_and_in_order(
    monkeypatch: pytest.MonkeyPatch, total: int, count: int
) -> None:
    monkeypatch.setattr(training_processes, "count", lambda: count)
    rows: list[int] = []
    sizes = []
    for rank in range(count):
        monkeypatch.setattr(training_processes, "rank", lambda rank=rank: rank)
        part = range(total)[training_processes.part(total)]
        rows += part
        sizes.append(len(part))
    assert rows == list(range(total))
    assert max(sizes) - min(sizes) <= 1


def test_alone_all_rows_are_ones_own() -> None:
    own = torch.randn((3, 2), requires_grad=True)
    assert training_processes.gathered(own, 3) is own
    assert (training_processes.count(), training_processes.rank()) == (1, 0)


def test_batches_of_less_than_two_images_a_process_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training_processes, "count", lambda: 4)
    images = np.zeros((7, 8, 8, 3), np.uint8)
    network = initialised(several_processes.build, 0)
    with pytest.raises(SettingsError, match=r"4 processes for batches of 7 images.*lower pretrain"):
        next(simclr.train(network, images, several_processes.OPTIONS, 0))


def test_memory_that_runs_out_in_one_of_several_processes_ends_the_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = np.zeros((20, 8, 8, 3), np.uint8)
    network = initialised(several_processes.build, 0)
    training = simclr.train(network, images, several_processes.OPTIONS, 0)
    next(training)
    monkeypatch.setattr(training_processes, "count", lambda: 2)
    monkeypatch.setattr(network, "forward", out_of_memory)
    with pytest.raises(DataError, match=r"memory ran out with 7 images at a time.*lower"):
        next(training)


def out_of_memory(images: torch.Tensor) -> torch.Tensor:
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_more_processes_than_gpus_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(process_rank.VARIABLE, "0/3:store")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with (
        pytest.raises(SettingsError, match=r"3 processes: wanted at most one a GPU.* are 2"),
        training_processes.joined(torch.device("cuda", 0)),
    ):
        pass
