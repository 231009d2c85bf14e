"""Answers that name no class of the campaign, as after somebody edited the page by hand."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from labelcycle.core import consensus
from labelcycle.rounds.answers import Reply

NONE: Mapping[str, Any] = {"answers": 0, "names": []}
"""The figures of a round without any."""

NAMED = 5
"""So many of the names are said; more stand in `metrics.json`."""

KEPT = 50
"""So many of them are kept, each cut: anybody may send any number of names of any length."""


def figures(replies: Iterable[Reply], classes: Collection[str]) -> dict[str, Any]:
    """How many of the answers do not count for the names they hold, and the first of the names."""
    unknown = [
        set(reply.given) - set(classes)
        for reply in replies
        if isinstance(reply.given, tuple)
        and reply.given
        and consensus.said(reply.given, classes) is None
    ]
    names = sorted({consensus.cut(name) for name in set().union(*unknown)})
    return {"answers": sum(map(bool, unknown)), "names": names[:KEPT]}


def told(found: Mapping[str, Any] | None) -> str:
    """A line on them; empty if there are none."""
    if not found or not found["answers"]:
        return ""
    names = found["names"]
    shown = ", ".join(map(repr, names[:NAMED])) + (" ..." if len(names) > NAMED else "")
    if found["answers"] == 1:
        return f"1 answer names no class of this campaign ({shown}) and does not count"
    return f"{found['answers']} answers name no class of this campaign ({shown}) and do not count"
