"""What a campaign's files say about places outside it, and who said that these may be used."""

import contextlib
import glob
import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from labelcycle.adapters import git, trust_record
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, params_file, yaml_text
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import CohortsRecord, Source
from labelcycle.errors import DataError, StateError
from labelcycle.rounds import campaign_key

READERS: dict[str, trust_record.ReadPlaces]
"""Each file that may name other places, and how they are read from its text."""


def check(campaign: Campaign) -> None:
    """Raise StateError if a file names places that came along and that nobody here confirmed."""
    for file, places in _readers(campaign).items():
        trust_record.check(campaign.root, file, places)


def confirm(campaign: Campaign) -> dict[str, str]:
    """Let all that the files name count from now on; the places in words, by file."""
    files = {**_readers(campaign), layout.COHORTS: sources}
    said = {file: trust_record.confirm(campaign.root, file, read) for file, read in files.items()}
    return {file: text for file, text in said.items() if text}


def check_sources(campaign: Campaign) -> None:
    """Raise StateError if a clone brought sources of images that nobody here confirmed.

    What is read from them becomes samples, which go to the remote. What git brings does not say
    where they lead, so that a pull cannot turn what was confirmed.
    """
    trust_record.check(campaign.root, layout.COHORTS, sources)
    links = git.not_plain(campaign.root)
    kept = {path.casefold(): path for path in git.tracked(campaign.root)}
    for source in _sources(_text(campaign)):
        path = _led_by(source, campaign.root, links, kept)
        if path is not None:
            raise StateError(
                f"the source {source.path!r} leads where {path} says, and git keeps that file: a"
                " pull could have it name any folder of yours, whose images would go to the"
                f" remote; take it out of git with `git rm --cached -- {path}` and commit, or give"
                " the folders of images themselves to `labelcycle ingest`"
            )


def note_sources(campaign: Campaign) -> None:
    """Know the sources of now, so that those which are given in this folder later are ours."""
    with contextlib.suppress(StateError):  # told by whoever reads them
        check_sources(campaign)


def sources(record: str) -> tuple[str, ...]:
    """The sources outside the campaign that data/cohorts.json names."""
    return tuple(
        f"source = {source.path}{', through links' if source.follow_links else ''}"
        for source in _sources(record)
    )


def _text(campaign: Campaign) -> str:
    path = campaign.cohorts
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _sources(record: str) -> tuple[Source, ...]:
    """The sources of data/cohorts.json; none if it cannot be read, which its reader tells."""
    try:
        return CohortsRecord.from_text(record.encode(), layout.COHORTS).sources
    except DataError:
        return ()


def _led_by(
    source: Source, root: Path, links: Sequence[str], kept: Mapping[str, str]
) -> str | None:
    """A file of the campaign's repository that says where a source leads; None if there is none.

    links : links and submodules that git keeps
    kept : all files that it keeps, by their names in small letters
    """
    listed = source.path.startswith("@")
    name = source.path.removeprefix("@")
    path = Path(os.path.abspath(root / name))  # noqa: PTH100  resolve() would follow links
    if "://" in name or not path.is_relative_to(root):
        return None
    parts = path.relative_to(root).as_posix().casefold().split("/")
    plain = [*itertools.takewhile(lambda part: not glob.has_magic(part), parts)]
    place = "/".join(part for part in plain if part != ".")
    if listed and "/".join(parts) in kept:
        return kept["/".join(parts)]
    # Links below a folder are followed where asked; each that a pattern finds is meant itself.
    below = listed or source.follow_links or len(plain) < len(parts)
    for link in links:
        low = f"{link.casefold()}/"
        if f"{place}/".startswith(low) or (
            below and (not place or listed or low.startswith(f"{place}/"))
        ):
            return link
    return None


def _readers(campaign: Campaign) -> dict[str, trust_record.ReadPlaces]:
    """Where the first commit is missing, what names the campaign is to be confirmed as well."""
    if git.shallow(campaign.root):
        return {**READERS, layout.IDENTITY: campaign_key.in_words}
    return READERS


def places(params: str) -> tuple[str, ...]:
    """The places that params.yaml names: the bucket for images, a file outside the campaign.

    A text that cannot be read names none: whoever uses the settings says what is wrong with it.
    """
    try:
        values = yaml_text.values(params)
    except yaml.YAMLError:
        return ()
    push, named = _section(values, "push"), params_file.named_file(params)
    said = []
    if push.get("images") == "s3" and push.get("bucket"):
        said.append(f"push.bucket = {push['bucket']}")
    if named is not None and outside(named[1]):
        said.append(" = ".join(named))
    return tuple(said)


def _section(values: Any, name: str) -> dict[str, Any]:
    section = values.get(name) if isinstance(values, dict) else None
    return section if isinstance(section, dict) else {}


def outside(file: str) -> bool:
    """Whether a name, written relative to the campaign, leads out of it."""
    path = PurePosixPath(Path(file).as_posix())
    return path.is_absolute() or ".." in path.parts


READERS = {commands.CONFIG: commands.places, "params.yaml": places}
