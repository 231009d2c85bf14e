"""A change of the campaign's classes between two rounds: record, params.yaml, commit."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.campaign import labels, params_file, round_states
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.round_states import State
from labelcycle.core.class_migrations import Change, Migration, Table, counted_as
from labelcycle.errors import StateError
from labelcycle.rounds.snapshots import Snapshot, present_time, ready

WRITTEN = ("params.yaml", "schema.json")


def migrate(root: Path, change: Callable[[Sequence[str], Table], Change]) -> Migration:
    """Do a change of the classes and commit it; what was done.

    change : makes it of the classes and of what earlier names count as

    For the holder of the campaign's lock. What a change that was killed half way has written is
    taken back first. Raises StateError while a round is at work, SettingsError if the change
    cannot be done.
    """
    campaign = Campaign(root)
    _take_back(campaign)
    snapshot = ready(root)
    _check_between_rounds(snapshot)
    before = snapshot.records.migrations()
    made = change(snapshot.config.classes, counted_as(before))
    migration = Migration(**asdict(made), round=snapshot.number, at=present_time())
    config.parse({"campaign": {"classes": made.after}}, parts=False)  # are the names ones?
    written = params_file.with_classes(_text(campaign), made.after)
    labels.write_migrations(campaign, (*before, migration))
    write_bytes(campaign.params, written.encode())
    git.commit(root, WRITTEN, f"Classes: {migration}")
    return migration


def _check_between_rounds(snapshot: Snapshot) -> None:
    if snapshot.state is State.DUE:
        return
    give_up = ", or give it up with `labelcycle cancel`"
    raise StateError(
        f"round {snapshot.number} is {snapshot.state}, and its tasks ask for the classes as they"
        " are: wanted no round at work; close it first"
        f"{give_up if snapshot.state in round_states.CANCELLABLE else ''};"
        f" {round_states.NEXT[snapshot.state]}"
    )


def _take_back(campaign: Campaign) -> None:
    """Undo what was written of a change and not committed; the record was written first."""
    if not campaign.schema.exists() or not git.changed(campaign.root, campaign.schema.name):
        return
    written = labels.read_migrations(campaign)[-1:]
    classes = set(config.load(campaign.params, parts=False).classes)
    if written and classes == set(written[0].after):
        text = params_file.with_classes(_text(campaign), written[0].before)
        write_bytes(campaign.params, text.encode())
    write_bytes(campaign.schema, git.show(campaign.root, "HEAD", campaign.schema.name))


def _text(campaign: Campaign) -> str:
    """params.yaml with its own line ends."""
    return campaign.params.read_bytes().decode()
