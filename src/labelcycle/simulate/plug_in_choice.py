"""A strategy, clusterer or learner with its options, as somebody typed or wrote it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from labelcycle.core.registry import parse_options
from labelcycle.errors import SettingsError
from labelcycle.options import Options


class Package(Protocol):
    """`core.strategies`, `core.clusterers` or `nn.learners`."""

    def get(self, name: str) -> Any:
        """The module of that name. Raises SettingsError if there is none."""


@dataclass(frozen=True)
class Choice:
    """One part of a campaign, with all its options.

    text : what it is called in tables and figures
    """

    text: str
    name: str
    options: Options = field(hash=False)  # it may hold a mapping

    def record(self) -> dict[str, Any]:
        """Name and all options, defaults included."""
        return {"name": self.name, "options": self.options.model_dump(mode="json")}


def chosen(package: Package, name: str, values: Mapping[str, Any], text: str = "") -> Choice:
    """The part of `package` with that name. Raises SettingsError for a wrong name or option."""
    return Choice(
        text or name, name, parse_options(package.get(name).Options, values, text or name)
    )


def choice(text: str, package: Package) -> Choice:
    """The part that `name` or `name:key=value:key=value` names. Raises SettingsError."""
    name, *pairs = text.split(":")
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise SettingsError(f"{text}: wanted name:key=value:key=value (got {wrong[0]!r})")
    values = {key: _value(value) for key, value in (pair.split("=", 1) for pair in pairs)}
    return chosen(package, name, values, text)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
