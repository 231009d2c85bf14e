"""What annotators see beside an image: its nearest labelled neighbours."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labelcycle.campaign.sample_files import Sample
from labelcycle.core.neighbours import unit_rows
from labelcycle.core.pool import UNLABELED
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages.pool_files import read_pool

BLOCK = 256


@dataclass(frozen=True)
class Neighbour:
    """A labelled sample and its class."""

    sample: Sample
    label: str


def neighbours(snapshot: Snapshot, picks: Sequence[str]) -> dict[str, tuple[Neighbour, ...]]:
    """For each pick up to `push.context` labelled samples, the most alike first, ties by id.

    Alike is the cosine of the features that the query saw. Empty where `push.context` is 0 or
    nothing is labelled yet.
    """
    campaign, wanted = snapshot.campaign, snapshot.config.push.context
    if not wanted or not picks:
        return {}
    classes = snapshot.config.classes
    own = snapshot.config.embed.features == "model"
    ids, pool = read_pool(campaign, classes, own_features=own)
    labelled = np.flatnonzero(pool.labels != UNLABELED)
    if not len(labelled):
        return {}
    samples = snapshot.records.samples("pool")
    row_of = {name: row for row, name in enumerate(ids)}
    known = unit_rows(pool.features[labelled])
    by_pick: dict[str, tuple[Neighbour, ...]] = {}
    for start in range(0, len(picks), BLOCK):
        names = picks[start : start + BLOCK]
        rows = np.array([row_of[name] for name in names])
        alike = unit_rows(pool.features[rows]) @ known.T
        alike[rows[:, np.newaxis] == labelled] = -np.inf  # a gold task would tell its own class
        order = np.argsort(-alike, axis=1, kind="stable")[:, :wanted]
        for name, row, near in zip(names, rows, labelled[order], strict=True):
            others = [r for r in near if r != row]
            by_pick[name] = tuple(Neighbour(samples[r], classes[pool.labels[r]]) for r in others)
    return by_pick
