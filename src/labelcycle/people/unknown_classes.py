"""Answers that name no class of the campaign, as after somebody edited the page by hand."""

from collections.abc import Collection, Iterable

from labelcycle.campaign.records.people_record import UnknownClasses
from labelcycle.core import consensus
from labelcycle.core.counted_nouns import counted
from labelcycle.rounds.answers import CountedAnswer

NAMED = 5
"""So many of the names are said; more stand in `metrics.json`."""

KEPT = 50
"""So many of them are kept, each cut: anybody may send any number of names of any length."""


def figures(answers: Iterable[CountedAnswer], classes: Collection[str]) -> UnknownClasses:
    """How many of the answers do not count for the names they hold, and the first of the names."""
    unknown = [
        set(answer.given) - set(classes)
        for answer in answers
        if isinstance(answer.given, tuple)
        and answer.given
        and consensus.valid_class(answer.given, classes) is None
    ]
    names = sorted({consensus.cut(name) for name in set().union(*unknown)})
    return UnknownClasses(answers=sum(map(bool, unknown)), names=tuple(names[:KEPT]))


def summary_line(figures: UnknownClasses) -> str:
    """A line on them; empty if there are none."""
    if not figures.answers:
        return ""
    names = figures.names
    shown = ", ".join(map(repr, names[:NAMED])) + (" ..." if len(names) > NAMED else "")
    subject = counted(figures.answers, "answer names", "answers name")
    verb = "does" if figures.answers == 1 else "do"
    return f"{subject} no class of this campaign ({shown}) and {verb} not count"
