"""What may differ between a round and its rebuild once samples of it were withdrawn.

A sample of the hold-out decides nothing that is selected, so the selection stays the same. Of the
metrics it takes its own place in the confusion away, and nothing else. A sample of the pool decides
clusters, picks and what the model learns, so these are shown side by side.
"""

from collections.abc import Sequence

from labelcycle.campaign.records.metrics_record import Evaluation, Metrics
from labelcycle.campaign.records.selection_record import RoundSelection
from labelcycle.campaign.records.withdrawn_record import Tombstone
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import DataError


def said(number: int, gone: Sequence[Tombstone]) -> str:
    """A line on the samples of a round that are gone."""
    dates = sorted({each.at[:10] for each in gone})
    when = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    were = counted(len(gone), f"sample of round {number} was", f"samples of round {number} were")
    return (
        f"{were} withdrawn on {when} ({', '.join(sorted(each.sample for each in gone)[:5])}"
        f"{' ...' if len(gone) > 5 else ''}); compared without {'it' if len(gone) == 1 else 'them'}"
    )


def encoder_is_gone(gone: Sequence[Tombstone], cohorts: int) -> bool:
    """Whether the encoder cannot be trained as it was; cohorts : how many it was trained on."""
    return any(each.cohort < cohorts for each in gone)


def selection_may_differ(gone: Sequence[Tombstone]) -> bool:
    """Whether the pool that was selected from lacks a sample now."""
    return any(each.split == "pool" for each in gone)


def selections(recorded: RoundSelection, rebuilt: RoundSelection) -> str:
    """A line on how many of the recorded picks are picked without the withdrawn samples, too."""
    before = {pick.sample for pick in recorded.samples}
    same = sum(pick.sample in before for pick in rebuilt.samples)
    return (
        f"selection: without them, {same} of the {len(before)} recorded picks that are left are"
        " picked again; the others may differ, for the pool is another"
    )


def measured_with(gone: Sequence[Tombstone], number: int) -> tuple[Tombstone, ...]:
    """Those that were still there when the round was measured."""
    return tuple(each for each in gone if number < each.round)


def metrics(recorded: Metrics, rebuilt: Evaluation, gone: Sequence[Tombstone]) -> str:
    """A line on the metrics without the withdrawn samples.

    Raises DataError if samples of the hold-out alone are gone, and more than these differs.
    """
    old, new = recorded.accuracy, rebuilt.accuracy
    figures = "no accuracy to compare"
    if old:
        without = f"{new.value:.4f} without" if new else "no sample is left to measure with"
        figures = f"accuracy {old.value:.4f} recorded, {without}"
    if any(each.split == "pool" for each in gone):
        return f"metrics: {figures}; they may differ, for the model learned without"
    if not recorded.confusion:
        return f"metrics: {figures}"
    left = rebuilt.confusion or [[0] * len(row) for row in recorded.confusion]
    less = [
        before - after
        for row, other in zip(recorded.confusion, left, strict=True)
        for before, after in zip(row, other, strict=True)
    ]
    if recorded.labels != rebuilt.labels or min(less) < 0 or sum(less) > len(gone):
        raise DataError(
            "the metrics differ in more than the withdrawn samples: wanted the confusion of"
            f" {recorded.confusion} less {counted(len(gone), 'sample')}, got {rebuilt.confusion}"
        )
    return f"metrics: the same but for what is gone from the hold-out ({figures})"
