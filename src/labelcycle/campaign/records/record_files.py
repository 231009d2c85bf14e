"""Reads and writes records: JSON whose fields and types are those of a frozen dataclass.

A record has the number of its shape in the field `version`. A file of another version, or with a
field missing, too many or of another type, is a DataError: nothing is guessed or filled in.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

from labelcycle.campaign.json_files import RESTORE, json_lines, read_json, write_json, write_jsonl
from labelcycle.campaign.records.json_values import OddValueError, plain, shown, typed
from labelcycle.errors import DataError


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

    @classmethod
    def from_text(cls, text: bytes, where: str) -> Self:
        """The record in the bytes of a JSON file, as git may have them.

        where : names it in the DataError for what is no JSON, or no such record
        """
        try:
            value = json.loads(text)
        except ValueError as error:
            raise DataError(f"{where} is not JSON: {error}; {RESTORE}") from error
        return cls.from_json(value, where)

    def write(self, path: Path) -> None:
        """Write the record as canonical JSON."""
        write_json(path, self.to_json())

    @classmethod
    def from_json(cls, value: Any, where: str = "record") -> Self:
        """The record that a JSON value holds.

        where : names it in the DataError for another version, or for a missing or odd field
        """
        if not isinstance(value, dict):
            raise DataError(f"{where}: wanted an object, got {shown(value)}; {RESTORE}")
        version = value.get("version")
        if version != cls.version:
            got = "none" if "version" not in value else shown(version)
            raise DataError(
                f"{where}: version: wanted {cls.version}, got {got}; another version of labelcycle"
                f" wrote it: go on with that one, or {RESTORE}"
            )
        fields = {name: field for name, field in value.items() if name != "version"}
        try:
            record: Self = typed(cls, fields)
        except OddValueError as odd:
            raise DataError(f"{where}: {odd}; {RESTORE}") from None
        return record

    def to_json(self) -> dict[str, Any]:
        """The record as a JSON object."""
        return {"version": self.version, **plain(self)}


R = TypeVar("R", bound=Record)


def read_lines(kind: type[R], path: Path) -> list[R]:
    """The records of a file with one a line. Raises DataError that names file, line and field."""
    return [kind.from_json(value, where) for value, where in json_lines(path)]


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write one record a line."""
    write_jsonl(path, (record.to_json() for record in records))
