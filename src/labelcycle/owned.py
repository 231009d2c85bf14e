"""Labels from and to CSV: those owned before round 0 come in, all of them go out."""

import csv
import difflib
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from labelcycle import store
from labelcycle.errors import DataError, StateError
from labelcycle.labels import read_all_labels, read_holdout
from labelcycle.naming import Finder
from labelcycle.store import OWNED, Campaign, Label, Sample

COLUMNS = ("sample", "split", "file", "source", "label", "round", "status", "reason", "votes")
"""Header of an export."""


@dataclass(frozen=True)
class ImportReport:
    """What an import did.

    accepted : samples that have a label from this file now
    replaced : how many of them had another owned label before
    rejected : one text a row that was not taken: its line and why
    total : owned labels of the campaign afterwards
    """

    accepted: int
    replaced: int
    rejected: tuple[str, ...]
    total: int


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
    finder = Finder(campaign, _samples(campaign))
    given, rejected = _judge(_rows(file), finder, classes)
    if not given:
        raise DataError(
            f"{file}: none of {len(rejected)} rows can be used; {rejected[0]}; wanted a label of"
            f" {', '.join(classes)} and a sample of the pool in each row"
            if rejected
            else f"{file} has no rows; wanted a label and a sample in each row below the header"
        )
    path = campaign.label_file(OWNED)
    before = {x.sample: x for x in store.read_labels(path)} if path.exists() else {}
    fresh = {name: Label(name, label, source=OWNED) for name, label in given.items()}
    after = {**before, **fresh}
    store.write_labels(path, after.values())
    replaced = sum(name in before and before[name].label != given[name] for name in given)
    return ImportReport(len(given), replaced, tuple(rejected), len(after))


def export(campaign: Campaign, *, holdout: bool = False, rejected: bool = False) -> str:
    """CSV text of the accepted labels with their votes, sorted by sample: `COLUMNS`.

    The latest word on each sample counts. round is "owned" or the number of the round; votes is
    a JSON object, class name to number of answers.

    holdout : people's labels of the hold-out, too
    rejected : what was rejected, too; status says which, then label is empty, reason says why
        in the class names of the time when it was rejected
    """
    samples = {sample.id: sample for sample in _samples(campaign)}
    latest = read_all_labels(campaign)
    if holdout and campaign.holdout.exists():
        latest.update({label.sample: label for label in read_holdout(campaign)})
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    wanted = (latest[key] for key in sorted(latest) if rejected or latest[key].label is not None)
    writer.writerows(_row(samples.get(label.sample), label) for label in wanted)
    return buffer.getvalue()


def _samples(campaign: Campaign) -> list[Sample]:
    """The samples of the campaign. Raises StateError if nothing was ingested."""
    if not campaign.samples.exists():
        raise StateError(
            f"{campaign.samples} is missing: wanted a campaign with images; run"
            " `labelcycle ingest PATH...` first, or `dvc checkout` if that was done"
        )
    return store.read_samples(campaign.samples)


# --- import --------------------------------------------------------------------------------


def _meant(finder: Finder, row: Mapping[str, str]) -> Sample:
    """The sample that a row names. Raises DataError that says why there is none."""
    if row.get("sample"):
        if row["sample"] not in finder.by_id:
            raise DataError(f"unknown sample {row['sample']!r}")
        return finder.by_id[row["sample"]]
    name = row.get("file", "")
    if not name.strip():
        raise DataError("names no sample")
    found = finder.by_file(name) or finder.by_file(name.strip())
    if found is None:
        raise DataError(f"no sample was ingested from {name!r}")
    return found


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells of each row. Raises DataError if the file is not such a CSV."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restval="", strict=True)
            columns = [column.strip() for column in reader.fieldnames or ()]
            reader.fieldnames = columns
            if "label" not in columns or not {"sample", "file"} & set(columns):
                raise DataError(
                    f"{file}: wanted a header with `label` and one of `sample` or `file`,"
                    f" got {', '.join(columns) or 'an empty file'}; name the columns in line 1"
                )
            for row in reader:
                # a name of a file may begin or end with a space
                cells = {k: row[k] if k == "file" else row[k].strip() for k in columns}
                yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read {file}: {error}; wanted CSV in UTF-8") from error


def _judge(
    rows: Iterator[tuple[int, dict[str, str]]], finder: Finder, classes: tuple[str, ...]
) -> tuple[dict[str, str], list[str]]:
    """Label by sample id of the rows that can be used, and why the others cannot."""
    rejected: list[tuple[int, str]] = []
    said: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for line, row in rows:
        try:
            said[_pool_sample(finder, row)][_class(row["label"], classes)].append(line)
        except DataError as error:
            rejected.append((line, str(error)))
    for sample, labels in said.items():
        if len(labels) > 1:
            of = " and ".join(f"{label!r} in line {labels[label][0]}" for label in labels)
            reason = f"contradiction on sample {sample}: {of}"
            rejected += [(line, reason) for lines in labels.values() for line in lines]
    given = {sample: next(iter(labels)) for sample, labels in said.items() if len(labels) == 1}
    return given, [f"line {line}: {reason}" for line, reason in sorted(rejected)]


def _pool_sample(finder: Finder, row: Mapping[str, str]) -> str:
    """Id of the pool's sample that a row means."""
    sample = _meant(finder, row)
    if sample.split == "holdout":
        raise DataError(f"{sample.source!r} is in the hold-out, which is never trained on")
    return sample.id


def _class(label: str, classes: tuple[str, ...]) -> str:
    """The class name, if it is one."""
    if label in classes:
        return label
    if not label:
        raise DataError("no label")
    near = difflib.get_close_matches(label, classes, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise DataError(f"unknown class {label!r}{hint}")


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
