"""What a plan does with the cohorts that came in since the last one: from here on they count."""

from collections.abc import Mapping
from pathlib import Path

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, round_states, sample_files, yaml_text
from labelcycle.campaign.records.pool_record import PoolRecord
from labelcycle.core.counted_nouns import counted
from labelcycle.core.digests import file_digest
from labelcycle.cycle import unrecorded_images
from labelcycle.rounds.snapshots import Snapshot

Cohorts = Mapping[str, str]
"""From a cohort's number, as `001`, to the digest of its manifest."""


def admit(snapshot: Snapshot) -> list[str]:
    """Let all cohorts count from now on; lines that say what that changes.

    Writes data/pool.json, after DVC has the images and manifests of the new ones. The encoder
    stays trained on the cohorts of its time, unless the settings ask for another one.
    """
    campaign = snapshot.campaign
    opened = _opened(snapshot)
    cohorts = _cohorts(campaign.samples)
    new = {name: value for name, value in cohorts.items() if name not in opened.cohorts}
    encoder = cohorts if _trains(snapshot, opened) else opened.encoder
    record = PoolRecord(cohorts, encoder)
    if record == snapshot.records.pool():
        return _lines(snapshot, opened, new, encoder)
    if new:
        folders = unrecorded_images.folders(campaign, begun=bool(opened.cohorts))
        commands.add(campaign.root, [layout.SAMPLES, *folders])
    record.write(campaign.pool)
    return _lines(snapshot, opened, new, encoder)


def _cohorts(folder: Path) -> dict[str, str]:
    numbers = sample_files.cohort_numbers(folder)
    return {f"{n:03d}": file_digest(sample_files.manifest(folder, n)) for n in numbers}


def _opened(snapshot: Snapshot) -> PoolRecord:
    """The pool of the last round that was opened; a plan that was dropped since changed nothing."""
    if snapshot.lineage.last is None:
        return PoolRecord({}, {})
    tag = _last_opened(snapshot)
    text = git.show(snapshot.campaign.root, tag, layout.POOL)
    return PoolRecord.from_text(text, f"{layout.POOL} of {tag}")


def _last_opened(snapshot: Snapshot) -> str:
    assert snapshot.lineage.last is not None, "there is an encoder, so there was a round"
    return round_states.open_tag(snapshot.lineage.last)


def _trains(snapshot: Snapshot, opened: PoolRecord) -> bool:
    """Whether the encoder is trained on all cohorts: at first, where asked, and if it is another.

    An encoder with other settings is trained anew in any case.
    """
    if not opened.encoder:
        return True
    if snapshot.config.ingest.encoder == "train":
        return True
    tag = _last_opened(snapshot)
    text = git.show(snapshot.campaign.root, tag, "params.yaml").decode()
    return config.parse(yaml_text.values(text), parts=False).pretrain != snapshot.config.pretrain


def _lines(snapshot: Snapshot, opened: PoolRecord, new: Cohorts, encoder: Cohorts) -> list[str]:
    """What people should know of a pool that has grown."""
    if not opened.cohorts:
        return []
    lines = []
    for name in new:
        samples = snapshot.records.manifest(int(name))
        held = sum(sample.split == "holdout" for sample in samples)
        lines.append(
            f"cohort {int(name)} counts from now on: {counted(len(samples) - held, 'sample')} in"
            f" the pool, {held} in the hold-out"
        )
    if encoder != opened.encoder:
        lines.append(
            f"the encoder is trained anew, on {counted(len(encoder), 'cohort')}: all features are"
            " others, so a change of the accuracy may come from them"
        )
    return lines
