"""Every closed round, rebuilt one after the other; if wished, from the remote alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import layout, round_states
from labelcycle.core.counted_nouns import counted
from labelcycle.cycle import verify_round
from labelcycle.errors import DataError, LabelcycleError, StateError
from labelcycle.rounds import snapshots, trusted_places
from labelcycle.rounds.snapshots import Snapshot


def verify_all(snapshot: Snapshot, deep: bool, show: Callable[[str], None]) -> None:
    """Rebuild every closed round and compare, as `verify_round.verify` does for one.

    A round that fails does not keep the others from being looked at. Raises DataError that names
    all that failed, StateError if no round is closed.
    """
    verify_round.number_of(snapshot, None)
    failed = []
    rebuilt = 0
    for number in snapshot.closed:
        tag = round_states.round_tag(number)
        if snapshot.records.metrics(number).cancelled:
            show(f"{tag}: was cancelled; there is nothing to rebuild")
            continue
        if number not in snapshot.lineage.standing:
            show(f"{tag}: rolled back since; rebuilt as it was closed")
        try:
            verify_round.verify(snapshot, number, deep, partial(_show, show, tag))
            rebuilt += 1
        except LabelcycleError as error:
            show(f"{tag}: {error}")
            failed.append(tag)
    if failed:
        raise DataError(
            f"{counted(len(failed), 'round is', 'rounds are')} not reproduced:"
            f" {', '.join(failed)}; the lines above say why; `labelcycle check` tells whether"
            " something that is stored is damaged"
        )
    show(f"{counted(rebuilt, 'round is', 'rounds are')} reproduced")


def _show(show: Callable[[str], None], tag: str, line: str) -> None:
    show(f"{tag}: {line}")


@contextmanager
def from_remote(snapshot: Snapshot) -> Iterator[Snapshot]:
    """The campaign in a clone whose cache is empty, so that all data come from the remote.

    The folder's own cache stays as it is. Raises StateError if there is no remote.
    """
    root = snapshot.campaign.root
    snapshots.check_safe(snapshot.campaign)  # the clone is trusted as this folder is
    if not commands.has_remote(root):
        raise StateError(
            "there is no remote to rebuild from: wanted a default one in .dvc/config; add it with"
            " `dvc remote add -d NAME ADDRESS`, then `dvc push`"
        )
    with git.clone(root, "HEAD") as folder:
        commands.take_settings(folder, root, folder / ".dvc" / "cache")  # an empty one
        clone = snapshots.read(folder)
        (folder / layout.PRIVATE).mkdir(mode=0o700, exist_ok=True)
        trusted_places.confirm(clone.campaign)
        commands.pull_one(folder, f"{layout.LABELS}.dvc")  # closed rounds are compared with them
        yield snapshots.read(folder)
