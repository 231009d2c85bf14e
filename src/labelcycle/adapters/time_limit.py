"""An end for calls of libraries that would wait for ever.

MLflow's client and apprise speak HTTP by themselves, and bound the silence between two bytes alone.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

R = TypeVar("R")


def in_time(function: Callable[[], R], seconds: float) -> R:
    """What a function gives, or raises. Raises TimeoutError if it is not done in time.

    It is then left alone, in a thread that does not keep the program from ending: only for what
    does no harm if it is done later, or twice.
    """
    results: list[R] = []
    raised: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # raised again where it is waited for
            raised.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if raised:
        raise raised[0]
    if not results:
        raise TimeoutError(f"it was not done after {seconds:g} s")
    return results[0]
