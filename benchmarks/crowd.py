"""Labels made of three people's answers: how often they are wrong, on CIFAR-10N.

    python benchmarks/crowd.py [--rows 500 5000 50000] [--seeds 10] [--per-class 200] [--json]

Wei et al. 2022: each training image of CIFAR-10 was labelled by three people; the file holds
CIFAR-10's own labels, the three answers, and the authors' `aggre_label`, a majority with ties
broken at random. It names no workers: a column holds answers of many people, and stands here for
one annotator. So what is learned of a column is the average of its people; with people told apart
there is more to learn. Sizes below all rows are drawn without replacement, `--seeds` times; a
figure is the mean of the draws and, in brackets, its smallest and largest.

"wrong": share that is not CIFAR-10's label. "back": share that awaits adjudication; "wrong" is then
of the accepted, and "best person" the error of the best column on the same accepted samples, for
what goes back is what everybody finds hard. Every verdict is `consensus.accept`'s. `--per-class`:
answers a person and class from which Dawid and Skene's matrices are learned, below it one skill a
person; `inf` for skills alone, 0 for matrices always.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from label_sets import add_folders
from measured import where
from numpy.typing import NDArray
from results_file import Figure, Layout, add_into, save

from labelcycle.core import agreement, consensus, dawid_skene
from labelcycle.core.valid_answers import Answers, gather

CLASSES = tuple(str(number) for number in range(10))
COLUMNS = ("random_label1", "random_label2", "random_label3")
LEAST = {"majority": (0.0, 0.6, 0.7), "dawid_skene": (0.0, 0.6, 0.8, 0.9, 0.95)}
"""Values of `accept.confidence`; 0 sends nothing back but ties."""

LAYOUT = Layout(
    "Labels of three people: sent back and wrong, in per cent",
    ["by"],
    [
        Figure("back", digits=2, times=100, unit=" back"),
        Figure("wrong", digits=2, times=100, unit=" wrong"),
    ],
    ["samples"],
    names={"by": "label by", "samples": "samples"},
)
MODEL_LAYOUT = Layout(
    "Agreement, and seconds to fit",
    ["samples"],
    [Figure("alpha", digits=3), Figure("seconds", digits=2)],
    names={"alpha": "Krippendorff's alpha", "seconds": "seconds to fit"},
)
METHODS = {"majority": "majority", "dawid_skene": "Dawid-Skene"}

Rows = dict[str, NDArray[np.int64]]


def load(shared: Path) -> Rows:
    """The columns of CIFAR-10N. Ends the program if the file is not there."""
    path = shared / "cifar10_human" / "cifar10n_train.npz"
    if not path.is_file():
        sys.exit(f"no {path.name} in {path.parent}: wanted CIFAR-10N, by --shared")
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name].astype(np.int64) for name in archive}


def measure(rows: Rows, per_class: float = dawid_skene.PER_CLASS) -> dict[str, Any]:
    """The figures of some rows."""
    truth = rows["clean_label"]
    wrong = np.stack([rows[column] != truth for column in COLUMNS])
    answers = gather(
        (
            (f"{sample:05d}", str(person), CLASSES[label])
            for person, column in enumerate(COLUMNS, start=1)
            for sample, label in enumerate(rows[column])
        ),
        CLASSES,
    )
    began = time.perf_counter()
    model = dawid_skene.fit(answers, per_class)
    beliefs = dawid_skene.posterior(model, answers)
    seconds = time.perf_counter() - began
    found: dict[str, Any] = {
        "people": wrong.mean(axis=1).tolist(),
        "aggre_label": float((rows["aggre_label"] != truth).mean()),
        "alpha": agreement.alpha(answers.votes()),
        "skill": skills(model),
        "one_coin": float(model.kind == "one coin"),
        "probable": float((beliefs.argmax(axis=1) != truth).mean()),
        "seconds": seconds,
    }
    for method, values in LEAST.items():
        for least in values:
            labels = accepted(answers, beliefs if method == "dawid_skene" else None, least)
            found[f"{method} {least:g}"] = judged(labels, rows, wrong)
    return found


def skills(model: dawid_skene.Model) -> list[float]:
    """Each person's share of right answers, as the model has it without knowing the truth."""
    right, all_ = model.expected.trace(axis1=1, axis2=2), model.expected.sum(axis=(1, 2))
    return [float(share) for share in right / all_]


def accepted(answers: Answers, beliefs: NDArray | None, least: float) -> NDArray[np.int64]:
    """The class that `consensus.accept` makes of each sample's answers, -1 for none."""
    votes: list[list[tuple[str, ...]]] = [[] for _ in answers.samples]
    for sample, label in zip(answers.sample, answers.label, strict=True):
        votes[sample].append((CLASSES[label],))
    known = [None] * len(votes) if beliefs is None else beliefs.tolist()
    labels = []
    for words, belief in zip(votes, known, strict=True):
        by_name = dict(zip(CLASSES, belief, strict=True)) if belief else None
        verdict = consensus.accept(words, CLASSES, least, by_name)
        assert (verdict.label is None) == verdict.adjudicate
        labels.append(-1 if verdict.label is None else CLASSES.index(verdict.label))
    return np.array(labels)


def judged(labels: NDArray[np.int64], rows: Rows, wrong: NDArray[np.bool_]) -> dict[str, float]:
    """How good labels are, beside the best person on the same samples and the aggregate."""
    kept = labels >= 0
    return {
        "back": float(1 - kept.mean()),
        "wrong": float((labels != rows["clean_label"])[kept].mean()),
        "best_person": float(wrong[:, kept].mean(axis=1).min()),
        "aggre_label": float((rows["aggre_label"] != rows["clean_label"])[kept].mean()),
        "like_aggre": float((labels == rows["aggre_label"])[kept].mean()),
    }


def together(draws: list[Any]) -> Any:
    """Mean, smallest and largest of each figure of several draws."""
    first = draws[0]
    if isinstance(first, dict):
        return {key: together([draw[key] for draw in draws]) for key in first}
    if isinstance(first, list):
        return [together(list(each)) for each in zip(*draws, strict=True)]
    return {"mean": float(np.mean(draws)), "low": min(draws), "high": max(draws)}


def mean_and_spread(figure: dict[str, float]) -> str:
    """A share in per cent with its range."""
    mean = 100 * figure["mean"]
    low, high = sorted(100 * figure[name] for name in ("low", "high"))
    return f"{mean:.2f}" if low == high else f"{mean:.2f} ({low:.2f} to {high:.2f})"


def show(size: dict[str, Any]) -> None:
    """One size as a table."""
    figures = size["figures"]
    print(f"\n{size['rows']} samples, draws: {size['draws']}")
    print(f"alpha {figures['alpha']['mean']:.3f}, fitted in {figures['seconds']['mean']:.1f} s")
    people = "  ".join(mean_and_spread(person) for person in figures["people"])
    print(f"wrong %: people {people}  aggre_label {mean_and_spread(figures['aggre_label'])}")
    kind = "a skill" if figures["one_coin"]["mean"] else "a matrix"
    learned = "  ".join(mean_and_spread({k: 1 - v for k, v in p.items()}) for p in figures["skill"])
    print(f"wrong % as learned, with {kind} a person: {learned}")
    print(f"most probable class, nothing back: {mean_and_spread(figures['probable'])}")
    print(
        "| accepted by | back % | wrong % | best person % | aggre_label % |\n|---|---|---|---|---|"
    )
    for name, row in figures.items():
        if isinstance(row, dict) and "back" in row:
            cells = [
                mean_and_spread(row[key]) for key in ("back", "wrong", "best_person", "aggre_label")
            ]
            print(f"| {name} | {' | '.join(cells)} |")


def table_rows(sizes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The figures as rows of a table: who made the labels, and of how many samples."""
    for size in sizes:
        figures = size["figures"]
        alone = {f"column {n}": wrong for n, wrong in enumerate(figures["people"], start=1)}
        alone |= {"the authors' aggregate": figures["aggre_label"]}
        alone |= {"Dawid-Skene, nothing back": figures["probable"]}
        alone |= {"best column on what majority accepts": figures["majority 0.6"]["best_person"]}
        for name, wrong in alone.items():
            yield {"by": name, "samples": size["rows"]} | flat("wrong", wrong)
        for method, values in LEAST.items():
            for least in values[1:]:
                row = figures[f"{method} {least:g}"]
                name = {"by": f"{METHODS[method]} {least:g}", "samples": size["rows"]}
                yield name | {key: row[key]["mean"] for key in ("back", "wrong")}


def model_rows(sizes: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What the model was fitted on, and how long that took."""
    for size in sizes:
        figures = size["figures"]
        yield {"samples": size["rows"]} | {
            key: figures[key]["mean"] for key in ("alpha", "seconds")
        }


def flat(name: str, figure: dict[str, float]) -> dict[str, float]:
    """A mean, and the ends of its range where the draws differ."""
    if figure["low"] == figure["high"]:
        return {name: figure["mean"]}
    return {name: figure["mean"], f"{name}_low": figure["low"], f"{name}_high": figure["high"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[500, 5_000, 50_000])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--per-class", type=float, default=dawid_skene.PER_CLASS)
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    add_into(parser)
    model_help = "write the agreement and the seconds as a table, too"
    parser.add_argument("--model-into", type=Path, metavar="FILE", help=model_help)
    add_folders(parser)
    arguments = parser.parse_args()
    data = load(arguments.shared)
    all_rows = len(data["clean_label"])
    sizes = []
    for count in arguments.rows:
        draws = []
        for seed in range(arguments.seeds if count < all_rows else 1):
            chosen = np.random.default_rng(seed).permutation(all_rows)[:count]
            part = {name: column[chosen] for name, column in data.items()}
            draws.append(measure(part, arguments.per_class))
        sizes.append({"rows": count, "draws": len(draws), "figures": together(draws)})
        print(f"{count} rows done", file=sys.stderr, flush=True)
    if arguments.into:
        seeds = f"{arguments.seeds} draws of samples, [smallest, largest]"
        save(arguments.into, LAYOUT, table_rows(sizes), note=arguments.note, seeds=seeds)
    if arguments.model_into:
        most = f"{arguments.seeds} draws below {all_rows:,} samples"
        rows = model_rows(sizes)
        save(arguments.model_into, MODEL_LAYOUT, rows, note=arguments.note, seeds=most)
    if arguments.json:
        print(json.dumps(sizes, indent=2))
        return
    print(where(data="CIFAR-10N", seeds=arguments.seeds, per_class=arguments.per_class))
    for size in sizes:
        show(size)


if __name__ == "__main__":
    main()
