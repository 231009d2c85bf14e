"""A campaign goes on in another folder than so far: its data come, its tasks are found."""

from collections.abc import Callable

from labelcycle.adapters import git, lock
from labelcycle.adapters.dvc import commands
from labelcycle.campaign import round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.round_states import State
from labelcycle.core.counted_nouns import counted
from labelcycle.errors import ServiceDown, StateError
from labelcycle.rounds import lease, pushed_tasks, snapshots
from labelcycle.rounds.snapshots import Snapshot


def due(campaign: Campaign) -> bool:
    """Whether this is a clone that nobody has worked in: `run` then resumes the campaign first."""
    if not campaign.params.exists():
        return False
    if not campaign.has_samples and campaign.samples.with_name("samples.dvc").exists():
        return True
    try:
        return lease.new_here(campaign)
    except ServiceDown:
        return False  # told with the step


def resume(campaign: Campaign, say: Callable[[str], None], *, force: bool = False) -> None:
    """Bring the data, look for the tasks of the open round, and take the lease; done twice, once.

    force : though the tasks or the last work of whoever holds the lease are not here

    The lease comes last: nobody is refused elsewhere before all is here. Raises StateError if
    something is missing, ToolFailed if DVC cannot bring the data.
    """
    with lock.exclusive(campaign.lock):
        snapshot = snapshots.read(campaign.root)
        snapshots.check_safe(campaign)
        closed = round_states.round_tag(snapshot.number - 1) if snapshot.number else None
        git.check_head(campaign.root, closed)
        if commands.has_remote(campaign.root):
            commands.pull(campaign.root)
            say("all data of this commit are here")
        snapshot = snapshots.read(campaign.root)
        if not force and (line := _found(snapshot)):
            say(line)
        say(lease.take(campaign, force=force))


def _found(snapshot: Snapshot) -> str:
    """A line on the tasks of the round at work; empty if it asks nobody. Raises StateError."""
    number = snapshot.number
    if snapshot.state not in (State.PUSHED, State.OPEN):
        return ""
    backend, pushed = pushed_tasks.backend(snapshot), snapshot.records.pushed(number)
    backend.check()
    wanted = pushed_tasks.ids(pushed.tasks)
    there = wanted.keys() & backend.pushed(snapshot.key, f"{snapshot.key}/{number:03d}/").keys()
    if wanted and not there:  # single ones that people deleted are told by each look
        raise StateError(
            f"round {number} is open, and none of its {counted(len(wanted), 'task')} is in the"
            f" backend {pushed.backend!r} as this computer reaches it: wanted all;"
            f" {REMEDIES.get(pushed.backend, REMEDY)}"
        )
    tasks = counted(len(there), "task")
    return f"round {number} is open: {tasks} found in project {pushed.project}"


REMEDY = "go where it is, or give the round up with `resume --force` and `cancel --abandon`"
REMEDIES = {
    "label_studio": "name the server that people answer on in LABEL_STUDIO_URL and"
    f" LABEL_STUDIO_API_KEY, {REMEDY}",
    "files": f"copy .labelcycle/annotation.sqlite3 from the other computer, {REMEDY}",
}
"""What helps, by the backend that lacks tasks."""
