"""What labels bring: simulated campaigns of every strategy, against random on the same pools.

    python benchmarks/label_cost.py --data cifar10-features --strategies typiclust,margin
        [--budgets 10,20,50,100,200] [--seeds 10] [--learner linear ...] [--pool 10000]
        [--base STRATEGY] [--results FILE.jsonl] [--json] [--into TABLE.json]

Seed s draws a pool from the training set, buys labels until there are as many as the first budget,
trains, measures on the whole test set, and goes on to the next. Pool, clusters and draws of a seed
are the same for all strategies, so each is compared with random seed by seed: `gain` is the mean
difference, `gain_low` and `gain_high` its 95 % interval (paired t). random itself is always there,
its gain is 0 (`--base` puts another strategy in its place); with one seed there is no `se` and no
interval (null). Figures are shares of 1. Data whose classes are very unequal in the test set too
(ham10000) are measured by balanced accuracy, if `--metric` does not say otherwise.
benchmarks/label_sets.py describes the data.

Several sets, learners and clusterers may be named: every combination is measured. With several
learners `gain_with_learner` is the gain over the base strategy with the first learner, so that it
holds what strategy and learner bring together.

A strategy, a learner and a clusterer take options as typed `supclust:temperature=0.05`;
`--strategies all` is every one there is. With `--results` finished campaigns are kept and not run
again, so that what was interrupted goes on; a change of any setting makes it another campaign, a
change of code does not: give the file another name then. `--into` writes a table of the results
(benchmarks/results_file.py).
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
from label_sets import Folders, add_folders, open_set
from measured import commit, where
from numpy.typing import NDArray
from results_file import add_into, save
from results_of_campaigns import layout_of

from labelcycle.core import clusterers, strategies
from labelcycle.core.threads import cores
from labelcycle.errors import Interrupted, LabelcycleError
from labelcycle.nn import learners
from labelcycle.nn.progress import Progress
from labelcycle.simulate import run_trials
from labelcycle.simulate.cached_clusters import Folder
from labelcycle.simulate.comparison import Problem
from labelcycle.simulate.finished_trials import FinishedTrials
from labelcycle.simulate.plug_in_choice import Choice, choice
from labelcycle.simulate.results import BASE, rows_of, summary
from labelcycle.simulate.table_page import printed_rows
from labelcycle.simulate.trial import Measured, Trial

PLAIN, BALANCED = "accuracy", "balanced accuracy"


@contextmanager
def showing(name: str) -> Iterator[Callable[[Progress], None]]:
    """A line on standard error for each step."""
    began = time.perf_counter()

    def show(step: Progress) -> None:
        seconds = time.perf_counter() - began
        print(f"{name}: {step.step} of {step.total}, {seconds:.0f} s", file=sys.stderr, flush=True)

    yield show


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
    data_help = "names of sets, or .npz of features"
    parser.add_argument("--data", nargs="+", required=True, metavar="SET", help=data_help)
    parser.add_argument("--strategies", default="all", metavar="A,B")
    parser.add_argument("--base", default=BASE, help="compare with this one instead of random")
    parser.add_argument("--budgets", type=budgets_of, default=(10, 20, 50, 100, 200))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--learner", nargs="+", default=["linear"])
    parser.add_argument("--clusterer", nargs="+", default=["kmeans"])
    parser.add_argument("--pool", type=int, default=10_000, help="training rows that a seed draws")
    metric_help = "default: balanced accuracy if the test set's classes are very unequal"
    parser.add_argument("--metric", nargs="+", choices=(PLAIN, BALANCED), help=metric_help)
    parser.add_argument("--results", type=Path, metavar="FILE", help="campaigns are kept here")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    add_into(parser)
    add_folders(parser)
    return parser.parse_args(words)


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Where it was measured, and the rows."""
    began = time.perf_counter()
    chosen = chosen_strategies(given.strategies, given.base)
    fitted = [choice(text, learners) for text in given.learner]
    clustered = [choice(text, clusterers) for text in given.clusterer]
    rows: list[dict[str, Any]] = []
    facts: dict[str, Any] = {"seeds": given.seeds, "clusterer": ", ".join(given.clusterer)}
    for name in given.data:
        source = open_set(name, Folders(given.shared, given.cache))
        pool = min(given.pool, len(source.data.train))
        if given.budgets[-1] > pool:
            asked = given.budgets[-1]
            sys.exit(f"--budgets: wanted at most the {pool} rows of the pool, got {asked}")
        problem = Problem(source, pool, given.budgets)
        kept = FinishedTrials(given.results, problem, commit())
        every = product(range(given.seeds), fitted, clustered, chosen)
        grid = [Trial(each, clusterer, learner, seed) for seed, learner, clusterer, each in every]
        nowhere = Folder(None, problem, {})
        found = run_trials.run(problem, grid, kept, nowhere, given.jobs, showing)
        facts[source.name] = f"pool {pool}, test {len(source.data.test)}, campaigns of "
        facts[source.name] += ", ".join(kept.commits(grid))
        metrics = given.metric or [BALANCED if source.balanced else PLAIN]
        for metric, clusterer, learner in product(metrics, clustered, fitted):
            problem = replace(problem, source=replace(source, balanced=metric == BALANCED))
            some = rows_of(problem, found, chosen, clusterer, learner, given.base)
            if learner != fitted[0]:
                first = Trial(chosen[0], clusterer, fitted[0], 0)
                some = [row | over(first, row, problem, found) for row in some]
            rows += [row | {"metric": metric} for row in some]
    facts |= {"seconds": round(time.perf_counter() - began)}
    return {"where": where(**facts), "rows": rows}


def over(
    first: Trial, row: dict[str, Any], problem: Problem, found: dict[Trial, Measured]
) -> dict[str, Any]:
    """The gain of a row's campaigns over those of `first`, paired by seed."""
    number = problem.measured.index(row["budget"])
    measure = "balanced" if problem.source.balanced else "accuracy"

    def values(strategy: str, learner: str) -> NDArray[np.float64]:
        some = [
            (trial.seed, getattr(each, measure)[number])
            for trial, each in found.items()
            if (trial.strategy.text, trial.learner.text) == (strategy, learner)
            and trial.clusterer == first.clusterer
        ]
        return np.array([value for _, value in sorted(some)])

    own = values(row["strategy"], row["learner"])
    both = summary(own, values(first.strategy.text, first.learner.text))
    ends = ("gain", "gain_low", "gain_high")
    return {end.replace("gain", "gain_with_learner"): both[end] for end in ends}


def main(words: Sequence[str] | None = None) -> None:
    given = arguments(words)
    try:
        found = measure(given)
    except (Interrupted, KeyboardInterrupt):
        kept = f"finished campaigns are in {given.results}: the same command goes on"
        sys.exit(f"interrupted; {kept if given.results else 'nothing is kept without --results'}")
    except LabelcycleError as error:
        sys.exit(str(error))
    if given.into:
        rows = printed_rows(found["rows"], given.base)
        metric = " or ".join(dict.fromkeys(row["metric"] for row in rows))
        names = f"{', '.join(given.data)}: {metric} in per cent, {', '.join(given.learner)}"
        layout = layout_of(rows, names)
        save(given.into, layout, rows, note=given.note, seeds=f"seeds 0 to {given.seeds - 1}")
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(found["where"])
    keys = ("data", "metric", "learner", "clusterer")
    for facts, some in groupby(found["rows"], key=lambda row: tuple(row[key] for key in keys)):
        print(f"\n{', '.join(facts)}, in percent")
        print(table(list(some), given.base))


if __name__ == "__main__":
    main()
