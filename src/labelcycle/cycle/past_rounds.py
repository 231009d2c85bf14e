"""The campaign of a closed round, brought back from git and DVC."""

from collections.abc import Iterator
from contextlib import contextmanager

from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands, replaced_outputs, tracked_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.rounds.snapshots import Snapshot


@contextmanager
def restored(snapshot: Snapshot, revision: str, targets: tuple[str, ...]) -> Iterator[Campaign]:
    """A temporary clone of the campaign at a revision, with `targets` brought in by DVC."""
    with git.clone(snapshot.campaign.root, revision) as folder:
        campaign = Campaign(folder)
        bring(snapshot, campaign, targets)
        yield campaign


def bring(snapshot: Snapshot, rebuilt: Campaign, targets: tuple[str, ...]) -> None:
    """Have DVC bring `targets` into a clone. Each revision may hold what no other one does.

    What held a sample that was withdrawn since is brought without it.
    """
    tracked_files.check(rebuilt.root)
    withdrawn = snapshot.records.withdrawn()
    replaced_outputs.replace(rebuilt.root, withdrawn.replaced)
    commands.restore(rebuilt.root, snapshot.campaign.root, targets)
