"""The code that a stage's numbers come from: modules, libraries, files that options name.

It is one of the stage's inputs, so that DVC runs a stage again whose code is another one.
"""

import ast
import hashlib
import importlib.metadata
from functools import cache
from pathlib import Path

from labelcycle.core.digests import file_digest
from labelcycle.errors import SettingsError

NUMERIC = {
    "PIL": "pillow",
    "faiss": "faiss-gpu",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "timm": "timm",
    "torch": "torch",
    "torchvision": "torchvision",
}
"""Import name -> distribution of the libraries whose version can change a stage's numbers."""

NO_FILE = "no such file"


def code_of(*roots: str, alone: tuple[str, ...] = (), declared: str = "") -> dict[str, str]:
    """Digest of the modules that `roots` import, followed through labelcycle, and the versions.

    alone : modules that count without what they import
    declared : what else counts as code, as text
    """
    own, numeric = _closure(roots)
    code = hashlib.sha256(declared.encode())
    for module in sorted({*own, *alone}):
        code.update(module.encode() + b"\0" + _source(module) + b"\0")
    versions = {NUMERIC[package]: _version(NUMERIC[package]) for package in sorted(numeric)}
    return {"modules": code.hexdigest()[:16], **versions}


def named_files(home: Path, name: str | None) -> dict[str, str]:
    """The file that an encoder's option `file` names, as it stands there, with its digest.

    Empty where the option names none; `NO_FILE` instead of a digest where there is no such file.

    home : the folder to which the name is relative
    """
    if not name:
        return {}
    path = home / name
    return {name: file_digest(path) if path.is_file() else NO_FILE}


@cache
def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        # faiss-cpu stands in for faiss-gpu where that has no wheel
        try:
            return importlib.metadata.version(distribution.replace("-gpu", "-cpu"))
        except importlib.metadata.PackageNotFoundError as error:
            raise SettingsError(
                f"the settings need the package {distribution}, which is not installed: run"
                f' pip install "labelcycle[{distribution}]"'
            ) from error


def _closure(roots: tuple[str, ...]) -> tuple[set[str], set[str]]:
    """(modules of labelcycle, numeric packages) that `roots` import, directly or through others."""
    own: set[str] = set()
    numeric: set[str] = set()
    waiting = [root for root in roots if _file(root)]
    while waiting:
        module = waiting.pop()
        if module in own:
            continue
        own.add(module)
        for name in _imports(module):
            top = name.partition(".")[0]
            if top in NUMERIC:
                numeric.add(top)
            elif top == "labelcycle":
                waiting.extend(part for part in _candidates(name) if _file(part))
    return own, numeric


def _candidates(name: str) -> tuple[str, ...]:
    """`from a.b import c` may mean the module a.b.c or a name in a.b; importing runs a and a.b."""
    parts = name.split(".")
    return tuple(".".join(parts[: i + 1]) for i in range(1, len(parts)))


@cache
def _imports(module: str) -> frozenset[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


@cache
def _file(module: str) -> Path | None:
    """Source file of a module of labelcycle, without importing it."""
    root = Path(__file__).parents[1].joinpath(*module.split(".")[1:])
    for path in (root.with_suffix(".py"), root / "__init__.py"):
        if path.is_file():
            return path
    return None


@cache
def _source(module: str) -> bytes:
    path = _file(module)
    return path.read_bytes() if path else b""
