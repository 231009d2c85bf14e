"""How the reference pages put what the code says into words and tables of Markdown."""

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from labelcycle.options import Options

FOOT = "*Printed from the code by `make reference`.*"
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "null": "`null`",
    "object": "keys and values",
}
"""A type of JSON's schema in words."""


class Unexplained(Exception):
    """The code does not say what this is."""


def explained(text: str | None, what: str) -> str:
    """A text of the code on one line. Raises Unexplained if there is none."""
    if not text or not text.strip():
        raise Unexplained(f"{what}: wanted a description in the code, got none")
    return " ".join(text.split())


def paragraphs(text: str | None, what: str) -> list[str]:
    """The paragraphs of a docstring, each on one line. Raises Unexplained if there are none."""
    explained(text, what)
    return [" ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n")]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; "" if it has no rows."""
    lines = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    if not lines:
        return ""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *lines])


def page(title: str, *parts: str) -> str:
    """A page of its parts; empty ones are left out."""
    return "\n\n".join([f"# {title}", *filter(None, parts), FOOT]) + "\n"


def fields(options: type[Options], owner: str) -> str:
    """The settings of one kind of Options as a table. Raises Unexplained for one without a text."""
    schema = options.model_json_schema()
    needed = schema.get("required", ())
    known = options.model_fields.items()
    made = {key: field.default_factory and {} for key, field in known}  # an empty mapping
    return table(
        ("key", "value", "default", "meaning"),
        (
            (
                f"`{key}`",
                value(field),
                "needed" if key in needed else default(field.get("default", made.get(key))),
                explained(field.get("description"), f"setting {owner}.{key}"),
            )
            for key, field in schema["properties"].items()
        ),
    )


def value(field: Mapping[str, Any]) -> str:
    """What a field takes, in words: its type and its bounds."""
    if "anyOf" in field:
        return ", or ".join(dict.fromkeys(value(each) for each in field["anyOf"]))
    if "enum" in field:
        return " or ".join(f"`{each}`" for each in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "$ref" in field:
        return "keys, see below"
    if field.get("type") == "array":
        parts = field.get("prefixItems") or [field["items"]]
        return f"list of {' and '.join(map(value, parts))}"
    return TYPES[field["type"]] + _bounds(field)


def _bounds(field: Mapping[str, Any]) -> str:
    """The bounds of a field, after a space; "" if it has none."""
    if "pattern" in field:
        return f" of the form `{field['pattern']}`"
    if "minLength" in field:
        return f" of {field['minLength']} to {field['maxLength']} characters"
    words = {"minimum": "from", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    words["maximum"] = "to" if "minimum" in field else "up to"
    found = [f"{word} {_number(field[key])}" for key, word in words.items() if key in field]
    return f" {' and '.join(found).replace(' and to ', ' to ')}" if found else ""


def _number(bound: float) -> str:
    """A bound with all its digits, as `1,000,000`."""
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:g}"


def default(plain: Any) -> str:
    """A default as it is written in YAML."""
    if plain == "":
        return "empty"
    text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    bare = text.removesuffix("\n").removesuffix("...").strip()
    return f"`{bare}`"
