"""tools/plug_in_types.py: the protocol of each plug-in, and what is told of one that lacks some."""

import plug_in_types
import pytest

from labelcycle.adapters import annotation
from labelcycle.core import clusterers, strategies
from labelcycle.nn import encoders, learners


def test_every_plug_in_has_a_protocol() -> None:
    found = plug_in_types.protocols()
    packages = (strategies, clusterers, encoders, learners, annotation)
    assert set(found) == {f"{p.__name__}.{name}" for p in packages for name in p.names()}
    assert found["labelcycle.nn.encoders.precomputed"] == "labelcycle.nn.encoders.ReadyMadeModule"
    assert found["labelcycle.nn.encoders.pixels"] == "labelcycle.nn.encoders.EncoderModule"
    assert found["labelcycle.nn.learners.finetune"] == "labelcycle.nn.learners.ImageLearnerModule"
    assert found["labelcycle.nn.learners.linear"] == "labelcycle.nn.learners.LearnerModule"


@pytest.mark.slow  # mypy
@pytest.mark.parametrize(
    ("plug_in", "protocol", "lacking"),
    [
        ("nn.encoders.precomputed", "nn.encoders.EncoderModule", "default_size"),
        ("nn.learners.linear", "nn.learners.ImageLearnerModule", "INPUT"),
        ("core.strategies.random", "core.clusterers.Clusterer", "fit"),
    ],
)
def test_what_a_plug_in_lacks_is_told(
    plug_in: str, protocol: str, lacking: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert plug_in_types.check({f"labelcycle.{plug_in}": f"labelcycle.{protocol}"}) == 1
    assert lacking in capfd.readouterr().out
