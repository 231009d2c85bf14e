"""The installed labelcycle for the tests of this folder."""

from wheel import installed

__all__ = ["installed"]
