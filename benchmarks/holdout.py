"""How wide the interval of a hold-out's accuracy is, by the number of its images.

    python benchmarks/holdout.py [--right 0.7] [--images 100 200 400 1000] [--into TABLE.json]

Wilson's 95 % interval, as `labelcycle status` prints it. Nothing is drawn: it is a formula.
"""

import argparse

from measured import where
from results_file import Figure, Layout, add_into, save

from labelcycle.core.metrics import wilson

CONFIDENCE = 0.95
LAYOUT = Layout(
    "Interval where 70 % of a hold-out are right, in per cent",
    ["holdout"],
    [Figure(key, digits=1, times=100) for key in ("low", "high", "half")],
    names={"holdout": "hold-out", "low": "from", "high": "to", "half": "half width"},
)


def row(images: int, right: float) -> dict[str, float]:
    """The interval of a hold-out of so many images."""
    found = wilson(round(images * right), images, CONFIDENCE)
    half = (found.high - found.low) / 2
    return {"holdout": images, "low": found.low, "high": found.high, "half": half}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--right", type=float, default=0.7, help="share of the images")
    parser.add_argument("--images", type=int, nargs="+", default=[100, 200, 400, 1000])
    add_into(parser)
    given = parser.parse_args()
    rows = [row(images, given.right) for images in given.images]
    print(where(right=given.right))
    for each in rows:
        print(f"{each['holdout']:>6}: {100 * each['low']:.1f} to {100 * each['high']:.1f}")
    if given.into:
        save(given.into, LAYOUT, rows, note=given.note)


if __name__ == "__main__":
    main()
