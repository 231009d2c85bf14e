"""The labels of a campaign as they count now: read through the changes of its classes.

Label files are never changed once they are written. A label in an old class name counts as the
class that the migrations in `schema.json` made of it; one of a removed class is rejected.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path

from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.json_files import read_json, write_json
from labelcycle.campaign.label_files import Label, read_labels
from labelcycle.campaign.records.json_values import OddValueError, typed
from labelcycle.campaign.records.rollback_record import RoundsApart
from labelcycle.core.class_migrations import Migration, Table, counted_as
from labelcycle.errors import DataError


def read_migrations(campaign: Campaign) -> tuple[Migration, ...]:
    """What was done to the classes so far, in order.

    Raises DataError if the record is missing or odd.
    """
    if not campaign.schema.exists():
        raise DataError(
            f"{campaign.schema} is missing; wanted the record of migrations that `labelcycle init`"
            " writes; restore it with git"
        )
    try:
        records = read_json(campaign.schema)["migrations"]
        return tuple(typed(Migration, record) for record in records)
    except (KeyError, TypeError, OddValueError) as error:
        raise DataError(
            f"{campaign.schema} is no record of migrations ({error}); restore it with git"
        ) from error


def write_migrations(campaign: Campaign, migrations: Iterable[Migration]) -> None:
    """Write what was done to the classes."""
    write_json(campaign.schema, {"migrations": [asdict(migration) for migration in migrations]})


LabelReader = Callable[[Path], list[Label]]
"""Reads a label file as it was written."""


def read_all_labels(
    campaign: Campaign, read: LabelReader = read_labels, table: Table | None = None
) -> dict[str, Label]:
    """The latest word on each sample: owned labels, then each round's; accepted and rejected.

    table : what earlier class names count as, where that was read already
    """
    table, apart = _table(campaign, table), rounds_apart(campaign)
    files = (path for path in campaign.labels.glob("*.jsonl") if path.stem.isdigit())
    numbered = sorted(path for path in files if int(path.stem) not in apart)
    owned = campaign.label_file(OWNED)
    paths = ([owned] if owned.exists() else []) + numbered
    return {label.sample: as_now(label, table) for path in paths for label in read(path)}


def rounds_apart(campaign: Campaign) -> frozenset[int]:
    """The rounds whose labels do not count, since the campaign was rolled back."""
    path = campaign.labels_apart
    return frozenset(RoundsApart.read(path).rounds) if path.exists() else frozenset()


def read_owned(
    campaign: Campaign, read: LabelReader = read_labels, table: Table | None = None
) -> list[Label]:
    """The labels known before round 0; `table` as in `read_all_labels`."""
    table, path = _table(campaign, table), campaign.label_file(OWNED)
    return [as_now(label, table) for label in read(path)] if path.exists() else []


def read_holdout(
    campaign: Campaign, read: LabelReader = read_labels, table: Table | None = None
) -> list[Label]:
    """People's verdicts on the hold-out; `table` as in `read_all_labels`."""
    table = _table(campaign, table)
    return [as_now(label, table) for label in read(campaign.holdout)]


def _table(campaign: Campaign, known: Table | None) -> Table:
    return counted_as(read_migrations(campaign)) if known is None else known


def as_now(label: Label, table: Table) -> Label:
    """A label in the class names of now.

    One that was rejected because people disagreed is accepted if they all mean one class now.
    """
    if not table:
        return label
    votes: Counter[str] = Counter()
    for name, count in label.votes.items():
        new = table.get(name, name)
        if new is not None:
            votes[new] += count
    renamed = replace(label, votes=dict(sorted(votes.items())))
    if label.label is not None and label.label in table:
        class_name = table[label.label]
        reason = None if class_name else removed_class(label.label)
        return replace(renamed, label=class_name, reason=reason)
    agreed = votes.total() == sum(label.votes.values()) and len(votes) == 1 < len(label.votes)
    if not agreed:
        return renamed
    return replace(renamed, label=next(iter(votes)), reason=None, adjudicate=False)


def removed_class(name: str) -> str:
    """Why a label of a class that is no more is rejected."""
    return f"class {name!r} was removed"
