"""The text of params.yaml with other values, and everything else as its owner wrote it."""

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


def with_values(text: str, section: str, values: Mapping[str, Any], remark: str = "") -> str:
    """`text` with these values in a section; no other line changes.

    A key or section that is not there is added. remark : a comment behind the first value, where
    nothing else is on its line. Raises SettingsError if the text is written in a way that does not
    allow it.

    >>> with_values("query: {budget: 4}", "query", {"strategy": "random"})
    'query: {strategy: random, budget: 4}'
    """
    try:
        wanted = yaml.safe_load(text) or {}
        wanted.setdefault(section, {}).update(values)
        written = text
        for number, (key, value) in enumerate(values.items()):
            written = _with_value(written, section, key, value, "" if number else remark)
        if yaml.safe_load(written) == wanted:
            return written
    except (AttributeError, TypeError, yaml.YAMLError):
        pass
    told = ", ".join(f"{key}: {_flow(value)}" for key, value in values.items())
    raise SettingsError(
        f"params.yaml: section {section} cannot be rewritten there: wanted a plain section, with a"
        f" key on each line; write `{told}` into it, and run the same command again"
    )


def _with_value(text: str, section: str, key: str, value: Any, remark: str) -> str:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node, found = _entry(root, section), None
    if node is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}{section}:\n  {key}: {_flow(value)}{_comment(remark)}\n"
    found = _entry(node, key)
    start, end = (found or node).start_mark.index, (found or node).end_mark.index
    if found is not None:
        line = text[end:].partition("\n")[0].strip()
        return text[:start] + _flow(value) + ("" if line else _comment(remark)) + text[end:]
    if node.flow_style:
        more = ", " if node.value else ""
        return f"{text[: start + 1]}{key}: {_flow(value)}{more}{text[start + 1 :]}"
    indent = " " * node.start_mark.column
    return f"{text[:start]}{key}: {_flow(value)}{_comment(remark)}\n{indent}{text[start:]}"


def _entry(node: yaml.Node | None, key: str) -> Any:
    """The node of a key; None if it is not there."""
    entries = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in entries if name.value == key), None)


def _comment(remark: str) -> str:
    return f"  # {remark}" if remark else ""


def named_file(text: str) -> tuple[str, str] | None:
    """The key `pretrain.options.file`, or `pretrain.weights`, and the file that it names.

    None if neither names one.

    It decides what is trusted, so there is one reader. A text that cannot be read names none:
    whoever uses the settings says what is wrong with it.

    >>> named_file("pretrain: {options: {file: data/f.npz}}")
    ('pretrain.options.file', 'data/f.npz')
    """
    try:
        section = yaml_text.values(text)["pretrain"]
    except (yaml.YAMLError, KeyError, TypeError):
        return None
    if not isinstance(section, dict):
        return None
    options = section.get("options")
    key, name = "options.file", options.get("file") if isinstance(options, dict) else None
    if name is None:
        key, name = "weights", section.get("weights")
    return (f"pretrain.{key}", name) if isinstance(name, str) else None


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


def _flow(value: Any) -> str:
    """As in `[cat, 'no']`."""
    plain = list(value) if isinstance(value, tuple) else value
    shown = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=10_000)
    return shown.removesuffix("\n").removesuffix("...").strip()


def _lines(text: str, node: yaml.SequenceNode, classes: Sequence[str]) -> Iterator[str]:
    """The lines of the file, with one line a class."""
    lines = text.splitlines(keepends=True)
    indent = lines[node.start_mark.line][: node.start_mark.column]
    starts = [item.start_mark.line for item in node.value]
    end = node.value[-1].end_mark.line + 1
    line_end = "\r\n" if lines[starts[0] - 1].endswith("\r\n") else "\n"
    kept = {
        composed(item.value): "".join(lines[first:last])
        for item, first, last in zip(node.value, starts, [*starts[1:], end], strict=True)
    }
    yield from lines[: starts[0]]
    for name in classes:
        line = kept.get(name, f"{indent}- {_flow([name])[1:-1]}{line_end}")
        yield line if line.endswith("\n") else f"{line}{line_end}"
    yield from lines[end:]
