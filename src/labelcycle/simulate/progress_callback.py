"""How long work says how far it is: whoever asks for it hands in how that is shown."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from labelcycle.nn.progress import Progress

Showing = Callable[[str], AbstractContextManager[Callable[[Progress], None]]]
"""From the name of some work, a function to call with each step of it."""

Watching = Callable[[NDArray[np.int64]], Callable[[Progress], None]]
"""From the classes of the images of a pretraining, a function to call with each step of it."""
