"""How far a long computation is: a value that its caller may show and save."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]
"""Tensors, numbers and texts in nested dicts and lists, from which a computation goes on."""


@dataclass(frozen=True)
class Progress:
    """One step done.

    step, total : steps done and steps in all
    loss : mean training loss since the last value, or None where there is none
    snapshot : makes the state after this step, to be called before the next one; None where
        there is nothing to resume from
    """

    step: int
    total: int
    loss: float | None = None
    snapshot: Callable[[], State] | None = None
