"""Which of several processes of one training this is. Without torch, so that anybody may ask."""

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "LABELCYCLE_RANK"
"""Environment variable of each process: `<number>/<count>:<store>`."""


@dataclass(frozen=True)
class Rank:
    """One of several processes.

    number : from 0; the first one writes the files
    count : of the processes, all on this machine
    store : file in which they find each other
    """

    number: int
    count: int
    store: Path

    def __str__(self) -> str:
        return f"{self.number}/{self.count}:{self.store}"


def own() -> Rank | None:
    """This process's, or None if it trains alone.

    >>> own() is None
    True
    """
    text = os.environ.get(VARIABLE)
    if text is None:
        return None
    place, _, store = text.partition(":")
    number, _, count = place.partition("/")
    return Rank(int(number), int(count), Path(store))
