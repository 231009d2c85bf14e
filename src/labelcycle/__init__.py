"""labelcycle: recurring image-labelling cycles on a small budget.

`from labelcycle import select` is the selection alone, for arrays.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labelcycle.selection import select

__version__ = "0.1.0"
__all__ = ["__version__", "select"]


def __getattr__(name: str) -> Any:
    """`select`, imported when it is asked for: the commands start without it."""
    if name == "select":
        from labelcycle.selection import select

        return select
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
