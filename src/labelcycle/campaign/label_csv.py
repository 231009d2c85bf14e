"""Labels from and to CSV: those owned before round 0 come in, all of them go out."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labelcycle.campaign import label_files, sample_files
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import read_all_labels, read_holdout
from labelcycle.campaign.sample_files import Sample
from labelcycle.campaign.sample_lookup import Finder
from labelcycle.core import csv_tables
from labelcycle.core.class_names import composed, meant
from labelcycle.core.counted_nouns import counted
from labelcycle.core.csv_tables import TableRow
from labelcycle.errors import DataError, StateError

COLUMNS = ("sample", "split", "file", "source", "label", "round", "status", "reason", "votes")
"""Header of an export."""


NEED = (("label",), ("sample", "file"))
"""Columns of a table of labels."""

UNKNOWN, AMBIGUOUS = "name a sample that is not there", "have an ambiguous name"

EXAMPLES = 3
"""So many rows that are rejected for one reason are shown one by one."""


@dataclass(frozen=True, order=True)
class Rejected:
    """A row that was not taken; kind : why, in words that many rows share; text : in its own."""

    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    accepted : samples that have a label from this file now
    replaced : those of them that had another owned label before, a sentence each
    rejected : the rows that were not taken, by line
    total : owned labels of the campaign afterwards
    """

    accepted: int
    replaced: tuple[str, ...]
    rejected: tuple[Rejected, ...]
    total: int

    def summary_lines(self) -> Iterator[str]:
        """Which labels changed, and why rows were not taken: a line each, or one on many alike."""
        if self.replaced:
            more = ", ..." if len(self.replaced) > EXAMPLES else ""
            yield (
                f"{len(self.replaced)} of them had another label before:"
                f" {'; '.join(self.replaced[:EXAMPLES])}{more}"
            )
        kinds: dict[str, list[Rejected]] = defaultdict(list)
        for row in self.rejected:
            kinds[row.kind].append(row)
        for kind, rows in kinds.items():
            few = len(rows) <= EXAMPLES
            yield from map(str, rows if few else [])
            if not few:
                yield f"{len(rows)} rows {kind}, as {'; '.join(map(str, rows[:EXAMPLES]))}"


def import_labels(campaign: Campaign, file: Path, classes: tuple[str, ...]) -> ImportReport:
    """Take labels from a CSV into data/labels/owned.jsonl, before round 0.

    The header names `label` and one of `sample` (an id) or `file` (the path of an image, or its
    end if no other image's path ends so); other columns are ignored. A row is rejected if its
    class or sample is unknown, its name is ambiguous, its sample is in the hold-out, or another
    row of the file says otherwise of the sample. A second import adds to the first; of a sample
    that both name, the later word holds.

    Raises StateError if round 0 is open, DataError if no row of the file can be used.
    """
    if (campaign.round(0) / "plan.json").exists():
        raise StateError(
            "cannot import labels: wanted a campaign before round 0, got one with rounds, whose"
            " selections were made without these labels; make a new campaign with"
            " `labelcycle init`"
        )
    samples = _samples(campaign)
    finder = Finder(campaign, samples)
    given, rejected = _judge(csv_tables.read(file, NEED), finder, classes)
    if not given:
        raise DataError(
            f"{file}: none of {counted(len(rejected), 'row')} can be used; {rejected[0]}; wanted"
            f" a label of {', '.join(classes)} and a sample of the pool in each row"
            if rejected
            else f"{file} has no rows; wanted a label and a sample in each row below the header"
        )
    path = campaign.label_file(OWNED)
    before = {x.sample: x for x in label_files.read_labels(path)} if path.exists() else {}
    fresh = {name: Label(name, label, source=OWNED) for name, label in given.items()}
    after = {**before, **fresh}
    label_files.write_labels(path, after.values())
    replaced = tuple(
        f"{' = '.join(map(repr, (sample.source, *sample.also)))} was"
        f" {before[sample.id].label!r}, is {given[sample.id]!r}"
        for sample in samples
        if sample.id in given
        and sample.id in before
        and before[sample.id].label != given[sample.id]
    )
    return ImportReport(len(given), replaced, tuple(rejected), len(after))


@dataclass(frozen=True)
class Export:
    """Labels as CSV; rows : how many; guarded : cells that a `'` keeps from being formulas."""

    text: str
    rows: int
    guarded: int


def export(
    campaign: Campaign, *, holdout: bool = False, rejected: bool = False, raw: bool = False
) -> Export:
    """CSV of the accepted labels with their votes, sorted by sample: `COLUMNS`.

    The latest word on each sample counts. round is "owned" or the number of the round; votes is
    a JSON object, class name to number of answers.

    holdout : people's labels of the hold-out, too
    rejected : what was rejected, too; status says which, then label is empty, reason says why
        in the class names of the time when it was rejected
    raw : cells that begin as a formula does stay as they are; else a `'` stands before them, which
        `import_labels` takes away again
    """
    samples = {sample.id: sample for sample in _samples(campaign)}
    latest = read_all_labels(campaign)
    if holdout and campaign.holdout.exists():
        latest.update({label.sample: label for label in read_holdout(campaign)})
    wanted = (latest[key] for key in sorted(latest) if rejected or latest[key].label is not None)
    plain = [_row(samples.get(label.sample), label) for label in wanted]
    rows = plain if raw else [tuple(map(csv_tables.guarded, row)) for row in plain]
    guarded = sum(
        a != b for old, new in zip(plain, rows, strict=True) for a, b in zip(old, new, strict=True)
    )
    return Export(csv_tables.written([COLUMNS, *rows]), len(rows), guarded)


def _samples(campaign: Campaign) -> list[Sample]:
    """The samples of the campaign. Raises StateError if nothing was ingested."""
    if not campaign.has_samples:
        raise StateError(
            f"{campaign.samples} is missing: wanted a campaign with images; run"
            " `labelcycle ingest PATH...` first, or `dvc checkout` if that was done"
        )
    return sample_files.read_samples(campaign.samples)


# --- import --------------------------------------------------------------------------------


def _meant(finder: Finder, row: Mapping[str, str]) -> Sample:
    """The sample that a row names. Raises DataError that says why there is none."""
    number = row.get("sample", "").strip()
    if number:
        if number not in finder.by_id:
            raise _Unfit(UNKNOWN, f"unknown sample {number!r}")
        return finder.by_id[number]
    name = row.get("file", "")
    if not name.strip():
        raise _Unfit("name no sample", "names no sample")
    for form in (csv_tables.unguarded(name), name, name.strip()):
        found = finder.by_file(form)
        if found:
            return found
    raise _Unfit(UNKNOWN, f"no sample was ingested from {name!r}{finder.like(name)}")


def _judge(
    rows: Iterable[TableRow], finder: Finder, classes: tuple[str, ...]
) -> tuple[dict[str, str], list[Rejected]]:
    """Label by sample id of the rows that can be used, and why the others cannot."""
    rejected: list[Rejected] = []
    said: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        try:
            sample = _pool_sample(finder, row.cells)
            said[sample][_class(row.cells["label"].strip(), classes)].append(row.line)
        except _Unfit as error:
            rejected.append(Rejected(row.line, error.kind, str(error)))
        except DataError as error:
            rejected.append(Rejected(row.line, AMBIGUOUS, str(error)))
    for sample, labels in said.items():
        if len(labels) > 1:
            of = " and ".join(f"{label!r} in line {labels[label][0]}" for label in labels)
            reason = f"contradiction on sample {sample}: {of}"
            lines = (line for each in labels.values() for line in each)
            rejected += [Rejected(line, "contradict each other", reason) for line in lines]
    given = {sample: next(iter(labels)) for sample, labels in said.items() if len(labels) == 1}
    return given, sorted(rejected)


class _Unfit(DataError):
    """Why a row cannot be used; kind : in words that many rows share."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def _pool_sample(finder: Finder, row: Mapping[str, str]) -> str:
    """Id of the pool's sample that a row means."""
    sample = _meant(finder, row)
    if sample.split == "holdout":
        raise _Unfit(
            "name samples of the hold-out, which is never trained on",
            f"{sample.source!r} is in the hold-out, which is never trained on",
        )
    return sample.id


def _class(label: str, classes: tuple[str, ...]) -> str:
    """The class name, if it is one, in whatever form its accents are."""
    for name in map(composed, (csv_tables.unguarded(label), label)):
        if name in classes:
            return name
    if not label:
        raise _Unfit("have no label", "no label")
    hint = meant(label, classes)
    text = f"unknown class {label!r}{f'; {hint}' if hint else ''}"
    raise _Unfit("have a class that the campaign does not know", text)


# --- export --------------------------------------------------------------------------------


def _row(sample: Sample | None, label: Label) -> tuple[str, ...]:
    """One row of an export."""
    return (
        label.sample,
        sample.split if sample else "",
        sample.file if sample else "",
        sample.source if sample else "",
        label.label or "",
        label.source.removeprefix("round ").partition(",")[0],
        "rejected" if label.label is None else "accepted",
        label.reason or "",
        json.dumps(dict(label.votes), ensure_ascii=False, sort_keys=True),
    )
