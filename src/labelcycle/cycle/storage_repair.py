"""Puts good copies in the place of what is damaged or missing; nothing damaged is thrown away."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.cycle import working_files
from labelcycle.cycle.good_copies import GoodCopies
from labelcycle.cycle.storage_findings import CACHE, FILES, REMOTE, TITLES, CheckOutcome, Finding
from labelcycle.errors import DataError, ServiceDown, ToolFailed

ORDER = (CACHE, REMOTE, FILES)
"""The cache first, then the remote from it, then the files."""


def repair(
    found: Sequence[Finding], copies: GoodCopies, outcome: CheckOutcome, say: Callable[[str], None]
) -> None:
    """Restore what has a good copy. Writes into `outcome` what was restored, and what stays."""
    for finding in sorted(found, key=lambda finding: ORDER.index(finding.place)):
        title = TITLES[finding.place]
        try:
            where = _repaired(finding, copies, say)
        except (ServiceDown, DataError, ToolFailed, OSError) as error:
            say(f"{title}: {finding.what} is not restored: {error}")
            where = None
        if where is None:
            outcome.left.append(finding)
        else:
            outcome.restored.append(finding)
            say(f"{title}: {finding.what} is restored from {where}")


def _repaired(finding: Finding, copies: GoodCopies, say: Callable[[str], None]) -> str | None:
    """Put a good copy in place; the words for where it is from, None if there is none."""
    campaign, file = copies.campaign, finding.file
    source, store = next(copies.sources(finding), None), copies.store(finding.place)
    if source is None:
        if store and (aside := store.set_aside(finding.name)):
            say(
                f"{TITLES[finding.place]}: {finding.what} has no good copy; the damaged one is"
                f" kept at {aside}, where DVC neither uses nor deletes it"
            )
        return None
    if file and file.keeper == "git":
        return _told(working_files.put_back_of_git(campaign, file), source)
    if file and file.name.endswith(FOLDER):
        working_files.put_back_folder(campaign, file)
        return TITLES[source]
    with TemporaryDirectory(dir=campaign.private, prefix="good-") as folder:
        good = Path(folder) / "good"
        oid = file.name if file else finding.name
        if not copies.fetch(source, oid, good):
            return None  # it was damaged on its way
        if file:
            return _told(working_files.put_back(campaign, file, good), source)
        return TITLES[source] if store and store.put(oid, good) else None


def _told(aside: str | None, source: str) -> str:
    return TITLES[source] + (f"; what was there is in {aside}" if aside else "")
