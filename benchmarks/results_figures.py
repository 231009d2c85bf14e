"""The pictures of the results, drawn from the results files.

    python benchmarks/results_figures.py           draw those that are not up to date
    python benchmarks/results_figures.py --check   name them; the exit code is 1 if there are any

A picture is up to date if it names the digest of what it shows: the rows of its table, and how they
are drawn. Gains have a panel for each strategy, with the 95 % interval as a band and the other
strategies in grey. Accuracies have a line for each strategy, with a band of standard error if the
file has one for each.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from results_file import OddTable, read
from results_of_campaigns import curves_of

from labelcycle.simulate.figures import accuracy, gain
from labelcycle.simulate.figures.style import save
from labelcycle.simulate.results import BASE

FOLDER = Path(__file__).parents[1] / "docs" / "images"
DIGEST = re.compile(r"<dc:identifier>([0-9a-f]+)</dc:identifier>")

Curves = dict[str, list[dict[str, Any]]]
"""By strategy, its rows by rising budget; random first."""


@dataclass(frozen=True)
class Picture:
    """What is drawn of a table, and how.

    where : values of the rows that are shown
    names : the strategies that are shown; none: all
    title : instead of the set's name
    """

    kind: Literal["gain", "accuracy"]
    table: str
    where: Mapping[str, str]
    names: Sequence[str] = ()
    title: str = ""


def _gain(data: str) -> Picture:
    return Picture("gain", f"label-cost-{data}", {"data": data})


def _accuracy(table: str, data: str, *names: str, title: str = "") -> Picture:
    return Picture("accuracy", table, {"data": data}, names, title)


ABLATION = ("random", "TypiClust", "SUPClust", "without SUP", "without typicality")
PICTURES = {
    "label-cost-cifar10-features": _gain("cifar10-features"),
    "label-cost-fashion-mnist": _gain("fashion-mnist"),
    "label-cost-cifar10-lt": _gain("cifar10-lt"),
    "label-cost-ham10000": _gain("ham10000"),
    "experiment-typiclust": _accuracy("paper-typiclust", "CIFAR-10 features"),
    "experiment-supclust": _accuracy("paper-supclust", "CIFAR-10 features"),
    "experiment-supclust-lt": _accuracy("paper-supclust", "CIFAR-10-LT features"),
    "experiment-supclust-ablation": _accuracy(
        "paper-supclust",
        "CIFAR-10 features",
        *ABLATION,
        title="CIFAR-10 features, SUPClust and what it is without its parts",
    ),
    "experiment-minimal-loop": _accuracy("minimal-loop", "cifar10"),
}


def curves(picture: Picture) -> dict[str, Curves]:
    """By clusterer, what a picture shows. Raises OddTable."""
    rows = [
        row
        for row in read(picture.table).rows
        if all(row.get(key) == value for key, value in picture.where.items())
    ]
    if not rows:
        raise OddTable(f"{picture.table}.json: no row has {dict(picture.where)}")
    clusterers = dict.fromkeys(str(row.get("clusterer", "")) for row in rows)
    found = {
        each: curves_of(row for row in rows if str(row.get("clusterer", "")) == each)
        for each in clusterers
    }
    for some in found.values():
        _check_alike(picture.table, some)
    return {
        each: dict(sorted(some.items(), key=lambda entry: entry[0] != BASE))
        for each, some in found.items()
    }


def _check_alike(table: str, some: Curves) -> None:
    """Raise OddTable if some were measured at other budgets or with other seeds."""
    kinds = {name: [(row["budget"], row["seeds"]) for row in some[name]] for name in some}
    odd = [name for name, kind in kinds.items() if kind != kinds[BASE]]
    if odd:
        raise OddTable(f"{table}.json: {odd[0]} has other budgets or seeds than {BASE}")


def digest(picture: Picture) -> str:
    """Of all that a picture shows."""
    shown = {"picture": asdict(picture), "curves": curves(picture)}
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]


def noted(path: Path) -> str | None:
    """The digest that a picture names."""
    found = DIGEST.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found[1] if found else None


def drawn(picture: Picture) -> Any:
    """The figure."""
    found = curves(picture)
    first = next(iter(found.values()))[BASE][0]
    data, metric = picture.where["data"], first["metric"]
    if picture.kind == "gain":
        title = f"{data}: {metric}, {first['learner']}, {first['seeds']} seeds"
        return gain.picture(title, next(iter(found.values())))
    every = [row | {"clusterer": each} for each, some in found.items() for row in _rows(some)]
    if any(row["se"] is None for row in every):  # a band of one line would be taken for all
        every = [row | {"se": None} for row in every]
    results = {
        "base": BASE,
        "sets": [{"data": data, "metric": metric}],
        "strategies": [{"label": name} for name in next(iter(found.values()))],
        "learners": [{"label": first["learner"]}],
        "clusterers": [{"label": each} for each in found],
        "rows": every,
    }
    return accuracy.picture(results, data, picture.names or None, picture.title)


def _rows(some: Curves) -> list[dict[str, Any]]:
    return [row for rows in some.values() for row in rows]


def main() -> None:
    try:
        wanted = {name: digest(picture) for name, picture in PICTURES.items()}
        old = [name for name, each in wanted.items() if noted(FOLDER / f"{name}.svg") != each]
        if "--check" in sys.argv[1:]:
            if old:
                sys.exit(f"not what benchmarks/results says: {', '.join(old)}; run `make results`")
            return
        for name in old:
            path = save(drawn(PICTURES[name]), FOLDER / f"{name}.svg", wanted[name])
            print(f"{path.name}: written")
    except OddTable as odd:
        sys.exit(str(odd))


if __name__ == "__main__":
    main()
