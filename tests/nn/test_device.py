"""cuDNN repeats itself while a network is trained, and is left as it was."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from labelcycle.nn import classifier, simclr
from labelcycle.nn.device import compiled, repeatable
from labelcycle.nn.network_encoder import raw_features

cudnn, products = torch.backends.cudnn, torch.backends.cuda.matmul


def settings() -> tuple[bool, bool, bool, bool]:
    return cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, products.allow_tf32


FAST, REPEATABLE = (False, True, True, True), (True, False, False, False)


class Watching(nn.Module):
    """(b, 3, s, s) to (b, 3), with the settings under which it was trained."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(3))
        self.found: set[tuple[bool, bool, bool, bool]] = set()
        self.asked: set[tuple[bool, bool, bool, bool]] = set()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = self.found if self.training else self.asked
        seen.add(settings())
        return images.mean(dim=(2, 3)) * self.factor


def _set(wanted: tuple[bool, bool, bool, bool]) -> None:
    cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, products.allow_tf32 = wanted


@pytest.fixture
def fast() -> Iterator[None]:
    """Settings for speed, as a program that uses the library may have made them."""
    before = settings()
    _set(FAST)
    yield
    _set(before)


@pytest.mark.usefixtures("fast")
def test_both_trainings_are_repeatable_and_leave_no_trace() -> None:
    images = np.zeros((4, 6, 6, 3), np.uint8)
    pretrained, labelled = Watching(), Watching()
    for _ in simclr.train(pretrained, images, simclr.Options(epochs=2, projection=2), 0):
        assert settings() == FAST
    model = classifier.Classifier(labelled, 3, 2)
    classifier.train(model, images, np.arange(4) % 2, classifier.Options(epochs=2), 0)
    assert pretrained.found == labelled.found == {REPEATABLE}
    assert settings() == FAST


@pytest.mark.usefixtures("fast")
def test_an_error_leaves_the_settings_as_they_were() -> None:
    with pytest.raises(ValueError, match="in the way"), repeatable():
        raise ValueError("in the way")
    assert settings() == FAST


@pytest.mark.usefixtures("fast")
def test_features_are_computed_so_too() -> None:
    network = Watching().eval()
    list(raw_features(network, np.zeros((4, 6, 6, 3), np.uint8)))
    assert network.asked == {REPEATABLE}
    assert settings() == FAST


def test_what_is_compiled_has_its_temporary_files_beside_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", lambda network: network)
    monkeypatch.setattr(tempfile, "tempdir", tempfile.gettempdir())
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "own"))
    compiled(torch.nn.Identity())
    assert tempfile.gettempdir() == str(tmp_path / "own")
    assert (tmp_path / "own").stat().st_mode & 0o077 == 0
