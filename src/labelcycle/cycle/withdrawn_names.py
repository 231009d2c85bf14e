"""The samples that somebody wants withdrawn, from what was typed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from labelcycle.campaign.sample_files import Sample
from labelcycle.cycle import sample_history
from labelcycle.errors import DataError, StateError
from labelcycle.rounds.snapshots import Snapshot


def samples(snapshot: Snapshot, names: Sequence[str]) -> list[Sample]:
    """The samples of these names, each once; a name that begins with @ is a list of them.

    Raises DataError for an unknown sample, StateError for one that was withdrawn already.
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
    return list(found.values())


def _names(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if not name.startswith("@"):
            yield name
            continue
        file = Path(name[1:])
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"cannot read {file}: wanted a list with a sample a line, got {error}"
            ) from error
        listed = [line.strip() for line in lines if line.strip()]
        if not listed:
            raise DataError(f"{file} is empty; wanted a list with a sample a line")
        yield from listed
