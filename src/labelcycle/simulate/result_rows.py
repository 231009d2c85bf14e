"""What results.json says, group by group."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from labelcycle.simulate.results import Row

ResultsJson = Mapping[str, Any]
"""The value of results.json."""


def groups(results: ResultsJson) -> list[tuple[dict[str, Any], str, str]]:
    """Facts of a set, learner, clusterer: what has a table of its own."""
    return list(
        product(results["sets"], labels(results, "learners"), labels(results, "clusterers"))
    )


def labels(results: ResultsJson, kind: str) -> list[str]:
    """What the strategies, clusterers or learners are called, in the order of the file."""
    return [part["label"] for part in results[kind]]


def heading(results: ResultsJson, facts: Mapping[str, Any], learner: str, clusterer: str) -> str:
    """Name of a group; a clusterer that is the only one is not named."""
    named = [clusterer] if len(results["clusterers"]) > 1 else []
    return ", ".join([facts["data"], learner, *named])


def curves_of(
    results: ResultsJson, data: str, learner: str, clusterer: str
) -> dict[str, list[Row]]:
    """By strategy, the rows of a group."""
    curves: dict[str, list[Row]] = {}
    for row in results["rows"]:
        if (row["data"], row["learner"], row["clusterer"]) == (data, learner, clusterer):
            curves.setdefault(row["strategy"], []).append(row)
    return curves
