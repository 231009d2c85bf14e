"""Reads and writes records: JSON whose fields and types are those of a frozen dataclass.

A record has the number of its shape in the field `version`. A file of another version, or with a
field missing, too many or of another type, is a DataError: nothing is guessed or filled in.
"""

import dataclasses
import functools
import json
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import (
    Any,
    ClassVar,
    Literal,
    Self,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from labelcycle.campaign.store import (
    RESTORE,
    dump_json,
    json_lines,
    read_json,
    write_bytes,
    write_jsonl,
)
from labelcycle.errors import DataError

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


@dataclass(frozen=True)
class Record:
    """A kind of record; `version` is the number of its shape, raised when fields change.

    >>> from labelcycle.campaign.records.ending_record import Ending
    >>> Ending.from_json({"version": 1, "how": "cancel", "reason": "", "abandon": False, "at": ""})
    Ending(how='cancel', reason='', abandon=False, at='')
    """

    version: ClassVar[int] = 1

    @classmethod
    def read(cls, path: Path) -> Self:
        """The record in a JSON file. Raises DataError that names file and field."""
        return cls.from_json(read_json(path), str(path))

    def write(self, path: Path) -> None:
        """Write the record as canonical JSON."""
        write_bytes(path, dump_json(self.to_json()).encode())

    @classmethod
    def from_json(cls, value: Any, where: str = "record") -> Self:
        """The record that a JSON value holds.

        where : names it in the DataError for another version, or for a missing or odd field
        """
        if not isinstance(value, dict):
            raise DataError(f"{where}: wanted an object, got {_shown(value)}; {RESTORE}")
        version = value.get("version")
        if version != cls.version:
            got = "none" if "version" not in value else _shown(version)
            raise DataError(
                f"{where}: version: wanted {cls.version}, got {got}; another version of labelcycle"
                f" wrote it: go on with that one, or {RESTORE}"
            )
        fields = {name: field for name, field in value.items() if name != "version"}
        try:
            record: Self = _object(cls, fields)
        except OddValueError as odd:
            raise DataError(f"{where}: {odd}; {RESTORE}") from None
        return record

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object."""
        return {"version": self.version, **dataclasses.asdict(self)}


R = TypeVar("R", bound=Record)


def read_lines(kind: type[R], path: Path) -> list[R]:
    """The records of a file with one a line. Raises DataError that names file, line and field."""
    return [kind.from_json(value, where) for value, where in json_lines(path)]


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write one record a line."""
    write_jsonl(path, (record.to_json() for record in records))


# --- from JSON to values -------------------------------------------------------------------


class OddValueError(Exception):
    """A JSON value that is not of the type wanted; names the field it is in."""

    def __init__(self, wanted: str, came: str, field: str = "") -> None:
        super().__init__(f"{field}: wanted {wanted}, got {came}")
        self.wanted, self.came, self.field = wanted, came, field

    def within(self, outer: str) -> "OddValueError":
        """The same one, seen from the object around it."""
        field = f"{outer}.{self.field}" if self.field else outer
        return OddValueError(self.wanted, self.came, field)


def _object(kind: Any, value: Any) -> Any:
    """A dataclass from a JSON object that has exactly its fields."""
    if not isinstance(value, dict):
        raise OddValueError("an object", _shown(value))
    readers = _field_readers(kind)
    for name in value:
        if name not in readers:
            raise OddValueError("no such field", _shown(value[name]), name)
    values = {}
    for name, read in readers.items():
        if name not in value:
            raise OddValueError("this field", "none", name)
        values[name] = _within(name, read, value[name])
    return kind(**values)


@functools.cache
def _field_readers(kind: Any) -> dict[str, Reader]:
    """What reads each field of a dataclass."""
    hints = get_type_hints(kind)
    return {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}


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
    if origin is tuple:
        return functools.partial(_tuple, _reader(parts[0]))
    if origin is not None and issubclass(origin, Mapping):
        return functools.partial(_mapping, _reader(parts[1]))
    return functools.partial(_object, hint)


def _plain(kinds: tuple[type, ...], wanted: str, value: Any) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise OddValueError(wanted, _shown(value))
    return value


def _literal(known: tuple[str, ...], value: Any) -> Any:
    if value not in known:
        raise OddValueError(f"one of {', '.join(map(repr, known))}", _shown(value))
    return value


def _optional(parts: list[Any]) -> Reader:
    """A value of the one type, or null."""
    read = _reader(parts[0])
    return lambda value: None if value is None else read(value)


def _tuple(read: Reader, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise OddValueError("a list", _shown(value))
    return tuple(_within(str(place), read, entry) for place, entry in enumerate(value))


def _mapping(read: Reader, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise OddValueError("an object", _shown(value))
    return {key: _within(key, read, entry) for key, entry in value.items()}


def _within(name: str, read: Reader, value: Any) -> Any:
    try:
        return read(value)
    except OddValueError as odd:
        raise odd.within(name) from None


def _shown(value: Any) -> str:
    """A value in an error, cut."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
