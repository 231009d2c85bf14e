"""The names of modules: few at the top, and none twice, so that a reader guesses the right file."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOP = ROOT / "src" / "labelcycle"
PLUG_INS = (
    "adapters/annotation",
    "core/clusterers",
    "core/strategies",
    "nn/encoders",
    "nn/learners",
    "simulate/figures",
    "simulate/sets",
)
"""Folders in which a file's name is a key of params.yaml or of an experiment."""


def test_few_modules_stand_at_the_top() -> None:
    assert len(list(TOP.glob("*.py"))) <= 7


def test_no_name_of_a_module_occurs_twice() -> None:
    files = [*TOP.rglob("*.py"), *(ROOT / "flows").rglob("*.py")]
    within = [TOP / folder for folder in PLUG_INS]
    names = Counter(
        path.name
        for path in files
        if path.stem not in ("__init__", "__main__")
        and not any(folder in path.parents for folder in within)
    )
    assert [name for name, count in names.items() if count > 1] == []


def packages() -> list[Path]:
    """Every folder with code, but the top one, which holds them all."""
    folders = (TOP, ROOT / "flows" / "labelcycle_flows")
    return sorted(
        path.parent
        for folder in folders
        for path in folder.rglob("__init__.py")
        if path.parent != TOP
    )


def test_each_package_says_what_does_not_belong_in_it() -> None:
    """Its last paragraph says that no such thing is here, or in which other package it is."""
    rooms = "|".join(sorted({package.name for package in packages()}))
    excludes = re.compile(rf"\b(No|Nothing|None)\b|\belsewhere\b|`({rooms})\b[\w.]*`")
    silent = []
    for package in packages():
        tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
        last = (ast.get_docstring(tree) or "").split("\n\n")[-1]
        if not excludes.search(last):
            silent.append(str(package.relative_to(ROOT)))
    assert silent == []


def meanings(tree: ast.Module) -> list[str]:
    """The names of a module's classes and type aliases.

    A type variable means nothing by itself, and an alias of an array only saves letters.
    """
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, ast.unparse(node.value)
            if re.match("[A-Z][a-z]", name) and not value.startswith(("NDArray[", "TypeVar(")):
                names.append(name)
    return names


def test_a_class_name_has_one_meaning() -> None:
    """`Options` is what each plug-in and stage calls its settings."""
    files = [*TOP.rglob("*.py"), *(ROOT / "flows").rglob("*.py")]
    names = Counter(
        name
        for path in files
        for name in meanings(ast.parse(path.read_text(encoding="utf-8")))
        if name != "Options"
    )
    assert [name for name, count in names.items() if count > 1] == []
