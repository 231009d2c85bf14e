"""What is said of a campaign's files, its figures and the environment is complete."""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from labelcycle.adapters.local.variables import OWN, VARIABLES
from labelcycle.campaign import contents, metric_names, round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.metrics_record import Evaluation, Metrics
from labelcycle.core.answer_times import Effort
from labelcycle.core.metrics import Estimate
from labelcycle.stages import declaration

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
        ("data/images/000/0123456789abcdef.png", "data/images/NNN/ID.EXT"),
        ("data/images/000/0123456789abcdeg.png", None),
        ("data/images/0123456789abcdef.png", None),
        ("data/images/012.dvc", "data/images/NNN.dvc"),
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


def names_of(kind: Any, above: str = "") -> Iterator[str]:
    """The dotted name of each figure of a record; `*` where any name may be."""
    types = [x for x in get_args(kind) if x is not type(None)]
    if get_origin(kind) is Mapping:
        yield from names_of(types[1], f"{above}.*")
    elif get_origin(kind) in (Union, UnionType) and len(types) == 1:
        yield from names_of(types[0], above)
    elif (
        is_dataclass(kind) and kind not in (Estimate, Effort) and above != "preannotation.campaign"
    ):
        for name, hint in get_type_hints(kind).items():
            yield from names_of(hint, f"{above}.{name}".lstrip("."))
    else:
        yield above


def test_the_names_are_the_figures_of_the_records() -> None:
    places = re.compile(rf"\b({'|'.join(metric_names.PLACEHOLDERS)})\b")
    model, both = (
        {places.sub("*", name) for name in names}
        for names in (metric_names.MODEL, metric_names.MODEL | metric_names.ROUND)
    )
    assert set(names_of(Evaluation)) == model
    assert set(names_of(Metrics)) == both


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


@pytest.mark.slow
def test_every_variable_that_is_read_is_explained() -> None:
    read = set(variables_read())
    assert {"LABELCYCLE_NOTIFY", "MLFLOW_TRACKING_URI", "LABEL_STUDIO_URL", "AWS_PROFILE"} <= read
    assert read - set(VARIABLES) - set(OWN) == set()


def test_the_pages_say_what_the_code_says_of_files_and_figures() -> None:
    reference = TOP / "docs" / "reference"
    files = (reference / "files.md").read_text(encoding="utf-8").splitlines()
    figures = (reference / "metrics.md").read_text(encoding="utf-8").splitlines()
    said = [f"| `{e.path}` | {e.keeper} | {e.meaning} |" for e in contents.ENTRIES]
    meanings = {**metric_names.MODEL, **metric_names.ROUND}
    assert [line for line in said if line not in files] == []
    assert [
        name for name, text in meanings.items() if f"| `{name}` | {text} |" not in figures
    ] == []
