"""What DVC keeps of every version of a campaign, made anew without some samples.

A folder's list, a manifest or an array that held a sample gets an object that stands for it, in
cache and remote. Nothing is deleted here: that comes once the replacements are written down.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from labelcycle.adapters import git
from labelcycle.adapters.dvc import object_digests, recorded_outputs
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.adapters.dvc.object_store import ObjectStore
from labelcycle.campaign import layout, learner_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.withdrawn_record import GONE, WithdrawnRecord
from labelcycle.campaign.sample_files import STORED
from labelcycle.core.digests import digest
from labelcycle.cycle.redacted_files import Redaction, SplitIds, splits
from labelcycle.nn import learners

PART = "withdraw-"
"""Begins the name of a folder with an object on its way."""

ARRAYS = (".npy", ".npz")

Outputs = Mapping[str, str]
"""DVC's digest by path below the campaign's folder."""

FIRST = (
    layout.SAMPLES,
    f"{layout.FEATURES}/pool.npy",
    f"{layout.FEATURES}/holdout.npy",
    layout.FEATURES,
    layout.OWN_FEATURES,
)
"""Looked at before others, in this order: they are whose rows, digests or features others have."""


class ObjectRewriter:
    """Puts what stands for each object that holds one of the samples.

    record : what was withdrawn before; what stands for an object is looked at in its place
    """

    def __init__(
        self,
        campaign: Campaign,
        record: WithdrawnRecord,
        redaction: Redaction,
        stores: Sequence[ObjectStore],
    ) -> None:
        self._campaign, self._record, self._redaction = campaign, record, redaction
        self._stores = stores
        self._seen: dict[str, str] = {}
        self._places: dict[tuple[str, tuple[str, ...] | None], list[SplitIds]] = {}
        self.replaced: dict[str, str] = {}
        """From the digest of an object to that of what stands for it."""

    def run(self) -> None:
        """Look at every commit of every branch and tag, and at what is recorded in the folder."""
        for outputs, pool in self._versions():
            self._version(outputs, pool)
        self._weights_of_others()
        cache = Path(self._stores[0].folder).resolve()
        if cache.is_relative_to(self._campaign.root):  # else other campaigns may use it, too
            self._strays()

    def _versions(self) -> Iterator[tuple[Outputs, PoolRecord | None]]:
        root, seen = self._campaign.root, set()
        for commit in git.commits_of(root, "*.dvc", recorded_outputs.LOCK, layout.POOL):
            outputs = {each.path: each.oid for each in recorded_outputs.at(root, commit)}
            text = git.content_at(root, commit, layout.POOL)
            version = (*sorted(outputs.items()), text)
            if version not in seen:
                seen.add(version)
                pool = text and PoolRecord.from_text(text, f"{layout.POOL} of {commit[:12]}")
                yield outputs, pool or None
        pool = PoolRecord.read(self._campaign.pool) if self._campaign.pool.exists() else None
        yield {each.path: each.oid for each in recorded_outputs.here(root)}, pool

    def _version(self, outputs: Outputs, pool: PoolRecord | None) -> None:
        places = self._splits(outputs, pool)
        for path in sorted(outputs, key=_turn):
            self._output(path, outputs[path], places)

    def _splits(self, outputs: Outputs, pool: PoolRecord | None) -> list[SplitIds]:
        """The samples whose rows arrays of a version may have."""
        oid = self._record.now(outputs.get(layout.SAMPLES, GONE))
        which = oid, None if pool is None else tuple(pool.cohorts)
        if which not in self._places:
            self._places[which] = self._read_splits(oid, pool)
        return self._places[which]

    def _read_splits(self, oid: str, pool: PoolRecord | None) -> list[SplitIds]:
        listed = self._listed(oid)
        names = sorted(name for name in listed or () if name.endswith(".jsonl"))
        contents = [self._read(listed[name]) for name in names] if listed else []
        there = [content for content in contents if content is not None]
        counted = range(len(there)) if pool is None else [int(name) for name in pool.cohorts]
        return splits(there, counted)

    # --- one object -------------------------------------------------------------------------

    def _output(self, path: str, oid: str, places: Sequence[SplitIds]) -> None:
        now = self._record.now(oid)
        if now == GONE or now in self._seen:
            return
        make = self._folder if now.endswith(FOLDER) else self._file
        self._note(now, make(path, now, places))

    def _note(self, old: str, new: str) -> None:
        self._seen[old] = new
        if new != old:
            self.replaced[old] = new

    def _folder(self, path: str, oid: str, places: Sequence[SplitIds]) -> str:
        entries = self._listed(oid)
        if entries is None:
            return oid
        kept = {}
        for name in sorted(entries, key=lambda name: _turn(f"{path}/{name}")):
            new = self._entry(f"{path}/{name}", entries[name], places)
            if new != GONE:
                kept[name] = new
        if path == layout.MODEL and kept != entries and self._keeps_samples(entries):
            # It goes on in the model of the next round that is trained, without the samples.
            self._note(entries[learner_files.WEIGHTS], GONE)
            kept.pop(learner_files.WEIGHTS, None)  # gone already, if another model has the same
        return oid if kept == entries else self._put_list(kept)

    def _weights_of_others(self) -> None:
        """Leave weights that are gone out of the models that have the same and were met before.

        Without a new label, a model differs by the pool that it was applied to alone.
        """
        for oid, now in [*self._seen.items()]:
            entries = self._listed(now) if now.endswith(FOLDER) else None
            weights = (entries or {}).get(learner_files.WEIGHTS)
            if entries and weights and self._seen.get(weights) == GONE:
                del entries[learner_files.WEIGHTS]
                self._note(oid, self._put_list(entries))

    def _entry(self, path: str, oid: str, places: Sequence[SplitIds]) -> str:
        if oid not in self._seen:
            self._note(oid, self._file(path, oid, places))
        return self._seen[oid]

    def _file(self, path: str, oid: str, places: Sequence[SplitIds]) -> str:
        below = path.removeprefix(f"{layout.IMAGES}/")
        if below != path:  # images are not read
            name = STORED.fullmatch(below)
            return GONE if name and name["id"] in self._redaction.ids else oid
        if not _readable(path):
            return oid
        content = self._read(oid)
        if content is None:
            return GONE if path.endswith(ARRAYS) and self._damaged(oid) else oid
        new = self._redaction.without(path, content, places)
        if new == content:
            return oid
        if new is None:
            return GONE
        self._redaction.digests[digest(content)] = digest(new)
        made = object_digests.of_bytes(new)
        self._put(made, new)
        return made

    def _keeps_samples(self, entries: Mapping[str, str]) -> bool:
        """Whether the weights of a model may have features of the samples it learned from."""
        if learner_files.WEIGHTS not in entries:
            return False
        description = self._read(entries.get(layout.MODEL_JSON, GONE))
        return description is None or learners.keeps_samples(json.loads(description)["learner"])

    # --- what no commit names ---------------------------------------------------------------

    def _strays(self) -> None:
        """Find what a stage that was run and never committed has left in the cache."""
        cache, known = self._stores[0], {*self._seen, *self._seen.values(), *self._record.replaced}
        for oid in cache.all():
            if oid in known:
                continue
            content = self._read(oid)
            if content is not None and self._redaction.holds(content):
                self._note(oid, GONE)

    # --- reading and writing ----------------------------------------------------------------

    def _listed(self, oid: str) -> dict[str, str] | None:
        content = self._read(oid)
        return None if content is None else dict(recorded_outputs.listed(content))

    def _read(self, oid: str) -> bytes | None:
        """The bytes of an object from wherever it is whole; None if it is nowhere."""
        if oid == GONE:
            return None
        for store in self._stores:
            if store.good(oid):
                return store.read(oid)
        return None

    def _damaged(self, oid: str) -> bool:
        """Whether an object that is whole nowhere is somewhere: most of its rows can be read."""
        return any(store.digest(oid) is not None for store in self._stores)

    def _put(self, oid: str, content: bytes) -> None:
        for store in self._stores:
            if not store.good(oid):
                with self._part() as file:
                    file.write_bytes(content)
                    store.put(oid, file)

    def _put_list(self, entries: Mapping[str, str]) -> str:
        """Put the list of a folder's files; its digest."""
        content = object_digests.list_of(entries)
        oid = object_digests.of_bytes(content) + FOLDER
        self._put(oid, content)
        return oid

    @contextmanager
    def _part(self) -> Iterator[Path]:
        """A file on the campaign's own disk for as long as the block lasts."""
        with TemporaryDirectory(dir=self._campaign.private, prefix=PART) as folder:
            yield Path(folder) / "object"


def _turn(path: str) -> tuple[int, str]:
    return (FIRST.index(path) if path in FIRST else len(FIRST)), path


def _readable(path: str) -> bool:
    """Whether a file may hold something of samples that can be taken out."""
    return path.endswith((".jsonl", ".json", *ARRAYS))
