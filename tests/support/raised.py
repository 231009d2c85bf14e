"""The whole text of an error, for tests that compare it."""

from collections.abc import Callable

import pytest


def told(kind: type[Exception], work: Callable[[], object]) -> str:
    """What the error says that `work` raises; it is of exactly that kind."""
    with pytest.raises(kind) as error:
        work()
    assert type(error.value) is kind
    return str(error.value)
