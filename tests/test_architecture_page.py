"""docs/concepts/architecture.md names the layers that import-linter keeps, and files there are."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "concepts" / "architecture.md").read_text(encoding="utf-8")


def contracts() -> dict[str, list[str]]:
    """The layers of each contract, from the top; those of one row have `|` or `:` between them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    kept = settings["tool"]["importlinter"]["contracts"]
    return {each["name"]: each["layers"] for each in kept if each["type"] == "layers"}


def names(row: str) -> list[str]:
    """Of `labelcycle.a | labelcycle.b`: a, b."""
    return [part.strip().removeprefix("labelcycle.") for part in re.split(r"[|:]", row)]


def told() -> list[list[str]]:
    """The names in the first column of the page's table of layers."""
    table = PAGE.partition("| layer, from the top |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.split("\n")[2:]]
    return [re.findall(r"`(\w+)`", row) for row in rows]


def test_the_page_has_the_layers_that_imports_are_held_to() -> None:
    main, flows = contracts().values()
    rows = [names(row) for row in main]
    above, between, below = map(names, flows)
    assert (above, below) == (rows[0], rows[1])
    assert told() == [rows[0], between, *rows[1:]]


def test_every_file_and_folder_that_the_page_names_is_there() -> None:
    of_a_campaign = ("rounds/NNN/", "params.yaml", "dvc.yaml", ".labelcycle/")
    text = re.sub(r"```.*?```", "", PAGE, flags=re.S)
    found = [
        name for name in re.findall(r"`([\w./]+(?:/|\.py))`", text) if "/" in name or ".py" in name
    ]
    named = [name for name in found if not name.startswith(of_a_campaign)]
    assert len(named) > 10
    places = (ROOT, ROOT / "src" / "labelcycle")
    assert [name for name in named if not any((p / name).exists() for p in places)] == []
