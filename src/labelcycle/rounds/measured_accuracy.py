"""The accuracy of a model in words: with its interval, and of how much of the hold-out it is."""

from labelcycle.core.counted_nouns import counted
from labelcycle.core.metrics import Estimate


def text(
    accuracy: Estimate,
    measured: int | None = None,
    holdout: int | None = None,
    groups: int | None = None,
) -> str:
    """The accuracy, as `0.710 (0.644 to 0.768)`; a partly answered hold-out is told with it.

    measured : images of the hold-out with a label; holdout : all of them; None: not known
    groups : how many the interval is a bootstrap over; None: it is of single samples

    >>> text(Estimate(0.71, 0.644, 0.768), 200, 200)
    '0.710 (0.644 to 0.768)'
    >>> text(Estimate(0.71, 0.467, 0.872), 17, 60)
    '0.710 (0.467 to 0.872) over 17 of 60 hold-out images'
    >>> text(Estimate(0.7, 0.6, 0.8), groups=12)
    '0.700 (0.600 to 0.800, by 12 groups)'
    """
    by = f", by {counted(groups, 'group')}" if groups is not None else ""
    share = f"{accuracy.value:.3f} ({accuracy.low:.3f} to {accuracy.high:.3f}{by})"
    if measured is None or holdout is None or measured >= holdout:
        return share
    return f"{share} over {measured} of {holdout} hold-out images"
