"""Where a good copy of what is stored may be: DVC's cache, its remote, the campaign's folder."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from labelcycle.adapters.dvc import object_digests
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.adapters.dvc.object_store import ObjectStore, wanted_digest
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import working_files
from labelcycle.cycle.storage_findings import CACHE, FILES, GIT, REMOTE, Finding
from labelcycle.cycle.working_files import WorkingFile
from labelcycle.errors import ServiceDown
from labelcycle.rounds.stored_objects import HEAD, StoredObjects


class GoodCopies:
    """The places of a campaign that keep the same bytes under the same digests.

    remote : None where there is none, and once it did not answer
    """

    def __init__(self, campaign: Campaign, cache: ObjectStore) -> None:
        self.campaign, self.cache = campaign, cache
        self.remote: ObjectStore | None = None
        self.stored = StoredObjects()
        self.files = ()

    @property
    def files(self) -> Sequence[WorkingFile]:
        """The recorded files of the folder."""
        return self._files

    @files.setter
    def files(self, files: Sequence[WorkingFile]) -> None:
        self._files = files
        self._of_digest: dict[str, list[WorkingFile]] = {}
        for file in files:
            self._of_digest.setdefault(file.name, []).append(file)

    def store(self, place: str) -> ObjectStore | None:
        """The cache or the remote; None for another place, or a remote that is away."""
        return {CACHE: self.cache, REMOTE: self.remote}.get(place)

    def sources(self, finding: Finding) -> Iterator[str]:
        """Where a good copy of what was found is, the nearest first."""
        if finding.file and finding.file.keeper == "git":
            yield GIT
            return
        oid = finding.file.name if finding.file else finding.name
        for place in (CACHE, REMOTE):
            if place != finding.place and self._good(place, oid):
                yield place
        if finding.place != FILES and (self._good_file(oid) or self._list(oid)):
            yield FILES

    def fetch(self, source: str, oid: str, to: Path) -> bool:
        """Copy an object from one of its sources into a file; False if it is damaged by now."""
        store = self.store(source)
        if store:
            store.fetch(oid, to)
        elif (content := self._list(oid)) is not None:
            to.write_bytes(content)
        elif file := self._good_file(oid):
            to.write_bytes((self.campaign.root / file.path).read_bytes())
        return to.exists() and object_digests.of_file(to) == wanted_digest(oid)

    def list_of(self, oid: str, store: ObjectStore) -> bytes | None:
        """The list of a folder's files from a cache or remote; None if it has no good one."""
        if not store.good(oid):
            return None
        with TemporaryDirectory(dir=self.campaign.private, prefix="list-") as folder:
            file = Path(folder) / "list"
            store.fetch(oid, file)
            return file.read_bytes()

    def list_here(self, oid: str) -> bytes | None:
        """The list, made anew of a folder that is just as it was recorded."""
        for path, revisions in self.stored.outputs[oid].items():
            if HEAD in revisions:
                content = object_digests.list_of_folder(self.campaign.root / path)
                if content and object_digests.of_bytes(content) == wanted_digest(oid):
                    return content
        return None

    def _list(self, oid: str) -> bytes | None:
        return self.list_here(oid) if oid.endswith(FOLDER) else None

    def _good(self, place: str, oid: str) -> bool:
        store = self.store(place)
        try:
            return store is not None and store.good(oid)
        except ServiceDown:
            return False

    def _good_file(self, oid: str) -> WorkingFile | None:
        """A file with these bytes that is no link to the cache's own object."""
        if oid.endswith(FOLDER):
            return None
        for file in self._of_digest.get(oid, ()):
            linked = self.cache.same_file(oid, self.campaign.root / file.path)
            if not linked and working_files.state(self.campaign, file, self.cache) is None:
                return file
        return None
