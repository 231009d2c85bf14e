"""Which objects of DVC the rounds of a campaign need, and which files each of them is."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from labelcycle.adapters import git
from labelcycle.adapters.dvc import recorded_outputs
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.campaign import layout
from labelcycle.campaign.records.withdrawn_record import GONE, WithdrawnRecord
from labelcycle.errors import DataError, ToolFailed

HEAD = "HEAD"
ROUND_TAG = re.compile(r"(?:open|round)/(\d{3,})")


@dataclass
class StoredObjects:
    """The objects that some revisions need, by DVC's digests.

    outputs : revisions that need an object, by the object and the path it has there
    parents : of a file in folders, the object of each folder and the path below it
    unreadable : revisions of which git cannot tell what they need, with the reason
    """

    outputs: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    parents: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)

    @property
    def folders(self) -> list[str]:
        """The objects that list a folder's files."""
        return [oid for oid in self.outputs if oid.endswith(FOLDER)]

    @property
    def oids(self) -> Collection[str]:
        """Every object that is known; more are once the lists of folders were added."""
        return self.outputs.keys() | self.parents.keys()

    def add_list(self, folder: str, content: bytes) -> None:
        """Count the files of a folder in. Raises DataError for a list as DVC writes none."""
        for name, oid in recorded_outputs.listed(content):
            self.parents.setdefault(oid, []).append((folder, name))

    def uses(self, oid: str) -> dict[str, set[str]]:
        """The revisions that need an object, by the path that it has there."""
        found = {path: set(revisions) for path, revisions in self.outputs.get(oid, {}).items()}
        for folder, name in self.parents.get(oid, ()):
            for top, revisions in self.outputs[folder].items():
                found.setdefault(str(PurePosixPath(top) / name), set()).update(revisions)
        return found

    def needed_by(self, oid: str) -> set[str]:
        """The revisions that need an object."""
        return set().union(*self.uses(oid).values())

    def described(self, oid: str) -> str:
        """The file that an object is, and the rounds that need it, in words."""
        uses = self.uses(oid)
        path = min(uses, key=lambda path: (HEAD not in uses[path], path))
        more = f" and {len(uses) - 1} more" if len(uses) > 1 else ""
        return f"{path}{more} ({rounds_text(self.needed_by(oid))})"


def revisions(root: Path) -> list[str]:
    """The tags of all rounds, and HEAD."""
    tags = sorted(tag for tag in git.tags(root) if ROUND_TAG.fullmatch(tag))
    return [*tags, HEAD]


def read(root: Path) -> StoredObjects:
    """What DVC keeps of every round's tags and of HEAD, without the files of folders.

    Of what held a withdrawn sample it is what stands for that since.
    """
    found = StoredObjects()
    withdrawn = WithdrawnRecord.read_if_any(root / layout.WITHDRAWN)
    for revision in revisions(root):
        try:
            outputs = recorded_outputs.at(root, revision)
        except (ToolFailed, DataError) as error:
            found.unreadable[revision] = str(error)
            continue
        for output in outputs:
            oid = withdrawn.now(output.oid)
            if oid != GONE:
                found.outputs.setdefault(oid, {}).setdefault(output.path, set()).add(revision)
    return found


def rounds_text(revisions: Iterable[str]) -> str:
    """The rounds that some revisions are of, in words.

    >>> rounds_text(["open/000", "round/000", "open/001", "HEAD"]), rounds_text(["HEAD"])
    ('rounds 0 to 1', 'no round yet')
    >>> rounds_text(["open/000", "open/002"])
    'rounds 0, 2'
    """
    matches = (ROUND_TAG.fullmatch(revision) for revision in revisions)
    numbers = sorted({int(match[1]) for match in matches if match})
    if not numbers:
        return "no round yet"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    words = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    return f"round{'s' if len(numbers) > 1 else ''} {', '.join(words)}"


def of_git(names: Mapping[str, list[tuple[str, str]]], name: str) -> str:
    """What an object of git is, in words; names : as `git_objects.names`."""
    uses = names.get(name, [])
    if not uses:
        return f"object {name}"
    return f"{uses[-1][1]} ({rounds_text(revision for revision, _ in uses)}, object {name[:12]})"
