"""Rounds at servers in memory."""

from pathlib import Path

import pytest

from faults.trials import Doubles


@pytest.fixture
def rounds(tmp_path: Path) -> Doubles:
    return Doubles(tmp_path)
