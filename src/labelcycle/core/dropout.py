"""A head's logits under dropout: one smaller model a draw, the same for all samples.

Gal, Ghahramani: Dropout as a Bayesian Approximation, ICML 2016 (arXiv 1506.02142): a mask is a
draw of the model. Frameworks draw one for each sample, whose numbers then hang on the order of
the rows; here all samples meet the same draws, which also makes a draw a matter of the weights:
(x * mask) @ W = x @ (mask * W), so that all draws are one matrix product.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from labelcycle.core.pool import Head
from labelcycle.core.threads import cut, in_parallel

BLOCK_BYTES = 8 * 2**20
"""Logits that one thread has in hand at a time."""

Masks = NDArray[np.float64]
"""(t, h): 0 where a unit of the layer is dropped, else what it is multiplied by."""

Score = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Logits (m, t, c) of some samples under t draws -> (m,) or (m, k)."""


def drawn_masks(rng: np.random.Generator, draws: int, width: int, dropout: float) -> Masks:
    """(draws, width): 0 with chance `dropout`, else 1 / (1 - dropout), which keeps the mean."""
    kept = rng.random((draws, width)) >= dropout
    masks: Masks = kept / (1 - dropout)
    return masks


def under_dropout(
    head: Head, rows: NDArray[np.int64], masks: Masks, judge: Score
) -> NDArray[np.float64]:
    """What `judge` makes of the logits of `rows` (m, at least one) under each mask; in their order.

    Memory: `BLOCK_BYTES` of logits a thread and what `judge` needs, and 8 t h c bytes of weights.
    """
    draws, classes = len(masks), len(head.bias)
    weights = masks[:, :, None] * head.weights  # (t, h, c)
    weights = weights.transpose(1, 0, 2).reshape(masks.shape[1], draws * classes)
    bias = head.bias.astype(np.float64)

    def part(block: NDArray[np.int64]) -> NDArray[np.float64]:
        logits = head.hidden[block].astype(np.float64) @ weights
        return judge(logits.reshape(len(block), draws, classes) + bias)

    size = max(1, BLOCK_BYTES // (8 * draws * classes))
    return np.concatenate(in_parallel(part, cut(rows, size)))
