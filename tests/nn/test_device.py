"""cuDNN repeats itself while a network is trained, and is left as it was."""

import numpy as np
import pytest
import torch
from torch import nn

from labelcycle.nn import classifier, simclr
from labelcycle.nn.device import repeatable

cudnn = torch.backends.cudnn


class Watching(nn.Module):
    """(b, 3, s, s) to (b, 3), with the settings under which it was trained."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(3))
        self.found: set[tuple[bool, bool]] = set()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.found.add((cudnn.deterministic, cudnn.benchmark))
        return images.mean(dim=(2, 3)) * self.factor


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings for speed, as a program that uses the library may have made them."""
    monkeypatch.setattr(cudnn, "deterministic", False)
    monkeypatch.setattr(cudnn, "benchmark", True)


@pytest.mark.usefixtures("fast")
def test_both_trainings_are_repeatable_and_leave_no_trace() -> None:
    images = np.zeros((4, 6, 6, 3), np.uint8)
    pretrained, labelled = Watching(), Watching()
    for _ in simclr.train(pretrained, images, simclr.Options(epochs=2, projection=2), 0):
        assert (cudnn.deterministic, cudnn.benchmark) == (False, True)
    model = classifier.Classifier(labelled, 3, 2)
    classifier.train(model, images, np.arange(4) % 2, classifier.Options(epochs=2), 0)
    assert pretrained.found == labelled.found == {(True, False)}
    assert (cudnn.deterministic, cudnn.benchmark) == (False, True)


@pytest.mark.usefixtures("fast")
def test_an_error_leaves_the_settings_as_they_were() -> None:
    with pytest.raises(ValueError, match="in the way"), repeatable():
        raise ValueError("in the way")
    assert (cudnn.deterministic, cudnn.benchmark) == (False, True)
