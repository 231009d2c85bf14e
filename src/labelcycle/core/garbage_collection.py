"""Python's collector of garbage, for processes that mostly import and soon end."""

import atexit
import gc

THRESHOLD = 10_000
"""New objects between two collections; Python's own is 700 to 2,000."""


def collect_less() -> None:
    """Collect seldom from now on, and not at the end.

    An import makes a million objects that live as long as the process. To look through them again
    and again, and once more at the end, takes a tenth to a fifth of a command's time.
    """
    gc.set_threshold(THRESHOLD, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)  # what is frozen is not looked through
