"""Takes samples out of a campaign for good, wherever it keeps something of them.

A tombstone is committed first. Each step behind it may be done twice, so a withdrawal that was
killed is done once more from its beginning. Replacements are written down before what they stand
for is deleted.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labelcycle.adapters import annotation, git
from labelcycle.adapters.dvc import object_digests, object_store, recorded_outputs, replaced_outputs
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.adapters.dvc.object_store import ObjectStore
from labelcycle.adapters.ports import Tracker
from labelcycle.campaign import json_files, layout, learner_files, round_states, sample_files
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.cohorts_record import CohortsRecord
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.campaign.records.withdrawn_record import GONE, Tombstone, WithdrawnRecord
from labelcycle.campaign.round_states import State
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.counted_nouns import counted
from labelcycle.core.digests import digest
from labelcycle.cycle import private_copies, redacted_files
from labelcycle.cycle.redacted_files import Redaction, SplitIds
from labelcycle.cycle.withdrawn_objects import ObjectRewriter
from labelcycle.errors import DataError, ServiceRefused, StateError
from labelcycle.ingest import look_files, one_file
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshots import Snapshot, pool_digest, present_time

COMMITTED = (layout.DATA, layout.ROUNDS, layout.WORK, recorded_outputs.LOCK)
"""What a withdrawal may change of what git keeps."""

ARRAYS = (*redacted_files.ROWS, redacted_files.MADE, layout.CLUSTERS, layout.SELECTION)
"""Files of stages that lose rows or entries, those first that others are about."""


@dataclass(frozen=True)
class Outside:
    """What a withdrawal reaches beside the campaign's folder.

    stores : DVC's cache, and its remote if there is one
    tracker : None where no rounds are logged
    """

    stores: Sequence[ObjectStore]
    tracker: Tracker | None


def check(snapshot: Snapshot, samples: Sequence[Sample]) -> None:
    """Raise StateError unless the round is one that samples can be withdrawn from."""
    if snapshot.state not in (State.DUE, State.OPEN):
        raise StateError(
            f"round {snapshot.number} is {snapshot.state}; wanted it open, or closed and no next"
            " one begun, for a withdrawal changes what its steps stand on;"
            f" {round_states.NEXT[snapshot.state]}, then withdraw"
        )
    gone = {sample.id for sample in samples}
    for split in ("pool", "holdout"):
        there = snapshot.records.samples(split, "all")
        if split == "pool" and there and all(sample.id in gone for sample in there):
            raise StateError(
                f"these are all {counted(len(there), 'sample')} of the pool: wanted at least one"
                " that stays; delete the campaign's folder and its remotes instead"
            )


def outside(
    snapshot: Snapshot, tracker: Callable[[], Tracker] | None, *, asked: bool = True
) -> Outside:
    """What is to be reached. Raises ServiceDown before anything is done, if it is away.

    asked : the backends are to be reached, too
    """
    root = snapshot.campaign.root
    snapshot.campaign.private.mkdir(mode=0o700, exist_ok=True)
    for name in sorted({name for name, _ in _places(snapshot)}) if asked else ():
        annotation.of(snapshot.campaign, name).check()
    remote = object_store.remote(root)
    if remote:
        remote.present(["0" * 32])
    stores = [object_store.cache(root), *([remote] if remote else [])]
    return Outside(stores, tracker() if tracker else None)


def begin(snapshot: Snapshot, samples: Sequence[Sample], reason: str) -> None:
    """Commit a tombstone of each sample: from here on it is withdrawn."""
    campaign, at = snapshot.campaign, present_time()
    tombstones = [
        Tombstone(
            sample.id,
            _pixels(snapshot, sample),
            at,
            reason,
            sample.split,
            sample.cohort,
            snapshot.number,
            snapshot.state is State.OPEN,
        )
        for sample in samples
    ]
    record = snapshot.records.withdrawn().with_samples(tombstones)
    record.write(campaign.withdrawn)
    _commit_begun(campaign, record)


def _commit_begun(campaign: Campaign, record: WithdrawnRecord) -> None:
    """Commit tombstones that HEAD has not: a kill may have left them in the file alone."""
    known = _at_head(campaign).by_id
    new = [each for each in record.unfinished if each.sample not in known]
    if new:
        message = f"Withdraw {counted(len(new), 'sample')}: {new[0].reason}"
        git.commit(campaign.root, [layout.WITHDRAWN], message)


def _commit_done(campaign: Campaign) -> None:
    """Commit that nothing is left of the samples that HEAD has as unfinished, if any."""
    count = len(_at_head(campaign).unfinished)
    if count:
        git.commit(campaign.root, [layout.WITHDRAWN], f"{counted(count, 'sample')} withdrawn")


def _at_head(campaign: Campaign) -> WithdrawnRecord:
    text = git.committed(campaign.root, layout.WITHDRAWN)
    origin = f"{layout.WITHDRAWN} of HEAD"
    return WithdrawnRecord() if text is None else WithdrawnRecord.from_text(text, origin)


def _pixels(snapshot: Snapshot, sample: Sample) -> str:
    """Digest of a sample's pixels; empty if its image cannot be read."""
    campaign = snapshot.campaign
    known = look_files.read(look_files.path_of(campaign.samples, sample.cohort)).get(sample.id)
    if known:
        return known.pixels
    try:
        return one_file.look(campaign, sample, snapshot.config.ingest.max_pixels).pixels
    except (DataError, OSError):
        return ""


def finish(snapshot: Snapshot, places: Outside, say: Callable[[str], None]) -> None:
    """Remove all that holds a sample whose tombstone says that it is not done; then say so there.

    say : told of each step, and of what could not be reached
    """
    campaign = snapshot.campaign
    record = snapshot.records.withdrawn()
    gone = frozenset(each.sample for each in record.unfinished)
    if not gone:
        _commit_done(campaign)
        return
    _commit_begun(campaign, record)
    _take_tasks_back(snapshot, gone, say)
    private_copies.remove_shown(snapshot, gone, say)
    redaction = Redaction(gone)
    rewriter = ObjectRewriter(campaign, record, redaction, places.stores)
    rewriter.run()
    _redact_rounds(campaign, redaction, write=False)
    record = record.with_replaced(redaction.digests | rewriter.replaced)
    record = record.with_replaced(_plans(snapshot, record))
    record.write(campaign.withdrawn)
    redaction.digests |= record.replaced  # also what was learned before a kill
    _redact_folder(campaign, redaction, record, places.stores[0])
    git.commit(campaign.root, COMMITTED, f"Remove {counted(len(gone), 'withdrawn sample')}")
    _delete_objects(record, places, say)
    private_copies.remove(snapshot, gone, redaction)
    if places.tracker:
        _replace_logged(snapshot, record, gone, places)
        say("MLflow: the records of the rounds are replaced")
    done = [replace(each, done=True) for each in record.unfinished]
    record.with_samples(done).write(campaign.withdrawn)
    _commit_done(campaign)


def remove_again(snapshot: Snapshot, places: Outside, say: Callable[[str], None]) -> None:
    """Remove what this computer still has of samples that were withdrawn elsewhere."""
    record = snapshot.records.withdrawn()
    if record.samples:
        _delete_objects(record, places, say)
        gone = frozenset(record.by_id)
        private_copies.remove_shown(snapshot, gone, say)
        private_copies.remove(snapshot, gone, Redaction(gone))


def _delete_objects(record: WithdrawnRecord, places: Outside, say: Callable[[str], None]) -> None:
    """Delete what held a withdrawn sample from DVC's cache and remote."""
    for store in places.stores:
        if count := store.remove(record.objects.keys()):
            say(f"DVC's {store.kind}: {counted(count, 'object is', 'objects are')} deleted")


# --- annotators ----------------------------------------------------------------------------


def _places(snapshot: Snapshot) -> dict[tuple[str, int], None]:
    """Where people were asked: backends and projects, the last one last."""
    numbers = pushed_tasks.pushed_rounds(snapshot, every=True)
    return dict.fromkeys(snapshot.records.pushed(number).place for number in numbers)


def _take_tasks_back(snapshot: Snapshot, gone: frozenset[str], say: Callable[[str], None]) -> None:
    """Remove the tasks of the samples, with their answers, wherever people were asked."""
    last = pushed_tasks.last_place(snapshot)
    keys = {
        key: task.task
        for key, task in pushed_tasks.tasks_by_key(snapshot, every=True).items()
        if task.sample in gone
    }
    for place in _places(snapshot):
        backend = annotation.of(snapshot.campaign, place[0])
        there = backend.pushed(snapshot.key, f"{snapshot.key}/")
        own = keys | {key: n for key, n in there.items() if key.rpartition("/")[2] in gone}
        try:
            backend.remove(place[1], own)
        except ServiceRefused as error:
            if place == last and snapshot.state is State.OPEN:
                raise
            say(f"project {place[1]} of {annotation.title(place[0])} is not looked at: {error}")


# --- the campaign's folder -----------------------------------------------------------------


def _redact_rounds(campaign: Campaign, redaction: Redaction, *, write: bool) -> None:
    """Take the samples out of the rounds' files; or only learn the digests that they will have."""
    for path in sorted(campaign.rounds.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            _redact(campaign, path, redaction, (), write=write)


def _redact(
    campaign: Campaign,
    path: Path,
    redaction: Redaction,
    splits: Sequence[SplitIds],
    *,
    write: bool = True,
) -> None:
    """Take the samples out of a file; it goes if there is no telling what is theirs."""
    if not path.is_file():
        return
    before = path.read_bytes()
    after = redaction.without(path.relative_to(campaign.root).as_posix(), before, splits)
    if after == before:
        return
    if after is not None:
        redaction.digests[digest(before)] = digest(after)
    if write and after is None:
        path.unlink()
    elif write and after is not None:
        write_bytes(path, after)


def _redact_folder(
    campaign: Campaign, redaction: Redaction, record: WithdrawnRecord, cache: ObjectStore
) -> None:
    """Take the samples out of the files of the folder; manifests last, which say whose a row is."""
    manifests = sorted(campaign.samples.glob("*.jsonl"))
    contents = [path.read_bytes() for path in manifests]
    splits = redacted_files.splits(contents, sample_files.counted(campaign.samples))
    for name in ARRAYS:
        path = campaign.root / name
        if path.is_file() and (known := _stands_for(path.read_bytes(), record, cache)):
            write_bytes(path, known)
        else:
            _redact(campaign, path, redaction, splits)
    weights = campaign.model / learner_files.WEIGHTS
    if weights.exists() and record.now(object_digests.of_file(weights)) == GONE:
        weights.unlink()
    _redact_rounds(campaign, redaction, write=True)
    for path in (*sorted(campaign.labels.glob("*.jsonl")), campaign.holdout):
        _redact(campaign, path, redaction, splits)
    for path in campaign.images.glob("[0-9]*/*"):
        if path.name.partition(".")[0] in redaction.ids:
            path.unlink()
    _forget_sources(campaign, contents, redaction)
    for path in (*sorted(campaign.samples.glob("*.npz")), *manifests):
        _redact(campaign, path, redaction, splits)
    if campaign.pool.exists():
        pool = PoolRecord.read(campaign.pool)
        cohorts = {name: record.now(value) for name, value in pool.cohorts.items()}
        # The encoder's stay: with others, DVC would have it trained anew.
        replace(pool, cohorts=cohorts).write(campaign.pool)

    def files(oid: str) -> int | None:
        if not cache.good(oid):
            return None
        return len(recorded_outputs.listed(cache.read(oid)))

    replaced_outputs.replace(campaign.root, record.objects, files)


WITHDRAWN = "an image that was withdrawn"
"""Stands for its path in what is told of others."""


def _stands_for(content: bytes, record: WithdrawnRecord, cache: ObjectStore) -> bytes | None:
    """What was put into the cache in the place of some content; None if that is not known.

    After a kill it alone is without all features: the rows of the samples may be gone by now, so
    nobody can tell that the centre of a cluster is one of them.
    """
    oid = object_digests.of_bytes(content)
    new = record.now(oid)
    return cache.read(new) if new not in (oid, GONE) and cache.good(new) else None


def _forget_sources(campaign: Campaign, manifests: Sequence[bytes], redaction: Redaction) -> None:
    """Forget sources that name the one file of a sample: its path may tell whose it was.

    Nor do the reasons name it why files that look like it are in quarantine.
    """
    record = CohortsRecord.read_if_any(campaign.cohorts)
    lines = (json.loads(line) for content in manifests for line in content.splitlines())
    places = {
        place
        for line in lines
        if line["id"] in redaction.ids
        for place in (line["source"], *line["also"])
    }
    cohorts = [
        replace(each, sources=tuple(path for path in each.sources if path not in places))
        for each in record.cohorts
    ]
    sources = tuple(source for source in record.sources if source.path not in places)
    new = CohortsRecord(sources, tuple(cohorts))
    if new != record:
        new.write(campaign.cohorts)
    quoted = re.compile("|".join(re.escape(repr(place)) for place in places) or "(?!)")
    files = [*json_files.read_jsonl(campaign.quarantine)] if campaign.quarantine.exists() else []
    refused = [{**file, "reason": quoted.sub(WITHDRAWN, file["reason"])} for file in files]
    if refused != files:
        json_files.write_jsonl(campaign.quarantine, refused)


def _plans(snapshot: Snapshot, record: WithdrawnRecord) -> dict[str, str]:
    """From the digest of the pool that a round was planned with to that of the same without."""
    found = {}
    for number in range(snapshot.number + 1):
        if not snapshot.records.has(number, round_states.PLAN):
            continue
        tag = round_states.open_tag(number)
        text = git.content_at(snapshot.campaign.root, tag, layout.POOL)
        if text is None:
            continue
        pool = PoolRecord.from_text(text, f"{layout.POOL} of {tag}")
        cohorts = {name: record.now(value) for name, value in pool.cohorts.items()}
        recorded = snapshot.records.plan(number).digests.pool
        if pool_digest(cohorts) != recorded:
            found[recorded] = pool_digest(cohorts)
    return found


# --- MLflow --------------------------------------------------------------------------------


def _replace_logged(
    snapshot: Snapshot, record: WithdrawnRecord, gone: frozenset[str], places: Outside
) -> None:
    """Have MLflow keep the rounds' files without the samples, and no weights that hold them."""
    number = max(each.round for each in record.samples if each.sample in gone)
    records = {n: snapshot.campaign.round(n) for n in range(min(number, snapshot.number))}
    root = snapshot.campaign.root
    without = set()
    for n in records:
        outputs = {
            each.path: each.oid for each in recorded_outputs.at(root, round_states.round_tag(n))
        }
        model = record.now(outputs.get(layout.MODEL, GONE))
        if model != outputs.get(layout.MODEL) and not _has_weights(model, places.stores):
            without.add(n)
    assert places.tracker
    name = snapshot.config.campaign.name
    places.tracker.replace_records(snapshot.key, name, records, without)


def _has_weights(model: str, stores: Sequence[ObjectStore]) -> bool:
    for store in stores:
        if model.endswith(FOLDER) and store.good(model):
            return learner_files.WEIGHTS in dict(recorded_outputs.listed(store.read(model)))
    return False
