"""Each test of a command has the environment to itself."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Commands tell the programs they start what to do through the environment."""
    with mock.patch.dict(os.environ):
        yield
