"""What people are told of an ingest: what came in, what could not, what changed where it was."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from labelcycle.campaign.sample_files import Sample
from labelcycle.campaign.sample_groups import components
from labelcycle.core.counted_nouns import counted
from labelcycle.ingest.one_file import Quarantined, Taken
from labelcycle.ingest.sources import Found
from labelcycle.ingest.take_files import FileTaker

REASONS = 3
"""Named where no file can be used."""


@dataclass(frozen=True)
class Report:
    """What an ingest did; looked_at = added + known + duplicates + quarantined + withdrawn.

    looked_at : files and addresses that were looked at
    added : new samples
    known : files whose picture, and addresses that, were a sample of the campaign before
    duplicates : files with the bytes, or the very pixels, of another file of this ingest
    quarantined : files that cannot be used; data/quarantine.jsonl tells why
    pool, holdout : samples of the campaign afterwards
    remarks : what else people should know of the images, a sentence each
    cohort : number of the cohort that the new samples are; None if there are none
    held : new samples that are in the hold-out
    withdrawn : files that show a sample that was withdrawn, which are not taken again
    """

    looked_at: int
    added: int
    known: int
    duplicates: int
    quarantined: int
    pool: int
    holdout: int
    remarks: tuple[str, ...] = ()
    cohort: int | None = None
    held: int = 0
    withdrawn: int = 0

    def summary_lines(self) -> list[str]:
        """What it did, in words."""
        lines = [
            f"{counted(self.looked_at, 'file')}: {counted(self.added, 'new sample')},"
            f" {self.known} known already,"
            f" {counted(self.duplicates, 'duplicate')}, {self.quarantined} in quarantine"
            f"{f', {self.withdrawn} withdrawn, not taken again' if self.withdrawn else ''}",
            f"now {self.pool} in the pool, {self.holdout} in the hold-out",
        ]
        if self.cohort:
            lines[1:] = [
                f"cohort {self.cohort}: {self.added - self.held} for the pool, {self.held} for the"
                " hold-out; it counts from the next round on",
                f"in all {self.pool} in the pool, {self.holdout} in the hold-out",
            ]
        lines += self.remarks
        if self.quarantined:
            lines.append("see data/quarantine.jsonl for what could not be used, and why")
        return lines


def changes(taker: FileTaker, usable: Sequence[Taken], found: Found) -> list[str]:
    """What people should know of files that are not, or no longer, what they were."""
    texts = []
    changed = [
        item.source
        for item in usable
        if item.source in taker.by_place
        and taker.by_place[item.source].look.pixels != item.look.pixels
    ]
    if changed:
        texts.append(
            f"{counted(len(changed), 'file shows', 'files show')} another picture than before,"
            f" such as {changed[0]!r}: the new picture counts as a new image, and the old one stays"
        )
    gone = sorted({*taker.vanished, *filter(found.gone, taker.by_place)})
    if gone:
        texts.append(
            f"{counted(len(gone), 'file is', 'files are')} no longer where"
            f" {'it was' if len(gone) == 1 else 'they were'} found, such as {gone[0]!r}:"
            " nothing was removed from the campaign"
        )
    return texts


def groups(samples: Sequence[Sample], torn: Sequence[str], wanted: int | None) -> list[str]:
    """What people should know of the named groups of a cohort.

    torn : those that were on both sides before
    wanted : samples that the hold-out was to have; None for a later cohort
    """
    sizes = Counter(name for sample in samples for name in sample.named_groups)
    if not sizes:
        return []
    inside = Counter(
        name for sample in samples if sample.split == "holdout" for name in sample.named_groups
    )
    held = sum(sample.split == "holdout" for sample in samples)
    largest, size = min(sizes.items(), key=lambda each: (-each[1], each[0]))
    text = (
        f"{counted(len(sizes), 'group')}, the largest {largest!r} with"
        f" {counted(size, 'sample')}; {len(inside)} in the hold-out, each of them whole"
    )
    if wanted is not None and held != wanted:
        text += f", so it has {held} samples where ingest.holdout wanted {wanted}"
    texts = [text]
    keys = components(samples)
    key, together = Counter(keys).most_common(1)[0]
    of_key = [sample for sample, each in zip(samples, keys, strict=True) if each == key]
    if wanted and 2 * together > len(samples) and of_key[0].split == "pool":
        names = sorted({name for sample in of_key for name in sample.named_groups})
        are = "has" if len(names) == 1 else "and what is joined to it have"
        texts.append(
            f"group {names[0]!r} {are} more than half of the samples: it stays in the pool, and the"
            " hold-out says nothing of it"
        )
    if torn:
        texts.append(
            f"{counted(len(torn), 'group was', 'groups were')} on both sides, such as {torn[0]!r},"
            " as ingest.group was set after those images came in: the hold-out was drawn anew"
        )
    return texts


def no_images(refused: Sequence[Quarantined]) -> str:
    """The error text for files of which none can be used."""
    first = {item.reason: item.source for item in reversed(refused)}
    common = Counter(item.reason for item in refused).most_common()
    listed = [f"{count} such as {first[why]!r}: {why}" for why, count in common[:REASONS]]
    if common[REASONS:]:
        listed.append(f"{len(common[REASONS:])} other reasons")
    return (
        f"no images: none of {counted(len(refused), 'file')} can be used ({'; '.join(listed)});"
        " give the path of images"
    )
