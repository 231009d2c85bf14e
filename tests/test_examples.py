"""The examples in docstrings run, and everything public has one."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
ROOTS = (TOP / "src", TOP / "flows")
MODULES = sorted(
    ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    for root in ROOTS
    for path in root.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
API = (TOP / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
NAMED = re.findall(r"\.\. auto(?:function|class):: ([\w.]+)", API)


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run(module: str) -> None:
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for example in doctest.DocTestFinder().find(importlib.import_module(module)):
        runner.run(example, out=said.append)
    assert runner.tries > 0
    assert not runner.failures, "".join(said)


@pytest.mark.parametrize("name", NAMED)
def test_everything_public_has_an_example(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    thing = getattr(importlib.import_module(module), attribute)
    if getattr(thing, "_is_protocol", False):
        assert "(../plug-ins.md)" in API  # a page of complete examples, which run as tests
    else:
        assert ">>> " in (thing.__doc__ or ""), f"{name}: wanted an example in its docstring"


def test_what_the_package_exports_is_in_the_reference() -> None:
    package = importlib.import_module("labelcycle")
    names = {f"labelcycle.{name}" for name in package.__all__ if not name.startswith("__")}
    assert names <= set(NAMED)


def test_an_example_that_lies_is_found() -> None:
    lying = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "lying", None, 0)
    assert doctest.DocTestRunner().run(lying, out=lambda text: None).failed == 1
