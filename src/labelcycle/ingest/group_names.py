"""Which group an image is of, by the place where it was found: `ingest.group`."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from labelcycle import options as base
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import DataError
from labelcycle.ingest import paths, sources

FORMS = "{folder: 1}, {path: 'patient-(\\d+)'} or {column: patient}"


class GroupRule(base.Options):
    """Names the group of an image: by a folder, by an expression, or by a column of a list."""

    folder: int | None = Field(
        None, ge=1, description="the folder that the image is in is 1, the one above 2, and so on"
    )
    path: str | None = Field(
        None,
        description="regular expression, searched in the path as data/samples has it under"
        " `source`; the parts in parentheses are the name, or all that matches",
    )
    column: str | None = Field(
        None, description="column of the @LIST.csv that images come in by, beside `url`"
    )

    @model_validator(mode="before")
    @classmethod
    def _a_form(cls, value: Any) -> Any:
        if not isinstance(value, dict | GroupRule):
            raise ValueError(f"wanted null, {FORMS} (got {value!r})")
        return value

    @model_validator(mode="after")
    def _one(self) -> "GroupRule":
        given = {key: value for key, value in self.model_dump().items() if value is not None}
        if len(given) != 1:
            raise ValueError(f"wanted one of {FORMS} (got {given})")
        if self.path is not None:
            try:
                re.compile(self.path)
            except re.error as error:
                raise ValueError(
                    f"wanted a regular expression of Python as path, got {self.path!r}: {error}"
                ) from error
        return self

    @property
    def text(self) -> str:
        """As it is written in params.yaml."""
        ((key, value),) = self.model_dump(exclude_none=True).items()
        return f"{{{key}: {value!r}}}" if isinstance(value, str) else f"{{{key}: {value}}}"


class GroupNames:
    """Names the groups of places, as samples call them.

    root : folder of the campaign
    given : texts of the sources that were given, relative to it. Of a list the column is read. A
        folder that was given is the uppermost that can be a group
    """

    def __init__(self, rule: GroupRule, root: Path, given: Iterable[str] = ()) -> None:
        self._rule, self._root = rule, root
        self._tops: set[str] = set()
        self._listed: dict[str, set[str]] = defaultdict(set)
        for text in given:
            if rule.folder is not None and (root / text).is_dir():
                self._tops.add(sources.whole(text, root))
            table = paths.absolute(root, text[1:])
            if rule.column is not None and text.startswith("@") and table.exists():
                self._read(table, rule.column)

    def at(self, place: str) -> tuple[str, ...]:
        """The groups of an image that was found at a place. Raises DataError if there is none."""
        names = self.known(place)
        if names:
            return names
        raise DataError(
            f"{place!r} has no group: ingest.group: {self._rule.text}: {self._why(place)}"
        )

    def known(self, place: str) -> tuple[str, ...]:
        """The groups of a place, none if it has none.

        Some systems decompose accents in names: both ways of writing are one group.
        """
        return tuple(unicodedata.normalize("NFC", name) for name in self._found(place))

    def of(self, sample: Sample) -> tuple[str, ...]:
        """The groups of all places where the manifest says that a sample was found."""
        places = (sample.source, *sample.also)
        return tuple(sorted({name for place in places for name in self.known(place)}))

    @property
    def of_lists(self) -> bool:
        """Whether names are known only of what the present lists name."""
        return self._rule.column is not None

    def _found(self, place: str) -> tuple[str, ...]:
        if self._rule.folder is not None:
            folders = self._folders(place)
            level = self._rule.folder
            return (folders[-level],) if level <= len(folders) else ()
        if self._rule.path is not None:
            match = re.search(self._rule.path, place)
            if match is None:
                return ()
            parts = match.groups() if match.re.groups else (match[0],)
            name = "/".join(part for part in parts if part)
            return (name,) if name else ()
        whole = sources.whole(place, self._root)
        ends = [end for end, letter in enumerate(whole) if letter == "/"]
        above = (whole[:end] for end in (len(whole), *reversed(ends)))
        return next(
            (tuple(sorted(self._listed[each])) for each in above if each in self._listed), ()
        )

    def _folders(self, place: str) -> list[str]:
        """Names of the folders that a file is in, the uppermost first."""
        if paths.SCHEME.match(place):
            return [part for part in urlsplit(place).path.split("/")[:-1] if part]
        parts = sources.whole(place, self._root).split("/")
        tops = (end for end in range(2, len(parts)) if "/".join(parts[:end]) in self._tops)
        return [part for part in parts[max(next(tops, 1) - 1, 1) : -1] if part]

    def _why(self, place: str) -> str:
        if self._rule.folder is not None:
            folders = self._folders(place)
            return (
                f"wanted {counted(self._rule.folder, 'folder')} above the image, the one given"
                f" among them, got {'/'.join(folders) or 'none'}; lower it or give the folder above"
            )
        if self._rule.path is not None:
            return (
                "wanted a path that the expression matches, with a name in it; mend the expression,"
                " or leave the image out"
            )
        return (
            "wanted an image that comes in by @LIST.csv with this column; write it into the list,"
            " or leave it out"
        )

    def _read(self, path: Path, column: str) -> None:
        if path.suffix.lower() != ".csv":
            return
        try:
            for item, name, line in paths.grouped(path, column):
                if not name:
                    raise DataError(f"{path}: line {line} has no {column}: wanted the group's name")
                place = sources.place_of(item, self._root)
                self._listed[sources.whole(place, self._root).rstrip("/")].add(name)
        except DataError as error:
            raise DataError(f"{error} (ingest.group: {self._rule.text})") from error


def check(names: GroupNames, places: Iterable[str]) -> None:
    """Raise DataError that names the first image without a group, and says how many there are."""
    errors = []
    for place in places:
        try:
            names.at(place)
        except DataError as error:
            errors.append(error)
    if len(errors) > 1:
        raise DataError(f"{errors[0]} ({len(errors)} images have none)") from errors[0]
    if errors:
        raise errors[0]
