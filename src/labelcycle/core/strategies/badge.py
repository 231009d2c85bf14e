"""BADGE: samples whose gradients at the last layer are large and unlike; for larger later rounds.

Ash, Zhang, Krishnamurthy, Langford, Agarwal: Deep Batch Active Learning by Diverse, Uncertain
Gradient Lower Bounds, ICLR 2020 (arXiv 1906.03671). The gradient is that of the loss, if the
likeliest class were the label. It is taken with respect to the weights, without the bias: (p -
onehot) outer hidden.

The gradient is never built. A product of two gradients is a product of two small products. The
first pick has the longest gradient, as in the authors' code. The others follow by k-means++.

The paper does not say what happens where only copies of picks remain. Here they follow by the
length of their gradient.

Slow version: tests/core/test_badge.py, `slow_badge`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax  # type: ignore[import-untyped]

from labelcycle.core.pool import Head, Pool, Selection
from labelcycle.core.stable_order import best_first, steady
from labelcycle.core.strategies import _cold_start
from labelcycle.core.threads import in_parallel

NEEDS = frozenset({"clusters", "head"})

SAME = 1e-12
"""Squared distances below this share of the squared lengths are copies: hidden is float32."""

BLOCK_ROWS = 2**16
PART_ROWS = 2**10
"""Rows turned to float64 at a time, which stay in the processor's cache."""


class Options(_cold_start.Options):
    """Settings of BADGE."""


@dataclass(frozen=True)
class Gradients:
    """Gradients of n samples as their two factors: `errors[i]` outer `hidden[i]`.

    errors : (n, c) float64, probabilities less 1 at the likeliest class
    hidden : (n, h) float32
    squares : (n,) float64, squared lengths
    """

    errors: NDArray[np.float64]
    hidden: NDArray[np.float32]
    squares: NDArray[np.float64]

    def squared_distances(self, row: int) -> NDArray[np.float64]:
        """(n,) float64: from the gradient of `row` to each; exactly 0 for itself and copies."""
        products = _blockwise(self.hidden, self.hidden[row].astype(np.float64))
        products *= self.errors @ self.errors[row]
        sums = self.squares + self.squares[row]
        distances: NDArray[np.float64] = sums - 2 * products
        distances[distances < SAME * sums] = 0
        distances[row] = 0
        return distances


def select(pool: Pool, budget: int, rng: np.random.Generator, options: Options) -> Selection:
    """`budget` rows: the longest gradient, then each drawn by its squared distance to the nearest.

    why : cold_start (1 where the model had nothing to say, else 0), then gradient (its length) and
        distance (also the score: to the nearest pick before, the first's to 0), or what the
        strategy that stands in says
    """
    if pool.head is None:
        raise ValueError("badge needs a head")
    if not pool.labeled.any():
        return _cold_start.stand_in(pool, budget, rng, options)
    gradients = gradients_of(pool.head)
    lengths = np.sqrt(gradients.squares)
    if _cold_start.is_cold(lengths[pool.available]):
        return _cold_start.stand_in(pool, budget, rng, options)
    rows, gaps = _seeds(gradients, pool.available, budget, rng)
    distance = np.sqrt(gaps)
    why: dict[str, NDArray[np.generic]] = {"gradient": lengths[rows], "distance": distance}
    return _cold_start.flagged(Selection(rows, distance, why), 0)


def gradients_of(head: Head) -> Gradients:
    """The gradients of all samples of a head. Memory: 8 n (c + 1) bytes."""
    weights, bias = head.weights.astype(np.float64), head.bias.astype(np.float64)
    errors = softmax(_blockwise(head.hidden, weights) + bias, axis=1)
    likeliest = np.arange(len(errors)), errors.argmax(axis=1)
    errors[likeliest] = 0
    errors[likeliest] = -errors.sum(axis=1)  # less 1, in all digits where that is nearly 0
    squares = np.einsum("nc,nc->n", errors, errors) * _squared_lengths(head.hidden)
    return Gradients(errors, head.hidden, squares)


def _squared_lengths(hidden: NDArray[np.float32]) -> NDArray[np.float64]:
    result = np.empty(len(hidden))
    for start in range(0, len(hidden), PART_ROWS):
        rows = hidden[start : start + PART_ROWS].astype(np.float64)
        result[start : start + PART_ROWS] = np.einsum("nh,nh->n", rows, rows)
    return result


def _blockwise(hidden: NDArray[np.float32], factor: NDArray[np.float64]) -> NDArray[np.float64]:
    """hidden @ factor in float64; `factor` is (h,) or (h, k)."""
    result = np.empty((len(hidden), *factor.shape[1:]))

    def multiply(first: int) -> None:
        last = min(first + BLOCK_ROWS, len(hidden))
        for start in range(first, last, PART_ROWS):
            part = slice(start, min(start + PART_ROWS, last))
            np.matmul(hidden[part].astype(np.float64), factor, out=result[part])

    in_parallel(multiply, range(0, len(hidden), BLOCK_ROWS))
    return result


def _seeds(
    gradients: Gradients, available: NDArray[np.bool_], budget: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The rows picked, and the squared distance of each to the nearest pick before it."""
    picks = [int(np.argmax(np.where(available, steady(gradients.squares), -1)))]
    reached = [float(gradients.squares[picks[0]])]
    gaps = np.where(available, np.inf, 0)
    while len(picks) < budget:
        gaps = np.minimum(gaps, gradients.squared_distances(picks[-1]))
        if not gaps.any():
            break
        picks.append(_drawn(gaps, rng))
        reached.append(float(gaps[picks[-1]]))
    if len(picks) < budget:
        picks += _copies(gradients, available, picks, budget)
    rows = np.array(picks, dtype=np.int64)
    return rows, np.pad(reached, (0, budget - len(reached)))


def _drawn(weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    """A row drawn with a chance proportional to `weights`; the row that wins a race.

    Of exponential times at these rates, each is the smallest with a chance proportional to its
    rate; one number a row, so that it does not matter in which order the rows come.
    """
    times = rng.exponential(size=len(weights))
    rates = weights / weights.max()
    finish = np.full(len(times), np.inf)
    with np.errstate(over="ignore"):  # a rate next to nothing finishes at infinity too
        np.divide(times, rates, out=finish, where=rates > 0)
    return int(np.argmin(finish))


def _copies(
    gradients: Gradients, available: NDArray[np.bool_], picks: list[int], budget: int
) -> list[int]:
    """What is missing to `budget` where all that is left are copies: longest first, then by row."""
    left = available.copy()
    left[picks] = False
    rows = np.flatnonzero(left)
    return [int(row) for row in rows[best_first(gradients.squares[rows])[: budget - len(picks)]]]
