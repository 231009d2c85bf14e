"""What results.json says, group by group."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from labelcycle.simulate.results import Row

Found = Mapping[str, Any]
"""The value of results.json."""


def groups(found: Found) -> list[tuple[dict[str, Any], str, str]]:
    """Facts of a set, learner, clusterer: what has a table of its own."""
    return list(product(found["sets"], labels(found, "learners"), labels(found, "clusterers")))


def labels(found: Found, kind: str) -> list[str]:
    """What the strategies, clusterers or learners are called, in the order of the file."""
    return [part["label"] for part in found[kind]]


def heading(found: Found, facts: Mapping[str, Any], learner: str, clusterer: str) -> str:
    """Name of a group; a clusterer that is the only one is not named."""
    named = [clusterer] if len(found["clusterers"]) > 1 else []
    return ", ".join([facts["data"], learner, *named])


def curves_of(found: Found, data: str, learner: str, clusterer: str) -> dict[str, list[Row]]:
    """By strategy, the rows of a group."""
    curves: dict[str, list[Row]] = {}
    for row in found["rows"]:
        if (row["data"], row["learner"], row["clusterer"]) == (data, learner, clusterer):
            curves.setdefault(row["strategy"], []).append(row)
    return curves
