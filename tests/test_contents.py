"""What is said of a campaign's files, its figures and the environment is complete."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcycle.adapters.local.variables import OWN, VARIABLES
from labelcycle.campaign import contents, metric_names, round_states
from labelcycle.campaign.store import Campaign
from labelcycle.stages import declaration, evaluate

TOP = Path(__file__).parents[1]
FILES = {
    value
    for name, value in vars(round_states).items()
    if name.isupper() and isinstance(value, str) and "." in value
}


def test_every_path_of_a_campaign_is_explained(tmp_path: Path) -> None:
    root = tmp_path.resolve()
    paths = [path for path in vars(Campaign(root)).values() if path != root]
    names = [path.relative_to(root).as_posix() for path in paths]
    missing = [
        name
        for name in names
        if not contents.entry(name)
        and not any(each.path.startswith(f"{name}/") for each in contents.ENTRIES)
    ]
    assert len(names) > 20
    assert missing == []


def test_every_file_of_a_round_is_explained() -> None:
    assert {"plan.json", "ending.json", "metrics.json"} < FILES
    for name in FILES:
        found = contents.entry(f"rounds/003/{name}")
        assert found, name
        assert found.path == f"rounds/NNN/{name}"


def test_every_output_of_a_stage_is_explained_and_kept_as_its_stage_says() -> None:
    for stage in declaration.STAGES:
        for keeper, outs in (("DVC", stage.outs), ("git", stage.metrics)):
            for out in outs:
                kinds = [
                    e for e in contents.ENTRIES if e.path == out or e.path.startswith(f"{out}/")
                ]
                assert kinds, out
                assert {kind.keeper for kind in kinds} == {keeper}


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("data/images/0123456789abcdef.png", "data/images/ID.EXT"),
        ("data/images/0123456789abcdeg.png", None),
        ("data/labels/1000.jsonl", "data/labels/NNN.jsonl"),
        ("data/labels.dvc", "data/NAME.dvc"),
        (".labelcycle/media/images/a.png", ".labelcycle/media/"),
        ("work/figures/deep/a.png", None),
        ("xparams.yaml", None),
    ],
)
def test_a_file_is_known_by_its_path(file: str, path: str | None) -> None:
    found = contents.entry(file)
    assert (found.path if found else None) == path


def test_every_figure_of_the_model_is_explained() -> None:
    confusion = np.array([[3, 1], [0, 2]])
    options = evaluate.Options(bootstrap=100)
    record = evaluate.summary(confusion, ("a", "b"), options, np.random.default_rng(0))
    assert metric_names.unnamed(record | evaluate._nothing() | record) == []
    assert metric_names.unnamed(evaluate._nothing()) == []


@pytest.mark.parametrize(
    ("record", "unnamed"),
    [
        ({"accuracy": {"value": 1, "low": 1, "high": 1}, "per_class": None}, []),
        ({"speed": 3}, ["speed"]),
        ({"per_class": {"cat": {"f1": 1, "f2": 1}}}, ["per_class.CLASS.f2"]),
        ({"people": {"alpha": 1, "mood": 1}}, ["people.mood"]),
        ({"people": {"annotators": {"ann": {"height": 2}}}}, ["people.annotators.PERSON.height"]),
    ],
)
def test_a_figure_that_is_not_explained_is_named(
    record: dict[str, Any], unnamed: list[str]
) -> None:
    assert metric_names.unnamed(record) == unnamed


# --- the environment -----------------------------------------------------------------------


def variables_read() -> Iterator[str]:
    """The names that the sources ask the environment for."""
    for path in [*(TOP / "src").rglob("*.py"), *(TOP / "flows").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and re.fullmatch(
                r"(AWS|LABELCYCLE)_[A-Z0-9_]+", str(node.value)
            ):
                yield node.value
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("get", "setdefault")
                and re.search(r"environ$|^env$", ast.unparse(node.func.value))
            ):
                yield from value_of(node.args[0], path)


def value_of(node: ast.expr, path: Path) -> Iterator[str]:
    """The text that an expression of a module is, where it can be told."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
        return
    base = TOP / "src" if path.is_relative_to(TOP / "src") else TOP / "flows"
    parts = path.relative_to(base).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    scope = vars(importlib.import_module(name))
    if ast.unparse(node).split(".")[0] in scope:
        yield str(eval(ast.unparse(node), scope))


def test_every_variable_that_is_read_is_explained() -> None:
    read = set(variables_read())
    assert {"LABELCYCLE_NOTIFY", "MLFLOW_TRACKING_URI", "LABEL_STUDIO_URL", "AWS_PROFILE"} <= read
    assert read - set(VARIABLES) - set(OWN) == set()
