"""The text of params.yaml with other classes, and everything else as its owner wrote it."""

from collections.abc import Iterator, Sequence

import yaml

from labelcycle.errors import SettingsError


def with_classes(text: str, classes: Sequence[str]) -> str:
    """`text` with these class names as campaign.classes; no other line changes.

    Classes that are listed one a line keep their line, with its comment. Raises SettingsError if
    the text is written in a way that does not allow it.
    """
    try:
        wanted = yaml.safe_load(text)
        wanted["campaign"]["classes"] = list(classes)
        node = _classes(yaml.compose(text, Loader=yaml.SafeLoader))
        start, end = node.start_mark.index, node.end_mark.index
        written = text[:start] + _flow(classes) + text[end:]
        if not node.flow_style:
            written = "".join(_lines(text, node, classes))
        if yaml.safe_load(written) == wanted:
            return written
    except (KeyError, TypeError, yaml.YAMLError):
        pass
    raise SettingsError(
        "params.yaml: campaign.classes cannot be rewritten there: wanted a plain list, as in"
        " `classes: [cat, dog]`; write the classes in this way and run the same command again"
    )


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
        item.value: "".join(lines[first:last])
        for item, first, last in zip(node.value, starts, [*starts[1:], end], strict=True)
    }
    yield from lines[: starts[0]]
    for name in classes:
        line = kept.get(name, f"{indent}- {_flow([name])[1:-1]}\n")
        yield line if line.endswith("\n") else f"{line}\n"
    yield from lines[end:]
