"""The experiment's file: what it may say, and what is said of a wrong one."""

from pathlib import Path
from typing import Any

import pytest
from tiny_sets import settings

from labelcycle.errors import SettingsError
from labelcycle.nn import encoders
from labelcycle.simulate import experiment, load_sets

EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.yaml"))


def parsed(**more: Any) -> experiment.Experiment:
    found = experiment.parse(settings(Path("blobs.npz"), **more), "e.yaml")
    load_sets.check_options(found, "e.yaml")
    return found


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_the_experiments_of_the_repository_can_be_read(path: Path) -> None:
    given = experiment.load(path)
    load_sets.check_options(given, path.name)
    assert given.name == path.stem
    assert [each.name for each in given.strategies][:2] == ["random", "typiclust"]


@pytest.mark.parametrize("name", ["supclust-2024", "supclust-2024-small", "supclust-2024-learned"])
def test_supclusts_experiments_have_every_line_of_its_ablation(name: str) -> None:
    given = experiment.load(next(path for path in EXPERIMENTS if path.stem == name))
    lines = {
        each.text: (each.name, each.options.get("without", "nothing")) for each in given.strategies
    }
    assert lines["TypiClust"] == ("typiclust", "nothing")
    assert lines["SUPClust"] == ("supclust", "nothing")
    assert lines["without SUP"] == ("supclust", "SUP")
    assert lines["without typicality"] == ("supclust", "typicality")


@pytest.mark.parametrize("name", ["typiclust-2022", "supclust-2024"])
def test_the_papers_experiments_name_every_option(name: str) -> None:
    machine = {"threads", "precision", "compile", "weights", "file"}
    given = experiment.load(next(path for path in EXPERIMENTS if path.stem == name))
    for key in experiment.PACKAGES:
        for part in given.chosen(key):
            fields = type(part.options).model_fields.keys() - machine
            assert part.options.model_fields_set >= fields, part.name
    for encoder in filter(None, [given.encoder, *(each.encoder for each in given.data)]):
        own = encoders.options_of(encoder.name, encoder.options)
        assert own.model_fields_set >= type(own).model_fields.keys() - machine
    text = EXPERIMENTS[0].with_stem(name).read_text()
    assert "budget: tiny  # one label a class and round; their small budget: `small`" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stratgies": 1}, "stratgies: unknown key; did you mean 'strategies'"),
        ({"seeds": 0}, r"e\.yaml: seeds: wanted greater than or equal to 1 \(got 0\)"),
        ({"strategies": []}, "strategies: wanted one or more, got none"),
        ({"strategies": ["random", "typiclus"]}, "unknown strategy 'typiclus'.*typiclust"),
        (
            {"strategies": ["random", {"name": "typiclust", "optons": {}}]},
            r"strategies\.1\.optons: unknown key; did you mean 'options'",
        ),
        (
            {"strategies": ["random", {"name": "typiclust", "options": {"neighbors": 3}}]},
            "options of typiclust: neighbors: unknown key; did you mean 'neighbours'",
        ),
        ({"strategies": ["random", "random"]}, "'random' stands there twice; give one a label"),
        ({"strategies": "typiclust"}, r"base: wanted one of typiclust \(got 'random'\)"),
        ({"clusterers": "k-means"}, "unknown clusterer 'k-means'.*kmeans"),
        ({"learners": "linea"}, "unknown learner 'linea'.*linear"),
        ({"learners": "fiend"}, "unknown learner 'fiend'; wanted one of"),
        (
            {"learners": {"name": "finetune", "options": {"epoch": 3}}},
            r"e\.yaml: options of finetune: epoch: unknown key; did you mean 'epochs'",
        ),
        (
            {"data": "cifar11"},
            r"data\.0\.name: unknown set 'cifar11'; did you mean 'cifar10' .*\? wanted one of",
        ),
        ({"data": {"name": "npz", "pth": "x"}}, r"data\.0\.pth: unknown key; did you mean 'path'"),
        ({"encoder": "smalconv"}, "unknown encoder 'smalconv'.*smallconv"),
        ({"encoder": "auto"}, r"encoder auto takes what is best on the machine.*name one of patch"),
        (
            {"data": {"name": "fashion-mnist", "encoder": "auto"}},
            "an experiment must give the same on all of them",
        ),
        ({"encoder": {"name": "precomputed", "options": {"file": "x"}}}, "give ready features as"),
        ({"budget": "huge"}, "budget: wanted tiny, small or a number of labels"),
        ({"initial": 1.5}, "initial: wanted a number of labels or a share below 1"),
        ({"labels": [5, 5]}, r"labels: wanted rising numbers of labels \(got \[5, 5\]\)"),
        ({"labels": [5, 9]}, "labels: wanted either this or rounds"),
        ({"features": "model"}, "features is model: wanted a learner that sees images"),
    ],
)
def test_a_wrong_file_is_refused_before_anything_runs(change: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parsed(**change)


def test_no_file_and_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="wanted the file of an experiment, got No such file"):
        experiment.load(tmp_path / "none.yaml")
    path = tmp_path / "e.yaml"
    path.write_text("a: [")
    with pytest.raises(SettingsError, match=r"e\.yaml is not YAML"):
        experiment.load(path)
    path.write_text("- 1")
    with pytest.raises(SettingsError, match=r"e\.yaml: wanted keys with values, got \[1\]"):
        experiment.load(path)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, (0, (3, 6))),
        ({"budget": "small"}, (0, (15, 30))),
        ({"budget": 7, "initial": 0.1}, (6, (13, 20))),
        ({"initial": 5}, (5, (8, 11))),
    ],
)
def test_budgets_go_by_the_number_of_classes(
    change: dict[str, Any], expected: tuple[int, tuple[int, ...]]
) -> None:
    assert parsed(**change).totals(classes=3, pool=60) == expected


def test_a_pool_that_is_used_up_is_told() -> None:
    with pytest.raises(SettingsError, match=r"at most the 20 samples of the pool \(got \[15, 30\]"):
        parsed(budget="small").totals(classes=3, pool=20)
