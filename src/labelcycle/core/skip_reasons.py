"""Why people skip a sample: the reasons that they can name, and how labels and files word them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NONE, SEVERAL, UNCLEAR = "none of these", "several of these", "cannot be judged"
REASONS = (NONE, SEVERAL, UNCLEAR)
"""What an annotator can say of an image that has no class. A plain skip names none of them."""

SKIPPED = "skipped"
LEAD = f"{SKIPPED}: "
"""A rejected label's reason begins so, as in `skipped: none of these`; no class may."""


@dataclass(frozen=True)
class Skip:
    """One person's skip of a sample; reason : one of REASONS, or empty."""

    reason: str = ""


def worded(reason: str) -> str:
    """As in `skipped`, or `skipped: none of these`."""
    return f"{LEAD}{reason}" if reason else SKIPPED


def reason_of(text: str) -> str | None:
    """The reason in a text that `worded` wrote, empty for a plain skip; None for another text."""
    if text == SKIPPED:
        return ""
    reason = text.removeprefix(LEAD)
    return reason if reason in REASONS and reason != text else None


def offered(classes: Iterable[str]) -> tuple[str, ...]:
    """The reasons beside these classes: one that is called as a class is that class."""
    taken = {name.casefold() for name in classes}
    return tuple(reason for reason in REASONS if reason not in taken)


def common(skips: Sequence[Skip]) -> str:
    """The reason that most of the skips name; of equals the later one's; empty if none names one.

    skips : at least one
    """
    named = [skip.reason for skip in skips if skip.reason]
    counts = Counter(named)
    return max(reversed(named), key=counts.__getitem__, default="")


def counted(skips: Iterable[Skip]) -> dict[str, int]:
    """How many skips name each reason; `no reason` counts the others."""
    counts = Counter(skip.reason or "no reason" for skip in skips)
    return {name: counts[name] for name in (*REASONS, "no reason") if counts[name]}
