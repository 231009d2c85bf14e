"""The text of params.yaml with other classes, and everything else as its owner wrote it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from labelcycle.campaign import yaml_text
from labelcycle.core.class_names import composed
from labelcycle.errors import SettingsError


def with_classes(text: str, classes: Sequence[str]) -> str:
    """`text` with these class names as campaign.classes; no other line changes.

    Classes that are listed one a line keep their line, with its comment. Raises SettingsError if
    the text is written in a way that does not allow it.
    """
    classes = tuple(map(composed, classes))
    try:
        wanted = yaml.safe_load(text)
        wanted["campaign"]["classes"] = list(classes)
        node = _classes(yaml.compose(text, Loader=yaml.SafeLoader))
        start, end = node.start_mark.index, node.end_mark.index
        written = text[:start] + _flow(classes) + text[end:]
        if not node.flow_style:
            written = "".join(_lines(text, node, classes))
        found = yaml.safe_load(written)
        found["campaign"]["classes"] = list(map(composed, found["campaign"]["classes"]))
        if found == wanted:
            return written
    except (KeyError, TypeError, yaml.YAMLError):
        pass
    raise SettingsError(
        "params.yaml: campaign.classes cannot be rewritten there: wanted a plain list, as in"
        " `classes: [cat, dog]`; write the classes in this way and run the same command again"
    )


def named_file(text: str) -> str | None:
    """The file that `pretrain.options.file` of a params.yaml names; None if it names none.

    It decides what is trusted, so there is one reader. A text that cannot be read names none:
    whoever uses the settings says what is wrong with it.

    >>> named_file("pretrain: {options: {file: data/f.npz}}")
    'data/f.npz'
    """
    try:
        name = yaml_text.values(text)["pretrain"]["options"]["file"]
    except (yaml.YAMLError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def unquoted(text: str | None, problem: Mapping[str, Any]) -> str:
    """What YAML made of a text without quotes, if that is the problem; else empty.

    text : the file, None if the value was not read from one; problem : as pydantic says it
    """
    if problem["type"] != "string_type" or isinstance(problem["input"], dict | list):
        return ""
    written = _written(text, problem["loc"]) if text is not None else None
    if not written:
        return ""
    kind = KINDS.get(type(problem["input"]).__name__, "something else than a text")
    return f"; YAML reads {written} without quotes as {kind}: write '{written}'"


KINDS = {
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "date": "a date",
    "datetime": "a time",
    "NoneType": "nothing",
}
"""What YAML can take a plain text for, by the name of the type in Python."""


def _written(text: str, place: Sequence[str | int]) -> str | None:
    """What stands at a place of the file, as it is written there."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for key in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            node = node.value[key]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if name.value == key), None)
    return node.value if isinstance(node, yaml.ScalarNode) else None


def _classes(root: yaml.Node | None) -> yaml.SequenceNode:
    """The list of classes in the tree of the file."""
    node = root
    for key in ("campaign", "classes"):
        if not isinstance(node, yaml.MappingNode):
            raise KeyError(key)
        found = [value for name, value in node.value if name.value == key]
        node = found[0] if found else None
    if not isinstance(node, yaml.SequenceNode):
        raise KeyError("classes")
    return node


def _flow(classes: Sequence[str]) -> str:
    """As in `[cat, 'no']`."""
    shown = yaml.safe_dump(list(classes), default_flow_style=True, allow_unicode=True, width=10_000)
    return shown.rstrip("\n")


def _lines(text: str, node: yaml.SequenceNode, classes: Sequence[str]) -> Iterator[str]:
    """The lines of the file, with one line a class."""
    lines = text.splitlines(keepends=True)
    indent = lines[node.start_mark.line][: node.start_mark.column]
    starts = [item.start_mark.line for item in node.value]
    end = node.value[-1].end_mark.line + 1
    kept = {
        composed(item.value): "".join(lines[first:last])
        for item, first, last in zip(node.value, starts, [*starts[1:], end], strict=True)
    }
    yield from lines[: starts[0]]
    for name in classes:
        line = kept.get(name, f"{indent}- {_flow([name])[1:-1]}\n")
        yield line if line.endswith("\n") else f"{line}\n"
    yield from lines[end:]
