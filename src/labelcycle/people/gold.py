"""How reliable people are on gold tasks, whose class was known before anybody was asked."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from labelcycle.campaign.labels import read_owned
from labelcycle.core.answer_times import effort
from labelcycle.core.metrics import wilson
from labelcycle.core.skip_reasons import Skip
from labelcycle.rounds import answers
from labelcycle.rounds.answers import Reply
from labelcycle.rounds.pushed_tasks import GOLD
from labelcycle.rounds.snapshots import Snapshot

LEAST = 5
"""Gold answers below which nobody is named, however wrong they are."""


NONE: Mapping[str, Any] = {"below": [], "annotators": {}}
"""The figures of a round without gold tasks, or of an earlier version."""


def truth(snapshot: Snapshot) -> dict[str, str]:
    """The known class of each sample whose label was owned before round 0."""
    found = read_owned(snapshot.campaign)
    return {label.sample: label.label for label in found if label.label is not None}


def figures(
    snapshot: Snapshot, replies: Iterable[Reply], present: Collection[str]
) -> dict[str, Any]:
    """Of each annotator: gold answers so far in the campaign, share right, seconds; who is named.

    present : the annotators of this round; nobody else is named in `below`

    `below` are those whose share of right answers is below `push.gold_alert` with its whole
    interval: with the threshold at 0.7, somebody who is right nine times of ten is hardly ever
    among them, as would be if the share itself were compared. A skip is no answer. Samples whose
    known class was removed since tell nothing, and are left out.
    """
    known, config = truth(snapshot), snapshot.config
    own: dict[str, list[Reply]] = defaultdict(list)
    for reply in answers.last_replies(r for r in replies if r.kind == GOLD and r.sample in known):
        own[reply.annotator].append(reply)
    found = {
        name: _person(own[name], known, config.accept.longest, config.evaluate.confidence)
        for name in sorted(own)
    }
    below = [
        name
        for name, person in found.items()
        if name in present
        and person["answers"] >= LEAST
        and person["right"]["high"] < config.push.gold_alert
    ]
    return {"below": below, "annotators": found}


def _person(
    replies: list[Reply], known: Mapping[str, str], longest: float, confidence: float
) -> dict[str, Any]:
    said = [reply for reply in replies if not isinstance(reply.given, Skip)]
    right = sum(reply.given == (known[reply.sample],) for reply in said)
    return {
        "answers": len(said),
        "skipped": len(replies) - len(said),
        "right": asdict(wilson(right, len(said), confidence)) if said else None,
        "seconds": effort([reply.seconds for reply in replies], 0, longest).median,
    }


def names(found: Mapping[str, Any]) -> str:
    """Who is named, as a text."""
    below = found["below"]
    return f"annotator{'s' if len(below) > 1 else ''} {', '.join(below)}"


def told(found: Mapping[str, Any]) -> list[str]:
    """A line on each annotator who is named."""
    people = [(name, found["annotators"][name]) for name in found["below"]]
    return [
        f"Annotator {name}: {person['right']['value']:.2f} of {person['answers']} answers to gold"
        f" tasks are right ({person['right']['low']:.2f} to {person['right']['high']:.2f})."
        for name, person in people
    ]
