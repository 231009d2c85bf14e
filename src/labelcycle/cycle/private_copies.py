"""Copies of samples for this computer and its people: images as shown, answers as seen."""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from labelcycle import decoding
from labelcycle.adapters import s3
from labelcycle.adapters.dvc.object_store import HALF
from labelcycle.adapters.git import REBUILT
from labelcycle.campaign import layout
from labelcycle.campaign.atomic_files import remove_parts, write_bytes
from labelcycle.campaign.sample_files import Sample
from labelcycle.cycle import task_images
from labelcycle.cycle.redacted_files import Redaction
from labelcycle.cycle.withdrawn_objects import PART
from labelcycle.errors import ServiceRefused
from labelcycle.ingest import fetch, seen_files
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshots import Snapshot

WITH_CONTEXT = re.compile(r"(?P<sample>[0-9a-f]{16})-(?P<side>\d+)-[0-9a-f]+")
"""Name of an image over its labelled neighbours: nobody can tell from it which these are."""

TEMPORARY = (REBUILT, PART, "good-", "list-")
"""Begin the names of folders that a killed process may have left."""


def remove_shown(snapshot: Snapshot, gone: frozenset[str], say: Callable[[str], None]) -> None:
    """Remove the samples' images as people see them, here and in a bucket.

    Images that may show one of them as a neighbour are drawn anew, without neighbours.

    say : told of a bucket that cannot be listed
    """
    samples = {sample.id: sample for sample in snapshot.records.samples(which="all")}
    for path in sorted((snapshot.campaign.media / "images").glob("*.png")):
        if path.stem.partition("-")[0] in gone:
            path.unlink()
        elif shown := WITH_CONTEXT.fullmatch(path.stem):
            sample = samples.get(shown["sample"])
            if sample is None or not (snapshot.campaign.images / sample.file).exists():
                path.unlink()
            else:
                write_bytes(path, _alone(snapshot, sample, int(shown["side"])))
    for address in _in_buckets(snapshot, say):
        stem = PurePosixPath(address).stem
        sample = samples.get(stem.partition("-")[0])
        if stem.partition("-")[0] in gone:
            s3.remove(address)
        elif sample and (shown := WITH_CONTEXT.fullmatch(stem)):
            s3.put(address, _alone(snapshot, sample, int(shown["side"])), "image/png")


def _in_buckets(snapshot: Snapshot, say: Callable[[str], None]) -> Iterable[str]:
    """Addresses in buckets of images that we stored there.

    No task names those of a round that was given up before it was pushed, so buckets are listed.
    """
    tasks = pushed_tasks.tasks_by_key(snapshot, every=True).values()
    shown = (text for task in tasks for text in task.display.values())
    stored = {text for text in shown if text.startswith(s3.SCHEME)}
    folders = {text.rpartition("/")[0] for text in stored if STORED.fullmatch(_name(text))}
    if snapshot.config.push.images == "s3":
        folders.add(snapshot.config.push.bucket.rstrip("/"))
    for folder in sorted(folders):
        try:
            below = s3.listed(f"{folder}/")
            stored |= {text for text in below if text.rpartition("/")[0] == folder}
        except ServiceRefused as error:
            say(f"only images that tasks name are removed from {folder}: {error}")
    return sorted(text for text in stored if STORED.fullmatch(_name(text)))


def _name(address: str) -> str:
    return PurePosixPath(address).name


STORED = re.compile(r"[0-9a-f]{16}-\d+(-[0-9a-f]+)?\.png")
"""Name of an image that was drawn for a task."""


def _alone(snapshot: Snapshot, sample: Sample, side: int) -> bytes:
    """PNG of a sample's image as people see it, without neighbours."""
    return decoding.png_bytes(decoding.enlarge(task_images.decoded(snapshot, sample), side))


def remove(snapshot: Snapshot, gone: frozenset[str], redaction: Redaction) -> None:
    """Remove what else this computer alone has of the samples."""
    campaign = snapshot.campaign
    remove_parts(campaign.root)
    cohorts = {each.cohort for each in snapshot.records.withdrawn().samples if each.sample in gone}
    for cohort in cohorts:
        (campaign.unusual / f"{cohort:03d}.png").unlink(missing_ok=True)
    seen_files.forget(campaign, gone)
    for path in sorted(campaign.answers.glob("*.jsonl")):
        before = path.read_bytes()
        after = redaction.without(f"{layout.ANSWERS}/{path.name}", before, ())
        if after is not None and after != before:
            write_bytes(path, after, mode=0o600)
    fetch.forget(campaign)
    for path in (*_files(campaign.damaged), *_files(campaign.label_studio / "export")):
        if redaction.holds_id(str(path.relative_to(campaign.root)).encode()) or redaction.holds(
            path.read_bytes()
        ):
            path.unlink()
    for begin in TEMPORARY:
        for folder in campaign.private.glob(f"{begin}*"):
            shutil.rmtree(folder, ignore_errors=True)
    for folder in (campaign.data, campaign.work, campaign.media, campaign.unusual):
        for half in folder.rglob(f".*{HALF}"):
            half.unlink()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
