"""What a campaign's files say about places outside it, and who said that these may be used."""

import contextlib
import json
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from labelcycle.adapters import git, trust_record
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, params_file, yaml_text
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import StateError
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

    What is read from them becomes samples, which go to the remote.
    """
    trust_record.check(campaign.root, layout.COHORTS, sources)


def note_sources(campaign: Campaign) -> None:
    """Know the sources of now, so that those which are given in this folder later are ours."""
    with contextlib.suppress(StateError):  # told by whoever reads them
        check_sources(campaign)


def sources(record: str) -> tuple[str, ...]:
    """The sources outside the campaign that data/cohorts.json names."""
    try:
        found = json.loads(record)["sources"]
        paths = [str(source["path"]) for source in found]
    except (ValueError, KeyError, TypeError):
        return ()
    return tuple(f"source = {path}" for path in paths)


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
