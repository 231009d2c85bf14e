"""What a class may be called: a text that people can read, tell from others and write again.

Composed and decomposed accents look the same, so every name is taken in its composed form (NFC).
"""

import difflib
import unicodedata
from collections.abc import Collection, Iterable

from labelcycle.core.skips import LEAD

LONGEST = 100
"""Characters in a name; the longest of ImageNet's has 90."""

JOINERS = "\u200c\u200d"
"""Invisible, but part of how emoji and some scripts are written."""

UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
"""Unicode's categories of characters that nobody sees; the plain blank is allowed inside."""


def composed(name: str) -> str:
    """The name with composed accents."""
    return unicodedata.normalize("NFC", name)


def objection(name: str) -> str | None:
    """What is wrong with a name, as `wanted ..., got ...`; None if nothing is."""
    if not name.strip():
        return f"wanted a class name, got {name!r}"
    if name != name.strip():
        return f"wanted class names without outer blanks, got {name!r}"
    unseen = next((letter for letter in name if _unseen(letter)), None)
    if unseen is not None:
        called = unicodedata.name(unseen, "a control character")
        return (
            "wanted class names without invisible characters, got"
            f" U+{ord(unseen):04X} ({called}) in {name!r}; write the name anew by hand"
        )
    if len(name) > LONGEST:
        return f"wanted class names of at most {LONGEST} characters, got {len(name)}: {name!r}"
    if name.casefold().startswith(LEAD):
        return (
            f"wanted class names that do not begin with {LEAD!r}, which marks skips, got {name!r}"
        )
    return None


def checked(names: Iterable[str]) -> tuple[str, ...]:
    """The names, composed. Raises ValueError that says what is wrong with the first bad one."""
    found = tuple(map(composed, names))
    for name in found:
        problem = objection(name)
        if problem:
            raise ValueError(problem)
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise ValueError(
            f"wanted distinct class names, got {twice} more than once (accents composed or"
            " decomposed make no difference)"
        )
    return found


def meant(name: str, classes: Collection[str]) -> str:
    """The question whether a class like the unknown name was meant; empty if none is like it."""
    folded = {each.casefold(): each for each in reversed(list(classes))}
    same = folded.get(" ".join(name.split()).casefold())
    near = [same] if same else difflib.get_close_matches(name, classes, n=1)
    return f"did you mean {near[0]!r}?" if near else ""


def _unseen(letter: str) -> bool:
    if letter in JOINERS or letter == " ":
        return False
    return unicodedata.category(letter) in UNSEEN or ord(letter) & 0xFFFE == 0xFFFE
