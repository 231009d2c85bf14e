"""What a user should be told each time, though it stops nothing: a line where a command runs."""

import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any


class Advice(UserWarning):
    """A warning about this run, not about the code that gives it."""


def print_notices() -> None:
    """From now on each `Advice` is one line on standard error; other warnings are shown as before.

    `warnings.catch_warnings` around it ends that.
    """
    warnings.simplefilter("always", Advice)
    warnings.showwarning = partial(_show, warnings.showwarning)


def _show(
    otherwise: Callable[..., None],
    message: Warning | str,
    category: type[Warning],
    *where: Any,
    **more: Any,
) -> None:
    if not issubclass(category, Advice):
        otherwise(message, category, *where, **more)
        return
    from tqdm import tqdm  # so that a bar under way stays whole

    tqdm.write(f"labelcycle: {message}", file=sys.stderr)
