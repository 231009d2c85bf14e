import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from labelcycle.core import clusterers, registry, strategies
from labelcycle.errors import SettingsError
from labelcycle.nn import encoders, learners

REPOSITORY = Path(__file__).parents[2]


def test_every_file_of_a_package_is_found_by_its_name(tmp_path: Path) -> None:
    for name in ("beta.py", "alpha.py", "_shared.py"):
        (tmp_path / name).touch()
    assert registry.names([str(tmp_path)]) == ["alpha", "beta"]


def test_the_strategies_are_the_files() -> None:
    folder = Path(strategies.__file__).parent
    assert strategies.names() == sorted(p.stem for p in folder.glob("[!_]*.py"))
    assert set(strategies.names()) >= {"margin", "random", "supclust", "typiclust"}


@pytest.mark.parametrize("name", strategies.names())
def test_a_strategy_names_the_test_that_explains_it(name: str) -> None:
    last = " ".join(str(inspect.getdoc(strategies.get(name))).split("\n\n")[-1].split())
    slow = re.fullmatch(r"Slow version: (tests/core/test_\w+\.py), `(\w+)`\.", last)
    by_hand = re.fullmatch(r"Tested by hand: (tests/core/test_\w+\.py)\.", last)
    assert slow or by_hand, f"wanted its slow version, or the test by hand, got {last!r}"
    text = (REPOSITORY / (slow or by_hand)[1]).read_text(encoding="utf-8")
    assert name in text
    if slow:
        assert f"def {slow[2]}(" in text


def test_the_strategies_without_a_paper_are_known() -> None:
    parts = {name: registry.described(strategies.get(name)) for name in strategies.names()}
    without = {name for name, (_, paper) in parts.items() if not paper}
    assert without == {"random", "trustherding"}


def test_errors_of_the_core_name_no_command() -> None:
    core = Path(registry.__file__).parent
    commands = [
        f"{path.name}:{number}"
        for path in core.rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"`labelcycle( -|[ `])", line)
    ]
    assert commands == []


def test_an_unknown_name_without_a_near_one_lists_all() -> None:
    with pytest.raises(SettingsError, match=r"unknown strategy ''; wanted one of .*, typiclust"):
        strategies.get("")


def test_two_wrong_options_are_both_told() -> None:
    options = strategies.get("supclust").Options
    with pytest.raises(SettingsError, match=r"share: wanted .* \(got 0\); temprature: unknown key"):
        registry.parse_options(options, {"share": 0, "temprature": 1}, "strategy supclust")


@pytest.mark.parametrize(
    ("package", "name"),
    [
        (package, name)
        for package in (strategies, clusterers, learners, encoders)
        for name in package.names()
    ],
)
def test_what_is_declared_is_what_the_module_holds(package: ModuleType, name: str) -> None:
    module, found = package.get(name), registry.declared(package.__path__, name, "part")
    own = {
        key
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__
    }
    assert own <= found.keys()
    assert found.get("INPUT") == getattr(module, "INPUT", None)
    assert all(getattr(module, key) == found[key] for key in found.keys() - own)


def test_a_constant_may_be_annotated(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("A: Final = 'x'\nB: int\nC = D = 3\nE = {}\nF.g: int = 1\n")
    assert registry.declared([str(tmp_path)], "one", "part") == {"A": "x", "C": 3, "D": 3}
