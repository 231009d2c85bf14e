"""Reads back what a campaign stores, and says what is damaged or missing.

There are four places. git, DVC's cache and DVC's remote keep objects that are named by digests of
their bytes. The fourth is the campaign's folder. What one of them has lost, another one may have.
"""

import datetime
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from labelcycle.adapters import git, git_objects, lock
from labelcycle.adapters.dvc import object_store
from labelcycle.adapters.dvc.object_store import ObjectStore
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.read_back_record import ReadBack
from labelcycle.core import threads
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import storage_repair, working_files
from labelcycle.cycle.good_copies import GoodCopies
from labelcycle.cycle.storage_findings import (
    CACHE,
    FILES,
    GIT,
    REMOTE,
    TITLES,
    CheckOutcome,
    Finding,
)
from labelcycle.cycle.working_files import WorkingFile
from labelcycle.errors import Busy, DataError, LabelcycleError, ServiceDown, ToolFailed
from labelcycle.nn.progress import Progress
from labelcycle.rounds import lease, snapshots, stored_objects
from labelcycle.rounds.stored_objects import HEAD

AT_A_TIME = 1000
"""Objects that are handed to threads together."""

Say = Callable[[str], None]


def check(
    root: Path,
    share: float,
    repair: bool,
    say: Say,
    show: Callable[[Progress], None],
) -> CheckOutcome:
    """Read back a share of what is stored, that which was read longest ago, and compare.

    What is missing is noticed whatever the share, and what was damaged at the last look is read
    again. git is read as a whole. With `repair`, good copies are put in place.

    share : above 0, at most 1
    say : told of everything that was found, restored or is well
    """
    campaign = Campaign(root)
    git.check_usable(campaign.root)
    snapshots.check_safe(campaign)
    if repair:
        lease.check(campaign, say)  # what was withdrawn elsewhere seems to be missing here
    if campaign.rollbacks.exists():
        say("rounds that were rolled back are looked at like all others")
    return _Check(campaign, share, repair, say, show).run()


class _Check:
    def __init__(
        self,
        campaign: Campaign,
        share: float,
        repair: bool,
        say: Say,
        show: Callable[[Progress], None],
    ) -> None:
        self.campaign, self.share, self.repair = campaign, share, repair
        self.say, self.show = say, show
        self.record = _read_record(campaign)
        self.outcome = CheckOutcome()
        self.copies = GoodCopies(campaign, object_store.cache(campaign.root))
        self.present: dict[str, set[str]] = {CACHE: set(), REMOTE: set()}
        self.read: dict[str, frozenset[str]] = {}
        self.at = snapshots.present_time()

    def run(self) -> CheckOutcome:
        part = "all" if self.share == 1 else f"{self.share:.0%}"
        self.say(f"reading back {part} of what is stored; git is read as a whole")
        self._git()
        self.copies.stored = stored_objects.read(self.campaign.root)
        for revision, reason in self.copies.stored.unreadable.items():
            self._leave(Finding(GIT, "unreadable", f"what DVC keeps of {revision} ({reason})"))
        self._open_remote()
        self._lists()
        self._files_recorded()
        found = [*self._of_remote(), *self._objects(self.copies.cache)]
        found += self._files({finding.name for finding in found})
        self._settle(found)
        self._keep_record()
        return self.outcome

    # --- git ------------------------------------------------------------------------------------

    def _git(self) -> None:
        root, revisions = self.campaign.root, stored_objects.revisions(self.campaign.root)
        faults = git_objects.faults(root)
        if not faults:
            self.say("git: whole")
            return
        names = git_objects.names(root, revisions)

        def finding(fault: git_objects.Fault) -> Finding:
            what = stored_objects.of_git(names, fault.name)
            what = f"the pack {fault.name}" if fault.pack else what if fault.name else fault.words
            source = git_objects.likely_source(root, names, fault.name)
            return Finding(GIT, fault.state, what, fault.name, (source,) if source else ())

        for fault in faults:
            self._find(finding(fault))
        if not self.repair:
            self.outcome.left += map(finding, faults)
            return

        def restored(name: str, where: str) -> None:
            made = finding(git_objects.Fault(name, "missing"))
            self.outcome.restored.append(made)
            self.say(f"git: {made.what} is restored from {where}")

        self.campaign.damaged.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock.exclusive(self.campaign.lock):
            kept = self.campaign.damaged / "git"
            left = git_objects.repair(root, kept, revisions, restored)
        self.outcome.left += map(finding, left)

    # --- DVC ------------------------------------------------------------------------------------

    def _open_remote(self) -> None:
        self.campaign.private.mkdir(mode=0o700, exist_ok=True)
        try:
            self.copies.remote = object_store.remote(self.campaign.root)
        except ToolFailed as error:
            self._lose_remote(error)

    def _lose_remote(self, error: LabelcycleError) -> None:
        """Go on without a remote that does not answer: it is not asked again and again."""
        self.copies.remote = None
        self._leave(Finding(REMOTE, "unreadable", str(error)))

    def _lists(self) -> None:
        """Count in the files of all folders, by whichever good list there is."""
        for oid in self.copies.stored.folders:
            content, what = self._list(oid), self.copies.stored.described(oid)
            if content is None:
                self.say(f"{what}: no list of its files is whole, so these are not looked at")
                continue
            try:
                self.copies.stored.add_list(oid, content)
            except DataError as error:
                self._leave(Finding(CACHE, "unreadable", f"{what}: {error}"))

    def _list(self, oid: str) -> bytes | None:
        for store in (self.copies.cache, self.copies.remote):
            try:
                content = store and self.copies.list_of(oid, store)
            except ServiceDown as error:
                self._lose_remote(error)
                continue
            if content:
                return content
        return self.copies.list_here(oid)

    def _of_remote(self) -> Iterator[Finding]:
        if self.copies.remote is None:
            return
        try:
            yield from list(self._objects(self.copies.remote))
        except ServiceDown as error:
            self._lose_remote(error)

    def _objects(self, store: ObjectStore) -> Iterator[Finding]:
        """What a cache or remote lacks, and what is damaged of the share that is read."""
        oids = sorted(self.copies.stored.oids)
        present = self.present[store.kind] = store.present(oids)
        due, before = self._due(store.kind), set(self.record.damaged.get(store.kind, ()))
        to_read = [oid for oid in oids if oid in present and (oid[:2] in due or oid in before)]
        self._read_all(store, to_read)
        elsewhere = 0
        for oid in oids:
            if oid not in present:
                if self._may_be_missing(store, oid):
                    elsewhere += 1
                else:
                    yield self._object(store, oid, "missing")
        for oid in to_read:
            if not store.good(oid):
                yield self._object(store, oid, "damaged")
        self.read[store.kind] = due
        alone = store is self.copies.cache
        note = "of earlier rounds are in the remote alone" if alone else "not pushed"
        extra = f"; {elsewhere} {note}" if elsewhere else ""
        title = TITLES[store.kind]
        self.say(f"{title}: {counted(len(present), 'object')}, {len(to_read)} read back{extra}")

    def _may_be_missing(self, store: ObjectStore, oid: str) -> bool:
        """True for what a clone has not pulled, and for what no round has pushed yet."""
        needed = self.copies.stored.needed_by(oid)
        if store is self.copies.remote:
            return needed == {HEAD}
        return HEAD not in needed and oid in self.present[REMOTE]

    def _read_all(self, store: ObjectStore, oids: Sequence[str]) -> None:
        with ThreadPoolExecutor(max(2, threads.workers())) as pool:
            for start in range(0, len(oids), AT_A_TIME):
                for _ in pool.map(store.digest, oids[start : start + AT_A_TIME]):
                    pass
                self.show(Progress(min(start + AT_A_TIME, len(oids)), len(oids)))

    def _object(self, store: ObjectStore, oid: str, state: str) -> Finding:
        return Finding(store.kind, state, self.copies.stored.described(oid), oid)

    # --- the folder -----------------------------------------------------------------------------

    def _files_recorded(self) -> None:
        try:
            self.copies.files = working_files.recorded(self.campaign, self.copies.stored)
        except (DataError, ToolFailed) as error:
            self._leave(Finding(FILES, "unreadable", str(error)))

    def _files(self, suspects: Collection[str]) -> Iterator[Finding]:
        """Files that are not as recorded; suspects : objects whose files may be links to them."""
        due, before = self._due(FILES), set(self.record.damaged.get(FILES, ()))
        read = 0
        for file in self.copies.files:
            path = self.campaign.root / file.path
            wanted = file.part in due or file.path in before or file.name in suspects
            if not wanted and path.exists():
                continue
            state = working_files.state(self.campaign, file, self.copies.cache)
            read += state != "missing"
            if state:
                yield self._file(file, state)
        self.read[FILES] = due
        recorded = counted(len(self.copies.files), "recorded file")
        self.say(f"{TITLES[FILES]}: {recorded}, {read} read")

    def _file(self, file: WorkingFile, state: str) -> Finding:
        if file.keeper == "git":
            what = file.path
        else:
            rounds = stored_objects.rounds_text(self.copies.stored.needed_by(file.name))
            what = f"{file.path} ({rounds})"
        return Finding(FILES, state, what, file.path, file=file)

    # --- what is done about it ------------------------------------------------------------------

    def _settle(self, found: list[Finding]) -> None:
        if not found:
            return
        try:
            with lock.exclusive(self.campaign.lock):
                self._files_recorded_again(found)
                found = self._told_of([each for each in found if self._still(each)])
                if self.repair:
                    lease.check(self.campaign, self.say)  # reading may have lasted hours
                    storage_repair.repair(found, self.copies, self.outcome, self.say)
                    return
        except Busy as busy:
            if self.repair:
                raise
            # Objects never change; a file may, by the step that is at work.
            self.say(f"{TITLES[FILES]}: not looked at closely, for {busy}")
            found = self._told_of([each for each in found if each.place != FILES])
        self.outcome.left += found

    def _told_of(self, found: list[Finding]) -> list[Finding]:
        """The findings with their sources, once they were said."""
        found = [replace(each, sources=tuple(self.copies.sources(each))) for each in found]
        for finding in found:
            self._find(finding)
        return found

    def _files_recorded_again(self, found: list[Finding]) -> None:
        """A step may have gone on since the folder was looked at."""
        if any(finding.place == FILES for finding in found):
            self.copies.files = ()
            self._files_recorded()

    def _still(self, finding: Finding) -> bool:
        """Whether it is so at a second look."""
        if finding.file:
            state = working_files.state(self.campaign, finding.file, self.copies.cache)
            return bool(state) and finding.file in self.copies.files
        store = self.copies.store(finding.place)
        if store is None or not finding.name:
            return True
        store.forget(finding.name)
        try:
            return not store.good(finding.name)
        except ServiceDown:
            return True

    # --- what is said and kept ------------------------------------------------------------------

    def _find(self, finding: Finding) -> None:
        self.outcome.found.append(finding)
        self.say(finding.line())

    def _leave(self, finding: Finding) -> None:
        self._find(finding)
        self.outcome.left.append(finding)

    def _due(self, place: str) -> frozenset[str]:
        return self.record.due(place, self.share)

    def _keep_record(self) -> None:
        record = self.record
        for place, parts in self.read.items():
            left = [finding.name for finding in self.outcome.left if finding.place == place]
            record = record.with_read(place, parts, left, self.at)
            since = record.since(place)
            if self.share < 1:
                days = math.ceil(1 / self.share)
                full = f"all of it was read since {since}" if since else "not all was read yet"
                self.say(f"{TITLES[place]}: {full}; {days} checks of this share read all")
        record.write(self.campaign.read_back)


def _read_record(campaign: Campaign) -> ReadBack:
    """What was read when; nothing if there is no record, or none that can be read."""
    try:
        return ReadBack.read(campaign.read_back)
    except DataError:
        return ReadBack()


def read_lately(campaign: Campaign, hours: float) -> bool:
    """Whether the last check is less than so many hours ago."""
    times = [time for parts in _read_record(campaign).parts.values() for time in parts.values()]
    if not times:
        return False
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(max(times))
    return age < datetime.timedelta(hours=hours)
