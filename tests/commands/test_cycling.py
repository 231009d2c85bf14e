"""The commands of the cycle."""

from labelcycle.cli import cycle_commands
from labelcycle.stages import declaration


def test_the_command_knows_the_stages_of_the_pipeline() -> None:
    assert cycle_commands.STAGES == declaration.NAMES
