"""Many knocks, few calls: one after the knocks went quiet, and never none after the last."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import click

from labelcycle.errors import LabelcycleError

QUIET_S = 10.0
"""Annotators send an answer every few seconds: a pause may be the end of the round."""

EVERY_S = 60.0
"""Between two calls at least; who never pauses is looked at as often."""


@dataclass
class Debounce:
    """When knocks are due to be answered; times in seconds of one clock.

    A call is due `quiet_s` after the last knock, or `every_s` after the first that was not
    answered if they do not pause, but never sooner than `every_s` after the call before.
    """

    quiet_s: float = QUIET_S
    every_s: float = EVERY_S
    first: float | None = None
    last: float = 0.0
    called: float = -math.inf

    def knock(self, at: float) -> None:
        """Somebody knocked."""
        self.first = at if self.first is None else self.first
        self.last = at

    def due(self) -> float | None:
        """When to call; None if nobody knocked since the last call."""
        if self.first is None:
            return None
        paused = min(self.last + self.quiet_s, self.first + self.every_s)
        return max(paused, self.called + self.every_s)

    def call(self, at: float) -> None:
        """A call begins: it answers all knocks so far."""
        self.first, self.called = None, at


class Waker:
    """Calls `act` in a thread of its own for the knocks that come in while the block lasts.

    A call that fails is told and made again, as if somebody had knocked.
    """

    def __init__(self, act: Callable[[], None], debounce: Debounce | None = None) -> None:
        self._act = act
        self._debounce = debounce or Debounce()
        self._changed = threading.Condition()
        self._over = False
        self._thread = threading.Thread(target=self._work, name="waker", daemon=True)

    def knock(self) -> None:
        """Ask for a call; returns at once."""
        with self._changed:
            self._debounce.knock(time.monotonic())
            self._changed.notify()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while self._wait():
            try:
                self._act()
            except LabelcycleError as problem:
                click.echo(f"no look was started: {problem}")
                self.knock()

    def _wait(self) -> bool:
        """Return when a call is due: True, or False if the block is over."""
        with self._changed:
            while not self._over:
                due, now = self._debounce.due(), time.monotonic()
                if due is not None and due <= now:
                    self._debounce.call(now)
                    return True
                self._changed.wait(None if due is None else due - now)
        return False
