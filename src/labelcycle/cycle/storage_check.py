"""Reads back what a campaign stores, says what is damaged or missing, and restores it.

There are four places. git, DVC's cache and DVC's remote keep objects that are named by digests of
their bytes. The fourth is the campaign's folder. What one of them has lost, another one may have.
"""

import datetime
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from labelcycle.adapters import git, git_objects, lock
from labelcycle.adapters.dvc import object_store
from labelcycle.adapters.dvc.object_store import ObjectStore
from labelcycle.adapters.dvc.recorded_outputs import FOLDER
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.read_back_record import ReadBack
from labelcycle.core import threads
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import working_files
from labelcycle.cycle.working_files import WorkingFile
from labelcycle.errors import Busy, DataError, LabelcycleError, ServiceDown, ToolFailed
from labelcycle.nn.progress import Progress
from labelcycle.rounds import snapshots, stored_objects
from labelcycle.rounds.stored_objects import HEAD, StoredObjects

GIT, CACHE, REMOTE, FILES = "git", "cache", "remote", "files"
TITLES = {
    GIT: "git",
    CACHE: "DVC's cache",
    REMOTE: "DVC's remote",
    FILES: "the folder",
}
AT_A_TIME = 1000
"""Objects that are handed to threads together."""

Say = Callable[[str], None]


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
        self.stored = StoredObjects()
        self.cache = object_store.cache(campaign.root)
        self.remote: ObjectStore | None = None
        self.tracked: list[WorkingFile] = []
        self.by_digest: dict[str, list[WorkingFile]] = {}
        self.present: dict[str, set[str]] = {CACHE: set(), REMOTE: set()}
        self.read: dict[str, frozenset[str]] = {}
        self.at = snapshots.present_time()

    def run(self) -> CheckOutcome:
        self._git()
        self.stored = stored_objects.read(self.campaign.root)
        for revision, reason in self.stored.unreadable.items():
            self._leave(Finding(GIT, "unreadable", f"what DVC keeps of {revision} ({reason})"))
        self._open_remote()
        self._lists()
        self._files_recorded()
        found = [*self._of_remote(), *self._objects(self.cache)]
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
            self.remote = object_store.remote(self.campaign.root)
        except ToolFailed as error:
            self._lose_remote(error)

    def _lose_remote(self, error: LabelcycleError) -> None:
        """Go on without a remote that does not answer: it is not asked again and again."""
        self.remote = None
        self._leave(Finding(REMOTE, "unreadable", str(error)))

    def _lists(self) -> None:
        """Count in the files of all folders, by whichever good list there is."""
        for oid in self.stored.folders:
            content = self._list(oid)
            if content is None:
                self.say(
                    f"{self.stored.described(oid)}: no list of its files is whole, so these are"
                    " not looked at"
                )
                continue
            try:
                self.stored.add_list(oid, content)
            except DataError as error:
                self._leave(Finding(CACHE, "unreadable", f"{self.stored.described(oid)}: {error}"))

    def _list(self, oid: str) -> bytes | None:
        with TemporaryDirectory(dir=self.campaign.private, prefix="list-") as folder:
            file = Path(folder) / "list"
            for store in (self.cache, self.remote):
                try:
                    if store and store.good(oid):
                        store.fetch(oid, file)
                        return file.read_bytes()
                except ServiceDown as error:
                    self._lose_remote(error)
            return self._list_of_files(oid)

    def _list_of_files(self, oid: str) -> bytes | None:
        """The list, made anew of a folder that is just as it was recorded."""
        for path, revisions in self.stored.outputs[oid].items():
            if HEAD in revisions:
                content = working_files.list_of_folder(self.campaign, path)
                if content is not None and object_store.md5(content) == oid.removesuffix(FOLDER):
                    return content
        return None

    def _of_remote(self) -> Iterator[Finding]:
        if self.remote is None:
            return
        try:
            yield from list(self._objects(self.remote))
        except ServiceDown as error:
            self._lose_remote(error)

    def _objects(self, store: ObjectStore) -> Iterator[Finding]:
        """What a cache or remote lacks, and what is damaged of the share that is read."""
        oids = sorted(self.stored.oids)
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
        note = "of earlier rounds are in the remote alone" if store is self.cache else "not pushed"
        extra = f"; {elsewhere} {note}" if elsewhere else ""
        title = TITLES[store.kind]
        self.say(f"{title}: {counted(len(present), 'object')}, {len(to_read)} read back{extra}")

    def _may_be_missing(self, store: ObjectStore, oid: str) -> bool:
        """True for what a clone has not pulled, and for what no round has pushed yet."""
        needed = self.stored.needed_by(oid)
        if store is self.remote:
            return needed == {HEAD}
        return HEAD not in needed and oid in self.present[REMOTE]

    def _read_all(self, store: ObjectStore, oids: Sequence[str]) -> None:
        with ThreadPoolExecutor(max(2, threads.workers())) as pool:
            for start in range(0, len(oids), AT_A_TIME):
                for _ in pool.map(store.digest, oids[start : start + AT_A_TIME]):
                    pass
                self.show(Progress(min(start + AT_A_TIME, len(oids)), len(oids)))

    def _object(self, store: ObjectStore, oid: str, state: str) -> Finding:
        return Finding(store.kind, state, self.stored.described(oid), oid)

    def _good(self, store: ObjectStore | None, oid: str) -> bool:
        try:
            return store is not None and store.good(oid)
        except ServiceDown:
            return False

    # --- the folder -----------------------------------------------------------------------------

    def _files_recorded(self) -> None:
        try:
            self.tracked = working_files.recorded(self.campaign, self.stored)
        except (DataError, ToolFailed) as error:
            self._leave(Finding(FILES, "unreadable", str(error)))
        for file in self.tracked:
            self.by_digest.setdefault(file.name, []).append(file)

    def _files(self, suspects: Collection[str]) -> Iterator[Finding]:
        """Files that are not as recorded; suspects : objects whose files may be links to them."""
        due, before = self._due(FILES), set(self.record.damaged.get(FILES, ()))
        read = 0
        for file in self.tracked:
            path = self.campaign.root / file.path
            wanted = file.part in due or file.path in before or file.name in suspects
            if not wanted and path.exists():
                continue
            state = working_files.state(self.campaign, file, self.cache)
            read += state != "missing"
            if state:
                yield self._file(file, state)
        self.read[FILES] = due
        self.say(f"{TITLES[FILES]}: {counted(len(self.tracked), 'recorded file')}, {read} read")

    def _file(self, file: WorkingFile, state: str) -> Finding:
        if file.keeper == "git":
            what = file.path
        else:
            rounds = stored_objects.rounds_text(self.stored.needed_by(file.name))
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
                    self._repair_all(found)
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
        found = [replace(each, sources=tuple(self._sources(each))) for each in found]
        for finding in found:
            self._find(finding)
        return found

    def _files_recorded_again(self, found: list[Finding]) -> None:
        """A step may have gone on since the folder was looked at."""
        if any(finding.place == FILES for finding in found):
            self.by_digest, self.tracked = {}, []
            self._files_recorded()

    def _still(self, finding: Finding) -> bool:
        """Whether it is so at a second look."""
        if finding.file:
            known = finding.file in self.tracked
            return known and bool(working_files.state(self.campaign, finding.file, self.cache))
        store = self._store(finding.place)
        if store is None or not finding.name:
            return True
        store.forget(finding.name)
        try:
            return not store.good(finding.name)
        except ServiceDown:
            return True

    def _store(self, place: str) -> ObjectStore | None:
        return {CACHE: self.cache, REMOTE: self.remote}.get(place)

    def _sources(self, finding: Finding) -> Iterator[str]:
        """Where a good copy is, the nearest first."""
        if finding.file and finding.file.keeper == "git":
            yield GIT
            return
        oid = finding.file.name if finding.file else finding.name
        for place in (CACHE, REMOTE):
            if place != finding.place and self._good(self._store(place), oid):
                yield place
        if finding.place != FILES and (self._good_file(oid) or self._list_here(oid)):
            yield FILES

    def _good_file(self, oid: str) -> WorkingFile | None:
        for file in self.by_digest.get(oid, ()):
            linked = self.cache.same_file(oid, self.campaign.root / file.path)
            if (
                not oid.endswith(FOLDER)
                and not linked
                and working_files.state(self.campaign, file, self.cache) is None
            ):
                return file
        return None

    def _list_here(self, oid: str) -> bytes | None:
        return self._list_of_files(oid) if oid.endswith(FOLDER) else None

    def _repair_all(self, found: list[Finding]) -> None:
        """Restore the cache first, then the remote from it, then the files."""
        order = (CACHE, REMOTE, FILES)
        for finding in sorted(found, key=lambda finding: order.index(finding.place)):
            try:
                where = self._repair(finding)
            except (ServiceDown, DataError, ToolFailed, OSError) as error:
                self.say(f"{TITLES[finding.place]}: {finding.what} is not restored: {error}")
                where = None
            if where is None:
                self.outcome.left.append(finding)
            else:
                self.outcome.restored.append(finding)
                self.say(f"{TITLES[finding.place]}: {finding.what} is restored from {where}")

    def _repair(self, finding: Finding) -> str | None:
        """Put a good copy in place; the words for where it is from, None if there is none."""
        source = next(self._sources(finding), None)
        store = self._store(finding.place)
        if source is None:
            if store and (aside := store.set_aside(finding.name)):
                self.say(
                    f"{TITLES[finding.place]}: {finding.what} has no good copy; the damaged one is"
                    f" kept at {aside}, where DVC neither uses nor deletes it"
                )
            return None
        file = finding.file
        if file and file.keeper == "git":
            return self._told(working_files.put_back_of_git(self.campaign, file), source)
        if file and file.name.endswith(FOLDER):
            working_files.put_back_folder(self.campaign, file)
            return TITLES[source]
        with TemporaryDirectory(dir=self.campaign.private, prefix="good-") as folder:
            good = Path(folder) / "good"
            oid = file.name if file else finding.name
            self._fetch(source, oid, good)
            if object_store.md5_of(good) != object_store.wanted_digest(oid):
                return None  # it was damaged on its way
            if file:
                return self._told(working_files.put_back(self.campaign, file, good), source)
            assert store is not None
            return TITLES[source] if store.put(oid, good) else None

    def _told(self, aside: str | None, source: str) -> str:
        return TITLES[source] + (f"; what was there is in {aside}" if aside else "")

    def _fetch(self, source: str, oid: str, to: Path) -> None:
        store = self._store(source)
        if store:
            store.fetch(oid, to)
        elif (content := self._list_here(oid)) is not None:
            to.write_bytes(content)
        elif file := self._good_file(oid):
            to.write_bytes((self.campaign.root / file.path).read_bytes())

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
