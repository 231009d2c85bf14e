"""Which figures an experiment has, drawn from results.json and map-*.json."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from labelcycle.campaign import json_files
from labelcycle.core.counted_nouns import counted
from labelcycle.simulate.figures import accuracy, gain, maps
from labelcycle.simulate.figures.style import looks, save
from labelcycle.simulate.result_rows import ResultsJson, curves_of, groups, heading, labels
from labelcycle.stages.charts import plain_settings

ENDING = ".png"


Failed = Callable[[Path, Exception], None]
"""Told of each figure that could not be drawn, and why."""


def draw(folder: Path, ending: str = ENDING, failed: Failed | None = None) -> list[Path]:
    """Draw all figures of the experiment in `folder`; the files, as .png or .svg.

    One that fails does not keep the others from being drawn.
    """
    results = json_files.read_json(folder / "results.json")
    drawn = []
    for name, picture in _figures(results, folder):
        path = folder / f"{name}{ending}"
        try:
            with plain_settings():
                drawn.append(save(picture(), path))
        except Exception as error:
            if failed is None:
                raise
            failed(path, error)
    return drawn


def _figures(results: ResultsJson, folder: Path) -> Iterator[tuple[str, Callable[[], Figure]]]:
    """Name of the file of each figure, and what draws it."""
    for facts in results["sets"]:
        data = facts["data"]
        yield f"accuracy-{slug(data)}", partial(accuracy.picture, results, data)
        variants = ablation(results)
        if variants:
            title = f"{data}, SUPClust and what it is without its parts"
            yield (
                f"ablation-{slug(data)}",
                partial(accuracy.picture, results, data, variants, title),
            )
        path = map_file(folder, data)
        if path.is_file():
            shown = json_files.read_json(path)
            style = looks(labels(results, "strategies"), results["base"])
            yield f"map-{slug(data)}", partial(maps.picture, data, shown)
            yield f"scores-{slug(data)}", partial(maps.scores, data, shown, style)
    if len(results["strategies"]) > 1:
        for group in groups(results):
            yield f"gain-{slug(heading(results, *group))}", partial(_gain, results, *group)


def _gain(results: ResultsJson, facts: dict[str, Any], learner: str, clusterer: str) -> Figure:
    curves = curves_of(results, facts["data"], learner, clusterer)
    seeds = curves[results["base"]][0]["seeds"]
    name = heading(results, facts, learner, clusterer)
    title = f"{name}: {facts['metric']}, {counted(seeds, 'seed', spec=',')}"
    return gain.picture(title, curves, results["base"])


def ablation(results: ResultsJson) -> list[str]:
    """The base, TypiClust, SUPClust and its variants without a part; none without variants."""
    suits = [
        strategy["label"]
        for strategy in results["strategies"]
        if strategy["name"] in ("supclust", "typiclust") or strategy["label"] == results["base"]
    ]
    cut = [
        strategy
        for strategy in results["strategies"]
        if strategy["options"].get("without", "nothing") != "nothing"
    ]
    return suits if cut else []


def map_file(folder: Path, data: str) -> Path:
    """The file of a set's map."""
    return folder / f"map-{slug(data)}.json"


def slug(text: str) -> str:
    """A text as a part of a file's name."""
    plain = "".join(character if character.isalnum() else "-" for character in text.lower())
    return "-".join(filter(None, plain.split("-")))
