"""Which known names somebody may have meant by an unknown one."""

import difflib
from collections.abc import Iterable

LIKENESS = 0.65
"""difflib's ratio from which another name may have been meant."""

LOOSE = 0.4
"""The same for names of many parts, such as those of published models."""


def near_names(
    name: str, known: Iterable[str], most: int = 3, likeness: float = LIKENESS
) -> list[str]:
    """At most `most` of the known names, the one most like `name` first.

    >>> near_names("typyclust", ["margin", "typiclust", "supclust"])
    ['typiclust', 'supclust']
    """
    return difflib.get_close_matches(name, list(known), n=most, cutoff=likeness)


def did_you_mean(name: str, known: Iterable[str], most: int = 1) -> str:
    """The question whether a known name was meant; empty if none is like it.

    >>> did_you_mean("budgit", ["budget", "strategy"])
    "did you mean 'budget'?"
    >>> did_you_mean("colour", ["budget", "strategy"])
    ''
    """
    return question(near_names(name, known, most))


def question(names: Iterable[str]) -> str:
    """The question whether one of these names was meant; empty without any."""
    quoted = " or ".join(repr(name) for name in names)
    return f"did you mean {quoted}?" if quoted else ""
