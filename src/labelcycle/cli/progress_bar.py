"""Shows long work: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from tqdm import tqdm

EVERY_S = 15.0


class Step(Protocol):
    """Something that says how far it is: `step` of `total`, with what it wants to tell."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def total(self) -> int:
        """Steps in all."""


@contextmanager
def shown(name: str) -> Iterator[Callable[[Step], None]]:
    """A function to call with each step of the work `name`."""
    bar = tqdm(desc=name, disable=not sys.stderr.isatty(), leave=False)
    last = time.monotonic()
    loss: float | None = None

    def show(step: Step) -> None:
        nonlocal last, loss
        bar.total = step.total
        bar.update(step.step - bar.n)
        note = getattr(step, "note", None)
        if note is not None:
            tqdm.write(f"{name}: {note}", file=sys.stderr)
        loss = getattr(step, "loss", None) or loss
        if loss is not None:
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
        if bar.disable and time.monotonic() - last >= EVERY_S:
            last = time.monotonic()
            loss_text = "" if loss is None else f", loss {loss:.3f}"
            click.echo(f"{name}: {step.step} of {step.total}{loss_text}", err=True)

    try:
        yield show
    finally:
        bar.close()
