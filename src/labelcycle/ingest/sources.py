"""Where images come from: what a user gives now, or gave before and may have more by now."""

import glob
import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import CohortsRecord, Source
from labelcycle.core.near_names import did_you_mean
from labelcycle.errors import DataError, StateError
from labelcycle.ingest import fetch, one_file
from labelcycle.ingest.paths import SCHEME, absolute, find, is_pattern, named

LISTED = 5
"""So many sources are named where somebody names an unknown one."""


@dataclass(frozen=True)
class Extent:
    """Where the files of some sources may be; places are whole paths and addresses.

    roots : files, folders and addresses, each with all below it
    starts : what the places that patterns mean start with
    anywhere : no place can be left out
    """

    roots: frozenset[str] = frozenset()
    starts: frozenset[str] = frozenset()
    anywhere: bool = False

    def __or__(self, other: "Extent") -> "Extent":
        anywhere = self.anywhere or other.anywhere
        return Extent(self.roots | other.roots, self.starts | other.starts, anywhere)

    def holds(self, place: str) -> bool:
        """Whether a file at `place` may be of the sources."""
        if self.anywhere or any(place.startswith(start) for start in self.starts):
            return True
        above = (place[:end] for end, letter in enumerate(place) if letter == "/")
        return place in self.roots or any(root in self.roots for root in above)


@dataclass(frozen=True)
class Found:
    """The files and addresses of some sources.

    items : each with its mark, which changes when an object in S3 does; else empty
    sources : where they are
    again : the sources were given before; nothing new is no error
    gone : tells whether a place, as samples call it, is of the sources and has no file any more
    remarks : what people should know of the sources, a sentence each
    """

    items: Mapping[Path | str, str]
    sources: tuple[Source, ...]
    again: bool = False
    gone: Callable[[str], bool] = lambda _: False
    remarks: tuple[str, ...] = ()


def given(campaign: Campaign, paths: Sequence[str], *, follow_links: bool = False) -> Found:
    """What `paths` mean, relative to the working folder, as `paths.find` reads them.

    Raises DataError if that is nothing, or only files of the campaign itself.
    """
    items = fetch.expanded(_foreign(campaign, find(paths, Path(), follow_links=follow_links)))
    texts = dict.fromkeys(_kept(text, campaign.root) for text in paths)
    return Found(items, tuple(Source(text, follow_links) for text in texts))


def again(campaign: Campaign) -> Found:
    """What the sources mean by now that were given before.

    A source that is away is a remark. Raises StateError if none was given, DataError if all are
    away, ServiceDown or ServiceRefused if a bucket does not let us in.
    """
    sources = CohortsRecord.read_if_any(campaign.cohorts).sources
    if not sources:
        raise StateError(
            "no source is known: wanted one that was given before; run `labelcycle ingest PATH...`"
            " first, which remembers PATH"
        )
    items: dict[Path | str, str] = {}
    reached = lost = Extent()
    away: list[str] = []
    remarks: list[str] = []
    for source in sources:
        try:
            found, missing = _found(campaign, source)
        except DataError as error:
            away.append(
                f"{source.path} could not be looked at: {error}; if it is gone for good, give"
                f" `labelcycle ingest --forget {shlex.quote(source.path)}`"
            )
            lost |= _extent(source.path, campaign.root)
            continue
        items |= found
        remarks += (f"{source.path} names what is not there: {text}" for text in missing)
        reached |= _extent(source.path, campaign.root)
    if len(away) == len(sources):
        raise DataError(f"no source could be looked at, such as {away[0]}")
    remarks += away
    places = {place_of(item, campaign.root) for item in items}

    def gone(place: str) -> bool:
        at = whole(place, campaign.root)
        return place not in places and reached.holds(at) and not lost.holds(at)

    return Found(items, sources, True, gone, tuple(remarks))


def forget(campaign: Campaign, text: str) -> str:
    """Look no more at a source that was given before; its path. The images from it stay.

    text : as the record has it, or relative to the working folder, as it was given

    Raises DataError if no source is so called.
    """
    record = CohortsRecord.read_if_any(campaign.cohorts)
    known = [source.path for source in record.sources]
    path = next((each for each in (text, _kept(text, campaign.root)) if each in known), None)
    if path is None:
        near = did_you_mean(text, known)
        listed = ", ".join(map(repr, known[:LISTED])) + (" ..." if known[LISTED:] else "")
        raise DataError(
            f"no source {text!r} is remembered{f': {near}' if near else ''}; wanted one of those"
            f" that `labelcycle ingest --again` looks at: {listed or 'there are none'}"
        )
    left = tuple(source for source in record.sources if source.path != path)
    replace(record, sources=left).write(campaign.cohorts)
    return path


def _found(campaign: Campaign, source: Source) -> tuple[dict[Path | str, str], list[str]]:
    """The items of a source, and what is wrong with those that a list names in vain.

    Raises DataError if there is no item.
    """
    items: dict[Path | str, str] = {}
    errors: list[DataError] = []
    paths = find([source.path], campaign.root, follow_links=source.follow_links)
    for item in _foreign(campaign, paths):
        try:
            items |= fetch.expanded([item])
        except DataError as error:
            errors.append(error)
    if errors and not items:
        raise errors[0]
    return items, [str(error) for error in errors]


def _extent(text: str, root: Path) -> Extent:
    """Where the files of a source may be, and may have been."""
    if is_pattern(root, text):
        head = text[: next(n for n, letter in enumerate(text) if letter in "*?[")]
        slash = "/" if head.endswith("/") else ""
        return Extent(starts=frozenset([whole(head, root).rstrip("/") + slash]))
    try:
        meant = named(text, root)
    except DataError:
        if text.startswith("@") or SCHEME.match(text):  # nobody can know what it named
            return Extent(anywhere=True)
        meant = [absolute(root, text)]
    return Extent(frozenset(whole(place_of(each, root), root).rstrip("/") for each in meant))


def place_of(item: Path | str, root: Path) -> str:
    """What samples call the place of an item."""
    return one_file.place(item, root) if isinstance(item, Path) else item


def whole(place: str, root: Path) -> str:
    """A place, not relative to the campaign."""
    return place if SCHEME.match(place) else os.fspath(absolute(root, place))


def _kept(text: str, root: Path) -> str:
    """A path as it is written down: relative to the campaign where it is near it.

    Read from the campaign's folder, it means what `text` means in the working folder.
    """
    if SCHEME.match(text):
        return text
    here = Path.cwd()
    if text.startswith("@") and len(text) > 1:
        return "@" + one_file.place(absolute(here, text[1:]), root)
    if is_pattern(here, text):  # its folder is none, whatever the names of folders above look like
        here, root = Path(glob.escape(os.fspath(here))), Path(glob.escape(os.fspath(root)))
    kept = one_file.place(absolute(here, text), root)
    return f"./{kept}" if kept.startswith("@") else kept


def _foreign(campaign: Campaign, items: Iterable[Path | str]) -> list[Path | str]:
    """The items that are not the campaign's own files."""
    folders = (campaign.data, campaign.work, campaign.rounds, campaign.private)
    own = tuple(f"{folder}{os.sep}" for folder in folders)  # pathlib takes 30 times as long
    foreign = [
        item for item in items if isinstance(item, str) or not f"{item}{os.sep}".startswith(own)
    ]
    if not foreign:
        raise DataError(
            f"no images: every path given is one of the campaign's own files in {campaign.root};"
            " wanted image files from elsewhere"
        )
    return foreign
