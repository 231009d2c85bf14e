"""How long work says how far it is: whoever asks for it hands in how that is shown."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from labelcycle.nn.progress import Progress

Showing = Callable[[str], AbstractContextManager[Callable[[Progress], None]]]
"""From the name of some work, a function to call with each step of it."""
