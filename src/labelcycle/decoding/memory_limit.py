"""How much memory the decoders of all threads may use at a time."""

import contextlib
import threading
from collections.abc import Iterator

WHOLE = 2**30
"""Bytes. The largest image that is allowed needs about as much, so it is decoded alone."""

BYTES_A_PIXEL = 16
"""What decoding a pixel takes at its worst: the file's own pixels, two copies, and a mask."""


class Room:
    """Bytes that several threads share; whoever finds too few left waits."""

    def __init__(self, whole: int) -> None:
        self._whole = self._left = whole
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taken(self, wanted: int) -> Iterator[None]:
        """Hold `wanted` bytes, or all there are if that is less."""
        held = min(wanted, self._whole)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= held)
            self._left -= held
        try:
            yield
        finally:
            with self._changed:
                self._left += held
                self._changed.notify_all()


MEMORY = Room(WHOLE)
