"""Finding the modules of a package by name, and checking the options a user gave for one.

The file name is the key in `params.yaml`, so adding a module is all it takes to add one.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from labelcycle.core.near_names import did_you_mean
from labelcycle.errors import SettingsError
from labelcycle.options import Options

Own = TypeVar("Own", bound=Options)

PAPER = re.compile(r".*?\b\d{4}(?: \(arXiv [0-9.]+\))?(?=[.,;])")
"""What a docstring's second paragraph begins with: authors: title, venue year (arXiv number)."""

NO_PAPER = "No paper: "
"""What it begins with where there is none."""


def names(path: Iterable[str]) -> list[str]:
    """Names of the modules below a package's `__path__`, sorted; not those that begin with _."""
    modules = (module.name for module in pkgutil.iter_modules(list(path)))
    return sorted(name for name in modules if not name.startswith("_"))


def get(package: str, path: Iterable[str], name: str, kind: str) -> ModuleType:
    """The module `name` of a package.

    Raises SettingsError that lists the near names, or all of them, if there is none.
    """
    paths = list(path)
    _check_name(paths, name, kind)
    return importlib.import_module(f"{package}.{name}")


def declared(path: Iterable[str], name: str, kind: str) -> dict[str, Any]:
    """Constants that the module `name` gives at its top, and its functions, each as None.

    Read from its text: a question should not cost the import of torch. Raises as `get` does.
    """
    paths = list(path)
    _check_name(paths, name, kind)
    spec = PathFinder.find_spec(name, paths)
    return dict(_declared(Path(str(spec and spec.origin)).read_text(encoding="utf-8")))


@cache  # of the text, which may be another one under the same name
def _declared(text: str) -> dict[str, Any]:
    constants: dict[str, Any] = {}
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.FunctionDef):
            constants[statement.name] = None
        elif isinstance(statement, ast.Assign | ast.AnnAssign) and isinstance(
            statement.value, ast.Constant
        ):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            keys = (target.id for target in targets if isinstance(target, ast.Name))
            constants |= dict.fromkeys(keys, statement.value.value)
    return constants


def described(module: Any) -> tuple[str, str]:
    """The first line of a module's docstring, and its paper ("" if it has none)."""
    first, _, rest = (inspect.getdoc(module) or "").partition("\n\n")
    paper = PAPER.match(" ".join(rest.split("\n\n")[0].split()))
    return first, paper[0] if paper and not rest.startswith(NO_PAPER) else ""


def _check_name(path: Iterable[str], name: str, kind: str) -> None:
    paths = list(path)
    if name.isidentifier() and not name.startswith("_") and PathFinder.find_spec(name, paths):
        return  # a look that Python remembers
    known = names(paths)
    if name not in known:
        raise SettingsError(unknown(kind, name, known))


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """The text of an error for a name that is none of those known; it asks for those like it."""
    names = list(known)
    hint = did_you_mean(name, names, most=3)
    return f"unknown {kind} {name!r}; {hint}{' ' * bool(hint)}wanted one of {', '.join(names)}"


def parse_options(kind: type[Own], values: Mapping[str, Any] | Options | None, owner: str) -> Own:
    """The typed options of `owner` ("strategy typiclust"), defaults filled in.

    Raises SettingsError that names the key, what was wanted and what came.
    """
    if isinstance(values, kind):
        return values
    if isinstance(values, Options):
        raise SettingsError(f"options of {owner}: wanted its own Options, got {values!r}")
    try:
        return kind.model_validate(dict(values or {}))
    except ValidationError as error:
        texts = "; ".join(explain(kind, problem) for problem in error.errors())
        raise SettingsError(f"options of {owner}: {texts}") from error


def explain(kind: type[Options], problem: Any) -> str:
    """One problem that pydantic found, as text: key, wanted, got, the nearest right key.

    kind : the Options that were checked; the problem may lie in an Options within it
    """
    keys = [str(part) for part in problem["loc"]]
    key = ".".join(keys)
    if problem["type"] == "value_error":  # a check of our own: its text says it all
        text: str = problem["msg"].removeprefix("Value error, ")
        return f"{key}: {text}" if key else text
    if problem["type"] in ("list_type", "tuple_type"):
        came = problem["input"]
        example = came if isinstance(came, str) else "a, b"
        return f"{key}: wanted a list, as in [{example}] (got {came!r})"
    if problem["type"] != "extra_forbidden":
        expected = problem["msg"]
        for lead in ("Input should be ", "String should have "):
            expected = expected.removeprefix(lead)
        return f"{key}: wanted {expected} (got {problem['input']!r})"
    known = _fields(kind, keys[:-1])
    hint = did_you_mean(keys[-1], known) or f"known keys: {', '.join(known) or 'none'}"
    return f"{key}: unknown key; {hint}"


def _fields(kind: type[Any], path: Iterable[str]) -> list[str]:
    """The keys of the section at `path`, in which numbers are places in lists."""
    for part in path:
        if not part.isdigit():
            kind = _section(kind.model_fields[part].annotation)
    return list(kind.model_fields)


def _section(annotation: Any) -> Any:
    """The Options within a field's type: itself, or one of a list, or one that may be null."""
    if isinstance(annotation, type) and issubclass(annotation, Options):
        return annotation
    return next(
        (section for argument in get_args(annotation) if (section := _section(argument))), None
    )
