"""The samples that somebody wants withdrawn, from what was typed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from labelcycle.campaign.sample_files import Sample
from labelcycle.core.near_names import did_you_mean
from labelcycle.cycle import sample_history
from labelcycle.errors import DataError, StateError
from labelcycle.ingest.group_names import GroupNames
from labelcycle.rounds.snapshots import Snapshot


def samples(snapshot: Snapshot, names: Sequence[str], groups: Sequence[str] = ()) -> list[Sample]:
    """The samples of these names and groups, each once; a name that begins with @ is a list.

    A sample without a recorded group has those that `ingest.group` gives it. One of a group that is
    being withdrawn is left out: after a kill the same may be typed again.

    Raises DataError for an unknown sample or group, StateError for a sample that was withdrawn
    already.
    """
    gone = snapshot.records.withdrawn().by_id
    found: dict[str, Sample] = {}
    for name in _names(names):
        if name in gone:
            state = "was withdrawn" if gone[name].done else "is being withdrawn"
            raise StateError(
                f"{name} {state}, on {gone[name].at[:10]}; wanted a sample that is there: leave it"
                " out (without a sample, `labelcycle withdraw` ends what was begun)"
            )
        sample = sample_history.find(snapshot, name)
        found[sample.id] = sample
    for group in groups:
        members = _in_group(snapshot, group)
        found |= {sample.id: sample for sample in members if sample.id not in gone}
    return list(found.values())


def _in_group(snapshot: Snapshot, group: str) -> list[Sample]:
    rule = snapshot.config.ingest.group
    names = GroupNames(rule, snapshot.campaign.root) if rule else None
    known = {
        sample: sample.named_groups or (names.of(sample) if names else ())
        for sample in snapshot.records.samples(which="all")
    }
    found = [sample for sample, its in known.items() if group in its]
    if not found:
        every = sorted({name for its in known.values() for name in its})
        hint = did_you_mean(group, every, most=3)
        raise DataError(
            f"no sample is of group {group!r}; {hint}{' ' * bool(hint)}wanted a group of this"
            " campaign, as `labelcycle explain SAMPLE` shows it"
        )
    return found


def _names(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not name.startswith("@"):
            yield name
            continue
        file = Path(name[1:])
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"cannot read {file}: wanted a list with a sample a line, got {error}"
            ) from error
        listed = [line.strip() for line in lines if line.strip()]
        if not listed:
            raise DataError(f"{file} is empty; wanted a list with a sample a line")
        yield from listed
