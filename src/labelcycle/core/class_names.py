"""What a class may be called: a text that people can read, tell from others and write again.

Composed and decomposed accents look the same, so every name is taken in its composed form (NFC).
"""

import string
import unicodedata
from collections.abc import Collection, Iterable

from labelcycle.core.near_names import did_you_mean, question
from labelcycle.core.skip_reasons import LEAD

LONGEST = 100
"""Characters in a name; the longest of ImageNet's has 90."""

JOINERS = "\u200c\u200d"
"""Invisible, but part of how emoji and some scripts are written."""

FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\U0001d159"
"""Invisible too, though Unicode counts them among letters, marks and symbols."""

VIRAMA = 9
"""Canonical combining class of the sign after which a joiner changes the letter before it."""

LOOKALIKES = str.maketrans(
    "АВЕКМНОРСТУХІЈЅаеорсухіјѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
    "ABEKMHOPCTYXIJSaeopcyxijsABEZHIKMNOPTYXo",
)
"""Letters of Cyrillic and Greek, and those of Latin that look the same."""

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
    unseen = next((letter for place, letter in enumerate(name) if _unseen(name, place)), None)
    if unseen is not None:
        called = unicodedata.name(unseen, "a control character")
        return (
            "wanted class names without invisible characters, got"
            f" U+{ord(unseen):04X} ({called}) in {name!r}; write the name anew by hand"
        )
    if "  " in name:
        return f"wanted single blanks, for pages show several as one, got {name!r}"
    if len(name) > LONGEST:
        return f"wanted class names of at most {LONGEST} characters, got {len(name)}: {name!r}"
    if name.casefold().startswith(LEAD):
        return (
            f"wanted class names that do not begin with {LEAD!r}, which marks skips, got {name!r}"
        )
    return None


def checked(names: Iterable[str]) -> tuple[str, ...]:
    """The names, composed. Raises ValueError that says what is wrong with the first bad one."""
    class_names = tuple(map(composed, names))
    for name in class_names:
        problem = objection(name)
        if problem:
            raise ValueError(problem)
    twice = sorted({name for name in class_names if class_names.count(name) > 1})
    if twice:
        raise ValueError(
            f"wanted distinct class names, got {twice} more than once (accents composed or"
            " decomposed make no difference)"
        )
    first: dict[str, str] = {}
    for name in class_names:
        other = first.setdefault(_seen(name), name)
        if other != name:
            raise ValueError(
                f"wanted class names that people can tell apart, got {other!r} and {name!r}"
                f" ({other!a} and {name!a}); write one of them another way"
            )
    return class_names


def meant(name: str, classes: Collection[str]) -> str:
    """The question whether a class like the unknown name was meant; empty if none is like it."""
    folded = {class_name.casefold(): class_name for class_name in reversed(list(classes))}
    same = folded.get(" ".join(name.split()).casefold())
    return question([same]) if same else did_you_mean(name, classes)


def _unseen(name: str, place: int) -> bool:
    """Whether nobody sees this character of a name, or what it does to those beside it."""
    letter = name[place]
    if letter in JOINERS:
        return not _joins(name[:place], name[place + 1 :])
    if _selects(letter):
        return not name[:place] or name[place - 1] == " " or name[place - 1] in string.ascii_letters
    if letter == " ":
        return False
    hidden = unicodedata.category(letter) in UNSEEN or letter in FILLERS
    return hidden or ord(letter) & 0xFFFE == 0xFFFE


def _joins(before: str, behind: str) -> bool:
    """Whether a joiner between two texts is seen: in an emoji, or as scripts that join use it."""
    if not before:
        return False
    last = before[-1]
    if unicodedata.combining(last) == VIRAMA:
        return True
    able = unicodedata.category(last) in ("Mn", "Mc", "So", "Sk")
    joined = unicodedata.bidirectional(last) == "AL"
    return (able or joined) and behind[:1].isprintable() and not behind[:1].isascii()


def _selects(letter: str) -> bool:
    """Whether a character chooses among forms of the one before it."""
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def _seen(name: str) -> str:
    """The same for names that people take for one."""
    kept = (letter for letter in name if letter not in JOINERS and not _selects(letter))
    return "".join(kept).translate(LOOKALIKES)
