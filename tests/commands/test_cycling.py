"""The commands of the cycle."""

from labelcycle import pipeline
from labelcycle.commands import cycling


def test_the_command_knows_the_stages_of_the_pipeline() -> None:
    assert cycling.STAGES == pipeline.NAMES
