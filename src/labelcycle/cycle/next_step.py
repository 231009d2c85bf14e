"""What to do next with a campaign: the last line of `status`, and of what changes a campaign."""

from labelcycle import config
from labelcycle.adapters import annotation, git
from labelcycle.adapters.local import services
from labelcycle.adapters.ports import AnnotationProgress
from labelcycle.campaign import round_states
from labelcycle.campaign.round_states import State
from labelcycle.errors import SettingsError, StateError
from labelcycle.rounds.snapshots import (
    Snapshot,
    brings_samples,
    check_classes,
    half_rolled_back,
    rollback_command,
)


def find(
    snapshot: Snapshot, progress: AnnotationProgress | None = None, *, away: bool = False
) -> str:
    """The next step of whoever runs the campaign, in words.

    progress : of the open round, if somebody has just looked
    away : somebody has looked, and no server answered
    """
    if half_rolled_back(snapshot):
        return f"`{rollback_command(snapshot.records.rollbacks()[-1])}`"
    if not snapshot.config.campaign.classes:
        return "write the class names into params.yaml"
    if git.changed(snapshot.campaign.root, "params.yaml"):
        try:
            config.load(snapshot.campaign.params)
            check_classes(snapshot)
        except (SettingsError, StateError) as error:
            return f"mend {error}"
    if not snapshot.campaign.has_samples:
        return brings_samples(snapshot.campaign)
    if snapshot.records.withdrawn().unfinished:
        return "`labelcycle withdraw`, which goes on with a withdrawal that is not finished"
    if snapshot.state is State.OPEN:
        return _of_open_round(snapshot, progress, away)
    if snapshot.state is not State.DUE:
        return round_states.NEXT[snapshot.state]
    if snapshot.finished >= snapshot.config.campaign.rounds:
        return "nothing: all rounds of campaign.rounds are closed; raise it in params.yaml to go on"
    opens = snapshot.number == 0 or snapshot.config.campaign.open_next
    service = annotation.service(snapshot.config.push.backend)
    if snapshot.number == 0 and service and not services.known(snapshot.campaign, service):
        return "`labelcycle up`, then `labelcycle run`"
    return "`labelcycle run`" if opens else "`labelcycle open`"


def _of_open_round(snapshot: Snapshot, progress: AnnotationProgress | None, away: bool) -> str:
    if progress and progress.done:
        return "all tasks are done: `labelcycle run`"
    backend = snapshot.records.pushed(snapshot.number).backend
    service = annotation.service(backend)
    if away and service and services.of_up(snapshot.campaign, service):
        return "`labelcycle up`"
    return f"{annotation.next_step(backend)}; {round_states.NEXT[snapshot.state]}"


def line(step: str) -> str:
    """The line that says it."""
    return f"next: {step}"
