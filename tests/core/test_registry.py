from pathlib import Path

import pytest

from labelcycle.core import registry, strategies
from labelcycle.errors import SettingsError


def test_every_file_of_a_package_is_found_by_its_name(tmp_path: Path) -> None:
    for name in ("beta.py", "alpha.py", "_shared.py"):
        (tmp_path / name).touch()
    assert registry.names([str(tmp_path)]) == ["alpha", "beta"]


def test_the_strategies_are_the_files() -> None:
    folder = Path(strategies.__file__).parent
    assert strategies.names() == sorted(p.stem for p in folder.glob("[!_]*.py"))
    assert set(strategies.names()) >= {"margin", "random", "supclust", "typiclust"}


def test_an_unknown_name_without_a_near_one_lists_all() -> None:
    with pytest.raises(SettingsError, match=r"unknown strategy '': wanted one of .*; pick one"):
        strategies.get("")


def test_two_wrong_options_are_both_told() -> None:
    options = strategies.get("supclust").Options
    with pytest.raises(SettingsError, match=r"share: wanted .* \(got 0\); temprature: unknown key"):
        registry.parse_options(options, {"share": 0, "temprature": 1}, "strategy supclust")
