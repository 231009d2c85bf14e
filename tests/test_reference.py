"""The reference pages say what the code says, and the code explains everything they list."""

import re
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import pytest
import reference
import reference_text
from pydantic import Field
from reference_text import Unexplained

from labelcycle import options as base
from labelcycle.core import strategies
from labelcycle.core.strategies import typiclust
from labelcycle.nn import encoders
from labelcycle.simulate.sets import SETS


@pytest.mark.parametrize("name", sorted(reference.PAGES))
def test_a_page_says_what_the_code_says(name: str) -> None:
    """After a change of the code: `make reference`."""
    page = reference.FOLDER / f"{name}.md"
    assert page.read_text(encoding="utf-8") == reference.PAGES[name]()


def test_the_page_of_the_encoders_explains_auto() -> None:
    assert encoders.ABOUT_AUTO in reference.PAGES["encoders"]()


def test_every_page_comes_from_the_code() -> None:
    written_by_hand = {"api", "data-sets"}
    pages = {path.stem for path in reference.FOLDER.glob("*.md")}
    assert pages - written_by_hand == set(reference.PAGES)


def test_every_data_set_is_explained() -> None:
    rows = re.findall(r"(?m)^\| (`.+?) \|", (reference.FOLDER / "data-sets.md").read_text("utf-8"))
    names = {name for row in rows for name in re.findall("`(.+?)`", row)}
    assert names == set(SETS)


class Bounded(base.Options):
    """Fields of all kinds."""

    share: float = Field(0.5, gt=0, lt=1, description="a share")
    count: int | None = Field(None, ge=1, le=2_000_001, description="how many")
    name: str = Field("no", min_length=2, max_length=4, description="a | b")
    pair: tuple[float, float] = Field((0.0, 1.0), description="low\n  and high")
    more: dict[str, Any] = Field(default_factory=dict, description="more")
    needed: bool = Field(description="whether")


def test_a_setting_is_put_into_words() -> None:
    assert reference_text.fields(Bounded, "x").splitlines()[2:] == [
        "| `share` | number above 0 and below 1 | `0.5` | a share |",
        "| `count` | whole number from 1 to 2,000,001, or `null` | `null` | how many |",
        "| `name` | text of 2 to 4 characters | `'no'` | a \\| b |",
        "| `pair` | list of number and number | `[0.0, 1.0]` | low and high |",
        "| `more` | keys and values | `{}` | more |",
        "| `needed` | `true` or `false` | needed | whether |",
    ]


def test_another_default_is_another_page(monkeypatch: pytest.MonkeyPatch) -> None:
    class Options(typiclust.Options):
        neighbours: int = Field(21, ge=1, description="K nearest neighbours")

    before = reference.PAGES["strategies"]()
    monkeypatch.setattr(typiclust, "Options", Options)
    changed = set(reference.PAGES["strategies"]().splitlines()) - set(before.splitlines())
    assert changed == {"| `neighbours` | whole number from 1 | `21` | K nearest neighbours |"}


def test_a_setting_without_a_description_is_named() -> None:
    class Options(base.Options):
        bare: int = 3

    with pytest.raises(Unexplained, match=r"setting push.bare: wanted a description"):
        reference_text.fields(Options, "push")


@pytest.mark.parametrize("param", [click.Option(["--bare"]), click.Argument(["bare"])])
def test_a_parameter_without_help_is_named(
    monkeypatch: pytest.MonkeyPatch, param: click.Parameter
) -> None:
    command = next(iter(reference.cli.commands.values()))
    monkeypatch.setattr(command, "params", [*command.params, param])
    with pytest.raises(Unexplained, match=r"(?i)bare: wanted a description"):
        reference.PAGES["commands"]()


@pytest.mark.parametrize("doc", [None, "It picks.", "It picks.\n\nNobody wrote of it."])
def test_a_part_without_a_source_is_named(monkeypatch: pytest.MonkeyPatch, doc: str | None) -> None:
    bare = ModuleType("bare", doc)
    vars(bare).update(Options=typiclust.Options, NEEDS=frozenset())
    package = SimpleNamespace(names=lambda: ["bare"], get=lambda name: bare)
    with pytest.raises(Unexplained, match="bare: wanted a"):
        reference.parts("Strategies", "", package, reference._strategy)
    assert "`random`" in reference.parts("Strategies", "", strategies, reference._strategy)
