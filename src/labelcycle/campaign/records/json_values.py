"""From JSON to typed values: the fields and types of a dataclass say what is wanted.

Nothing is guessed, filled in or converted, but lists that become tuples. A field that most files
lack is marked `SPARSE`: where it has its default, it is not written.
"""

import dataclasses
import functools
import json
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

Reader = Callable[[Any], Any]
"""From a JSON value to the value of a field; raises OddValueError."""

SHOWN = 60
"""Characters of an odd value that an error repeats."""

PLAIN: Mapping[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
    type(None): ((type(None),), "null"),
}
"""Simple types: the Python types of their JSON values, and what they are called in an error."""


SPARSE: Mapping[str, bool] = {"sparse": True}
"""Metadata of a field with a plain default that files leave out: older ones have never had it."""


class OddValueError(Exception):
    """A JSON value that is not of the type wanted; names the field it is in."""

    def __init__(self, wanted: str, came: str, field: str = "") -> None:
        super().__init__(f"{field}{field and ': '}wanted {wanted}, got {came}")
        self.wanted, self.came, self.field = wanted, came, field

    def within(self, outer: str) -> "OddValueError":
        """The same one, seen from the object around it."""
        field = f"{outer}.{self.field}" if self.field else outer
        return OddValueError(self.wanted, self.came, field)


def typed(kind: Any, value: Any) -> Any:
    """A dataclass from a JSON object that has exactly its fields; else raises OddValueError."""
    if not isinstance(value, dict):
        raise OddValueError("an object", shown(value))
    readers = _field_readers(kind)
    if not value.keys() <= readers.keys():
        name = next(name for name in value if name not in readers)
        raise OddValueError("no such field", shown(value[name]), name)
    values, name = {}, ""
    try:
        for name, (read, as_it_is) in readers.items():
            if name in value:
                found = value[name]
                # at once: a campaign has millions of such values
                values[name] = found if type(found) in as_it_is else read(found)
            elif name not in _sparse(kind):
                raise OddValueError("this field", "none")
    except OddValueError as odd:
        raise odd.within(name) from None
    return kind(**values)


def plain(value: Any) -> dict[str, Any]:
    """A dataclass as plain values, without its sparse fields that have their default.

    >>> from labelcycle.campaign.sample_files import Sample
    >>> sample = Sample("00", "000/00.png", "00.png", "pool", 4, 3)
    >>> "named_groups" in plain(sample)
    False
    """
    kind: Any = type(value)
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(kind)}
    if not all(map(_flat, fields.values())):
        fields = dataclasses.asdict(value)
    for name, default in _sparse(kind).items():
        if getattr(value, name) == default:
            del fields[name]
    return fields


@functools.cache
def _sparse(kind: Any) -> dict[str, Any]:
    """The sparse fields of a dataclass, with their defaults."""
    fields = dataclasses.fields(kind)
    return {field.name: field.default for field in fields if "sparse" in field.metadata}


def _flat(value: Any) -> bool:
    """Whether a value is plain already, as far as it is looked into: to copy it takes time."""
    if type(value) is tuple:
        return all(type(entry) in PLAIN for entry in value)
    return type(value) in PLAIN


@functools.cache
def _field_readers(kind: Any) -> dict[str, tuple[Reader, tuple[type, ...]]]:
    """What reads each field of a dataclass, and the types that it leaves as they are."""
    hints = get_type_hints(kind)
    return {
        field.name: (_reader(hints[field.name]), PLAIN.get(hints[field.name], ((), ""))[0])
        for field in dataclasses.fields(kind)
    }


@functools.cache
def _reader(hint: Any) -> Reader:
    """What reads a value of this type."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: value
    if hint in PLAIN:
        return functools.partial(_plain, *PLAIN[hint])
    if origin is Literal:
        return functools.partial(_literal, parts)
    if origin in (Union, types.UnionType):
        return _optional([part for part in parts if part is not type(None)])
    if origin is tuple and Ellipsis in parts:
        return functools.partial(_tuple, _reader(parts[0]))
    if origin is tuple:
        return functools.partial(_row, [_reader(part) for part in parts])
    if origin is not None and issubclass(origin, Mapping):
        return functools.partial(_mapping, _reader(parts[1]))
    return functools.partial(typed, hint)


def _plain(kinds: tuple[type, ...], wanted: str, value: Any) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise OddValueError(wanted, shown(value))
    return value


def _literal(known: tuple[str, ...], value: Any) -> Any:
    """One of the known values itself: in a million records it is there once."""
    if value not in known:
        raise OddValueError(f"one of {', '.join(map(repr, known))}", shown(value))
    return known[known.index(value)]


def _optional(parts: list[Any]) -> Reader:
    """A value of the one type, or null."""
    read = _reader(parts[0])
    return lambda value: None if value is None else read(value)


def _tuple(read: Reader, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise OddValueError("a list", shown(value))
    if not value:
        return ()
    return tuple(_within(str(place), read, entry) for place, entry in enumerate(value))


def _row(readers: list[Reader], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) != len(readers):
        raise OddValueError(f"a list of {len(readers)} values", shown(value))
    pairs = enumerate(zip(readers, value, strict=True))
    return tuple(_within(str(place), read, entry) for place, (read, entry) in pairs)


def _mapping(read: Reader, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise OddValueError("an object", shown(value))
    return {key: _within(key, read, entry) for key, entry in value.items()}


def _within(name: str, read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except OddValueError as odd:
        raise odd.within(name) from None


def shown(value: Any) -> str:
    """A value in an error, cut."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
