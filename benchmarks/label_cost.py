"""What labels bring: simulated campaigns of every strategy, against random on the same pools.

    python benchmarks/label_cost.py --data cifar10-features --strategies typiclust,margin
        [--budgets 10,20,50,100,200] [--seeds 10] [--learner linear] [--pool 10000]
        [--base STRATEGY] [--results FILE.jsonl] [--json]

Seed s draws a pool from the training set, buys labels until there are as many as the first budget,
trains, measures on the whole test set, and goes on to the next. Pool, clusters and draws of a seed
are the same for all strategies, so each is compared with random seed by seed: `gain` is the mean
difference, `gain_low` and `gain_high` its 95 % interval (paired t). random itself is always there,
its gain is 0 (`--base` puts another strategy in its place); with one seed there is no `se` and no
interval (null). Figures are shares of 1. Data whose classes are very unequal in the test set too
(ham10000) are measured by balanced accuracy; `metric` says which. benchmarks/label_sets.py
describes the data.

A strategy, the learner and the clusterer take options as typed `supclust:temperature=0.05`;
`--strategies all` is every one there is. With `--results` finished campaigns are kept and not run
again, so that what was interrupted goes on; a change of any setting makes it another campaign, a
change of code does not: give the file another name then.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kept_campaigns import Kept
from label_sets import Folders, add_folders, open_set
from measured import commit, where
from scipy.special import stdtrit
from simulated import Assignment, Choice, Measured, Problem, choice, clustered, needs, play
from workers import Workers

from labelcycle.core import clusterers, strategies
from labelcycle.core.threads import cores
from labelcycle.errors import LabelcycleError
from labelcycle.nn import learners

BASE = "random"
CONFIDENCE = 0.95

Campaigns = dict[str, list[Measured]]
"""By strategy as typed, those of seeds 0, 1, ..."""


def run(problem: Problem, chosen: list[Choice], seeds: int, kept: Kept, jobs: int) -> Campaigns:
    """All campaigns: those kept, and the others, which are run and kept."""
    tasks = [(s, seed) for seed in range(seeds) for s in chosen if kept.get(s, seed) is None]
    with Workers(problem, min(jobs, len(tasks))) as workers:
        clusters = _clusters(problem, tasks, workers)
        whole = [(s, seed, clusters[seed] if "clusters" in needs(s) else None) for s, seed in tasks]
        began = time.perf_counter()
        for done, ((strategy, seed, _), found) in enumerate(workers.each(play, whole), 1):
            kept.add(strategy, seed, found)
            _say(f"campaign {done} of {len(whole)}: {strategy.text}, seed {seed}", began)
    return {s.text: [kept.get(s, seed) for seed in range(seeds)] for s in chosen}


def _clusters(
    problem: Problem, tasks: list[tuple[Choice, int]], workers: Workers
) -> dict[int, list[Assignment]]:
    """By seed, the clusters of each round, for the campaigns that are to come."""
    seeds = sorted({seed for strategy, seed in tasks if "clusters" in needs(strategy)})
    wanted = [(seed, number) for seed in seeds for number, _ in problem.rounds()]
    found = {}
    began = time.perf_counter()
    for done, (task, assignment) in enumerate(workers.each(clustered, wanted), 1):
        found[task] = assignment
        _say(f"clustering {done} of {len(wanted)}", began)
    return {seed: [found[seed, number] for number, _ in problem.rounds()] for seed in seeds}


def _say(text: str, began: float) -> None:
    print(f"{text}, {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)


def rows_of(problem: Problem, campaigns: Campaigns, base: str) -> list[dict[str, Any]]:
    """One row a strategy and budget; base : the strategy that the others are compared with."""
    measure = "balanced" if problem.source.balanced else "accuracy"
    values = {
        name: np.array([getattr(one, measure) for one in found])
        for name, found in campaigns.items()
    }
    facts = {"data": problem.source.name, "learner": problem.learner.text}
    return [
        {**facts, "strategy": name, "budget": budget}
        | summary(found[:, number], values[base][:, number])
        for name, found in values.items()
        for number, budget in enumerate(problem.budgets)
    ]


def summary(values: np.ndarray, base: np.ndarray) -> dict[str, Any]:
    """Mean, standard error, and the mean difference to `base` with its interval (paired t)."""
    n, difference = len(values), values - base
    mean = float(difference.mean())
    found = {"seeds": n, "accuracy": float(values.mean()), "se": None, "gain": mean}
    if n == 1:
        return found | {"gain_low": None, "gain_high": None}
    half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2) * standard_error(difference))
    return found | {
        "se": standard_error(values),
        "gain_low": mean - half,
        "gain_high": mean + half,
    }


def standard_error(values: np.ndarray) -> float:
    """Of the mean of at least two values."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def table(rows: list[dict[str, Any]], base: str) -> str:
    """Per cent, a line a strategy and budget."""
    width = max(len(row["strategy"]) for row in rows) + 2
    lines = [
        f"{'strategy':<{width}}{'labels':>7}{'percent':>9}{'s.e.':>6}  gain over {base} [95 %]"
    ]
    for row in rows:
        line = f"{row['strategy']:<{width}}{row['budget']:>7}{100 * row['accuracy']:>9.1f}"
        line += f"{100 * row['se']:>6.1f}" if row["se"] is not None else f"{'':>6}"
        if row["strategy"] != base:
            line += f"  {100 * row['gain']:>+6.1f}"
            if row["gain_low"] is not None:
                line += f" [{100 * row['gain_low']:+.1f}, {100 * row['gain_high']:+.1f}]"
        lines.append(line)
    return "\n".join(lines)


def chosen_strategies(text: str, base: str) -> list[Choice]:
    """The base, then those named, each once."""
    typed = [base]
    for name in text.split(","):
        typed += strategies.names() if name == "all" else [name.strip()]
    return [choice(name, strategies) for name in dict.fromkeys(typed)]


def budgets_of(text: str) -> tuple[int, ...]:
    """Rising numbers of labels."""
    budgets = tuple(int(part) for part in text.split(","))
    if list(budgets) != sorted(set(budgets)) or budgets[0] < 1:
        raise argparse.ArgumentTypeError(f"wanted rising numbers of labels, got {text}")
    return budgets


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="name of a set, or an .npz of features")
    parser.add_argument("--strategies", default="all", metavar="A,B")
    parser.add_argument("--base", default=BASE, help="compare with this one instead of random")
    parser.add_argument("--budgets", type=budgets_of, default=(10, 20, 50, 100, 200))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--learner", default="linear")
    parser.add_argument("--clusterer", default="kmeans")
    parser.add_argument("--pool", type=int, default=10_000, help="training rows that a seed draws")
    parser.add_argument("--results", type=Path, metavar="FILE", help="campaigns are kept here")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    add_folders(parser)
    return parser.parse_args(words)


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Where it was measured, by what metric, and the rows."""
    began = time.perf_counter()
    chosen = chosen_strategies(given.strategies, given.base)
    learner, clusterer = choice(given.learner, learners), choice(given.clusterer, clusterers)
    source = open_set(given.data, Folders(given.shared, given.cache))
    pool = min(given.pool, len(source.data.train))
    if given.budgets[-1] > pool:
        sys.exit(f"--budgets: wanted at most the {pool} rows of the pool, got {given.budgets[-1]}")
    problem = Problem(source, pool, given.budgets, learner, clusterer)
    kept = Kept(given.results, problem, commit())
    campaigns = run(problem, chosen, given.seeds, kept, given.jobs)
    facts = {"data": source.name, "pool": pool, "test": len(source.data.test)}
    facts |= {"seeds": given.seeds, "clusterer": clusterer.text}
    facts |= {"seconds": round(time.perf_counter() - began)}
    facts |= {"campaigns of": ", ".join(kept.commits(chosen, given.seeds))}
    return {
        "where": where(**facts),
        "metric": "balanced accuracy" if source.balanced else "accuracy",
        "rows": rows_of(problem, campaigns, given.base),
    }


def main(words: Sequence[str] | None = None) -> None:
    given = arguments(words)
    try:
        found = measure(given)
    except LabelcycleError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        kept = f"finished campaigns are in {given.results}: the same command goes on"
        sys.exit(f"interrupted; {kept if given.results else 'nothing is kept without --results'}")
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(found["where"])
    print(f"{found['metric']} in percent; {given.learner} as the learner")
    print(table(found["rows"], given.base))


if __name__ == "__main__":
    main()
