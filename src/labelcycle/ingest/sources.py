"""Where images come from: what a user gives now, or gave before and may have more by now."""

import glob
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import CohortsRecord, Source
from labelcycle.errors import DataError, StateError
from labelcycle.ingest import fetch, one_file
from labelcycle.ingest.paths import SCHEME, absolute, find, is_pattern


@dataclass(frozen=True)
class Found:
    """The files and addresses of some sources.

    items : each with its mark, which changes when an object in S3 does; else empty
    sources : where they are
    again : the sources were given before; nothing new is no error
    places : what samples call the places of all items
    complete : every source that was ever given could be looked at, so what is not here is gone
    remarks : what people should know of the sources, a sentence each
    """

    items: Mapping[Path | str, str]
    sources: tuple[Source, ...]
    again: bool = False
    places: frozenset[str] = frozenset()
    complete: bool = False
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
    path = campaign.cohorts
    sources = CohortsRecord.read(path).sources if path.exists() else ()
    if not sources:
        raise StateError(
            "no source is known: wanted one that was given before; run `labelcycle ingest PATH...`"
            " first, which remembers PATH"
        )
    items: dict[Path | str, str] = {}
    away = []
    for source in sources:
        try:
            found = find([source.path], campaign.root, follow_links=source.follow_links)
            items |= fetch.expanded(_foreign(campaign, found))
        except DataError as error:
            away.append(f"{source.path} could not be looked at: {error}")
    if len(away) == len(sources):
        raise DataError(f"no source could be looked at, such as {away[0]}")
    places = frozenset(
        one_file.place(item, campaign.root) if isinstance(item, Path) else item for item in items
    )
    return Found(items, sources, True, places, not away, tuple(away))


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
