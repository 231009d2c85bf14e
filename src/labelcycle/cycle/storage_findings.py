"""What a check of the stored data found, in words: damaged and missing objects and files."""

from dataclasses import dataclass, field

from labelcycle.core.counted_nouns import counted
from labelcycle.cycle.working_files import WorkingFile
from labelcycle.errors import DataError

GIT, CACHE, REMOTE, FILES = "git", "cache", "remote", "files"
TITLES = {
    GIT: "git",
    CACHE: "DVC's cache",
    REMOTE: "DVC's remote",
    FILES: "the folder",
}


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was recorded.

    what : the file, with the rounds that need it
    name : the object's digest, or of a file its path; empty for what cannot be restored here
    sources : where a good copy may be
    """

    place: str
    state: str
    what: str
    name: str = ""
    sources: tuple[str, ...] = ()
    file: WorkingFile | None = None

    def line(self) -> str:
        """It in words."""
        text = f"{TITLES[self.place]}: {self.what} is {self.state}"
        if self.sources:
            return f"{text}; a good copy is in {TITLES.get(self.sources[0], self.sources[0])}"
        return f"{text}; no good copy is known" if self.name else text


@dataclass
class CheckOutcome:
    """What a check found, what it restored of it, and what stays."""

    found: list[Finding] = field(default_factory=list)
    restored: list[Finding] = field(default_factory=list)
    left: list[Finding] = field(default_factory=list)


def raise_left(outcome: CheckOutcome, repair: bool) -> None:
    """Raise DataError if something stays damaged or missing."""
    left = outcome.left
    if not left:
        return
    restorable = sum(1 for finding in outcome.found if finding.sources)
    if repair:
        words = "a good copy may be in a backup, or in another clone"
    elif restorable:
        words = f"`labelcycle check --repair` restores {restorable} of them"
    else:
        words = "`labelcycle check --repair` tries to restore them"
    raise DataError(f"{counted(len(left), 'fault stays', 'faults stay')}, see above; {words}")
