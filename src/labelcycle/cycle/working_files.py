"""The files of a campaign's folder, as the last commit and the closed rounds have recorded them."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labelcycle.adapters import git, git_objects
from labelcycle.adapters.dvc import commands, object_digests, recorded_outputs
from labelcycle.adapters.dvc.object_store import ObjectStore
from labelcycle.campaign import layout, round_states
from labelcycle.campaign.atomic_files import PART, write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.withdrawn_record import WithdrawnRecord
from labelcycle.campaign.round_states import State
from labelcycle.core.digests import digest
from labelcycle.errors import LabelcycleError, ToolFailed
from labelcycle.rounds import snapshots
from labelcycle.rounds.stored_objects import HEAD, StoredObjects

ROUND_FILE = re.compile(rf"{layout.ROUNDS}/\d{{3,}}/[^/]+")
HALF_DONE = (State.PLANNED, State.PULLED, State.LABELED, State.MEASURED)
"""States in which stages may have been stopped, and the hold-out be ahead of its record."""


@dataclass(frozen=True)
class WorkingFile:
    """A file as it was recorded.

    path : below the campaign's folder; that of a whole folder if all of it is missing
    name : DVC's digest, or the id of git's object
    keeper : who has it
    """

    path: str
    name: str
    keeper: str = "DVC"

    @property
    def part(self) -> str:
        """The part of the folder that it is read with."""
        return self.name[:2]


def recorded(campaign: Campaign, stored: StoredObjects) -> list[WorkingFile]:
    """The files that are to be as recorded: those of the last commit, and of closed rounds.

    What a step has changed since the commit, or may be about to, is left out. Raises DataError if
    a .dvc file or dvc.lock cannot be read.
    """
    return [*_of_dvc(campaign, stored), *_of_git(campaign)]


def _of_dvc(campaign: Campaign, stored: StoredObjects) -> Iterator[WorkingFile]:
    now = {(output.path, output.oid) for output in recorded_outputs.here(campaign.root)}
    half_done = _half_done(campaign)
    folders: dict[str, list[str]] = {}
    for oid, paths in stored.outputs.items():
        for path, revisions in paths.items():
            if HEAD not in revisions or (path, oid) not in now:
                continue
            if half_done and (path.startswith(f"{layout.WORK}/") or path == layout.HOLDOUT):
                continue
            if not oid.endswith(object_digests.FOLDER):
                yield WorkingFile(path, oid)
            elif (campaign.root / path).is_dir():
                folders.setdefault(oid, []).append(path)
            else:
                yield WorkingFile(path, oid)
    for oid, places in stored.parents.items():
        for folder, name in places:
            for path in folders.get(folder, ()):
                yield WorkingFile(f"{path}/{name}", oid)


def _half_done(campaign: Campaign) -> bool:
    try:
        return snapshots.read(campaign.root).state in HALF_DONE
    except LabelcycleError:
        return True


def _of_git(campaign: Campaign) -> Iterator[WorkingFile]:
    number = round_states.current(git.tags(campaign.root))
    if not number:
        return
    tag = round_states.round_tag(number - 1)
    try:
        entries = git.entries(campaign.root, tag)
    except ToolFailed:
        return  # said of git's objects
    recorded = {each.path: each.id for each in entries if ROUND_FILE.fullmatch(each.path)}
    withdrawn = WithdrawnRecord.read_if_any(campaign.withdrawn)
    if withdrawn.samples:
        recorded |= _without(campaign, recorded, withdrawn)
    for path, name in recorded.items():
        yield WorkingFile(path, name, "git")


def _without(
    campaign: Campaign, recorded: Mapping[str, str], withdrawn: WithdrawnRecord
) -> dict[str, str]:
    """The ids of files of closed rounds that a sample was taken out of, as HEAD has them."""
    now = {entry.path: entry.id for entry in git.entries(campaign.root, "HEAD")}
    changed = {path: name for path, name in recorded.items() if now.get(path, name) != name}
    contents = git.blobs(campaign.root, changed.values()) if changed else {}
    return {
        path: now[path]
        for path, name in changed.items()
        if digest(contents[name]) in withdrawn.replaced
    }


def state(campaign: Campaign, file: WorkingFile, cache: ObjectStore) -> str | None:
    """`missing` or `damaged`; None if the file is as recorded."""
    path = campaign.root / file.path
    try:
        if file.keeper == "git":
            if path.is_symlink():
                return "damaged"
            got = git_objects.object_id("blob", path.read_bytes(), len(file.name))
            return None if got == file.name else "damaged"
        if cache.same_file(file.name, path):  # it is read once, for both
            return None if cache.good(file.name) else "damaged"
        if file.name.endswith(object_digests.FOLDER):
            return None if path.is_dir() else "missing"
        good = object_digests.of_file(path) == file.name
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "damaged"
    return None if good else "damaged"


def put_back(campaign: Campaign, file: WorkingFile, good: Path) -> str | None:
    """Write the bytes of `good` in the place of a file; where what was there is now, if it was."""
    path = campaign.root / file.path
    aside = _set_aside(campaign, path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}{PART}"
    shutil.copyfile(good, part)
    part.replace(path)
    return aside


def put_back_of_git(campaign: Campaign, file: WorkingFile) -> str | None:
    """Like `put_back`, with what git has."""
    content = git.blobs(campaign.root, [file.name])[file.name]
    aside = _set_aside(campaign, campaign.root / file.path)
    write_bytes(campaign.root / file.path, content)
    return aside


def put_back_folder(campaign: Campaign, file: WorkingFile) -> None:
    """Put a folder that is missing as a whole in its place."""
    commands.checkout(campaign.root, file.path)


def _set_aside(campaign: Campaign, path: Path) -> str | None:
    if not os.path.lexists(path):
        return None
    aside = campaign.damaged / secrets.token_hex(4) / path.relative_to(campaign.root)
    aside.parent.mkdir(mode=0o700, parents=True)
    path.replace(aside)
    return str(aside.relative_to(campaign.root))
