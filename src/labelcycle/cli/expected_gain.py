"""What the demo gains over random selection, measured over many seeds; it plays only one.

The figures are those of benchmarks/results/demo-gain.json, which benchmarks/demo_gain.py prints.
"""

from dataclasses import dataclass

ENOUGH = 5.0
"""Points that a newcomer sees in a table of three rounds."""


@dataclass(frozen=True)
class ExpectedGain:
    """The gain in points, after each round.

    labels : after each round
    gain : mean over the seeds
    enough : seeds that had ENOUGH points or more
    seeds : of hold-out, encoder and selection
    """

    labels: tuple[int, ...]
    gain: tuple[float, ...]
    enough: tuple[int, ...]
    seeds: int


FULL = ExpectedGain(labels=(25, 50, 75), gain=(16.1, 11.0, 7.4), enough=(20, 20, 19), seeds=20)
QUICK = ExpectedGain(labels=(25, 50, 75), gain=(13.0, 8.2, 6.0), enough=(19, 18, 15), seeds=20)


def line(expected: ExpectedGain) -> str:
    """The figures in words.

    >>> print(line(ExpectedGain((25, 50), (17.0, 9.5), (20, 18), 20)))
    Gain over 20 seeds: +17.0, +9.5 points at 25, 50 labels; 5 points or more in 20, 18 of 20.
    """
    gains, labels, enough = (
        ", ".join(texts)
        for texts in (
            [f"{points:+.1f}" for points in expected.gain],
            map(str, expected.labels),
            map(str, expected.enough),
        )
    )
    return (
        f"Gain over {expected.seeds} seeds: {gains} points at {labels} labels;"
        f" {ENOUGH:g} points or more in {enough} of {expected.seeds}."
    )
