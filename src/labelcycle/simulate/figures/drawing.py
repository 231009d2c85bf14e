"""Which figures an experiment has, drawn from results.json and map-*.json."""

from pathlib import Path

from labelcycle import store
from labelcycle.simulate.figures import accuracy, gain, maps
from labelcycle.simulate.figures.style import looks, save
from labelcycle.simulate.reading import Found, counted, curves_of, groups, heading, labels

ENDING = ".png"


def draw(folder: Path, ending: str = ENDING) -> list[Path]:
    """Draw all figures of the experiment in `folder`; the files, as .png or .svg."""
    found = store.read_json(folder / "results.json")
    drawn = []
    for facts in found["sets"]:
        data = facts["data"]
        drawn.append(save(accuracy.picture(found, data), folder / f"accuracy-{slug(data)}{ending}"))
        variants = ablation(found)
        if variants:
            title = f"{data}, SUPClust and what it is without its parts"
            picture = accuracy.picture(found, data, variants, title)
            drawn.append(save(picture, folder / f"ablation-{slug(data)}{ending}"))
        path = map_file(folder, data)
        if path.is_file():
            shown = store.read_json(path)
            style = looks(labels(found, "strategies"), found["base"])
            figures = {"map": maps.picture(data, shown), "scores": maps.scores(data, shown, style)}
            for name, figure in figures.items():
                drawn.append(save(figure, folder / f"{name}-{slug(data)}{ending}"))
    if len(found["strategies"]) > 1:
        drawn += [_gain(found, group, folder, ending) for group in groups(found)]
    return drawn


def _gain(found: Found, group: tuple[dict[str, str], str, str], folder: Path, ending: str) -> Path:
    facts, learner, clusterer = group
    name = heading(found, facts, learner, clusterer)
    curves = curves_of(found, facts["data"], learner, clusterer)
    seeds = curves[found["base"]][0]["seeds"]
    title = f"{name}: {facts['metric']}, {counted(seeds, 'seed')}"
    return save(gain.picture(title, curves, found["base"]), folder / f"gain-{slug(name)}{ending}")


def ablation(found: Found) -> list[str]:
    """The base, TypiClust, SUPClust and its variants without a part; none without variants."""
    suits = [
        each["label"]
        for each in found["strategies"]
        if each["name"] in ("supclust", "typiclust") or each["label"] == found["base"]
    ]
    cut = [
        each
        for each in found["strategies"]
        if each["options"].get("without", "nothing") != "nothing"
    ]
    return suits if cut else []


def map_file(folder: Path, data: str) -> Path:
    """The file of a set's map."""
    return folder / f"map-{slug(data)}.json"


def slug(text: str) -> str:
    """A text as a part of a file's name."""
    plain = "".join(each if each.isalnum() else "-" for each in text.lower())
    return "-".join(filter(None, plain.split("-")))
