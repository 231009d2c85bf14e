"""What somebody could do to a team, its machines and its labels, played for real.

A module `played_*.py` holds attacks on one thing. Each is a function with the mark `attack`,
which takes an empty folder and gives a `Try` for everything that it tried.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Try:
    """One thing tried; `succeeded` if the harm was done."""

    what: str
    succeeded: bool


Play = Callable[[Path], Iterable[Try]]


@dataclass(frozen=True)
class Attack:
    """An attack.

    what : the harm, in a few words
    servers : it needs a real server, so it is no part of the quick tests
    slow : it takes more than a few seconds, so it is none either
    """

    what: str
    play: Play
    servers: bool
    slow: bool = False


_ATTACKS: list[Attack] = []


def attack(what: str, servers: bool = False, slow: bool = False) -> Callable[[Play], Play]:
    """Mark a function as an attack."""

    def mark(play: Play) -> Play:
        _ATTACKS.append(Attack(what, play, servers, slow))
        return play

    return mark


def attacks() -> list[Attack]:
    """All attacks of this package, by module and in the order of their text."""
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda m: m.name):
        if module.name.startswith("played_"):
            importlib.import_module(f"{__name__}.{module.name}")
    return list(_ATTACKS)
