"""Simulated people at the open round."""

from collections.abc import Callable, Sequence
from pathlib import Path

from labelcycle.adapters import annotation
from labelcycle.adapters.ports import Answering
from labelcycle.campaign import round_states
from labelcycle.campaign.round_states import State
from labelcycle.errors import StateError
from labelcycle.people import simulated
from labelcycle.people.simulated import Done
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshots import Snapshot


def answer(
    snapshot: Snapshot,
    truth: Path,
    *,
    annotators: int = 2,
    error_rates: Sequence[float] = (0.0,),
    skip_rate: float = 0.0,
    seed: int = 0,
    show: Callable[[str], None],
) -> Done:
    """Let simulated people answer the tasks of the open round through its backend.

    Raises StateError if no round is open, or if the backend takes no answers from a program.
    """
    if snapshot.state is not State.OPEN:
        raise StateError(
            f"round {snapshot.number} is {snapshot.state}; wanted an open round to annotate;"
            f" {round_states.NEXT[snapshot.state]}"
        )
    backend = annotation.able(
        pushed_tasks.backend(snapshot), Answering, "simulated people cannot answer"
    )
    return simulated.annotate(
        backend,
        snapshot.records.pushed(snapshot.number).project,
        simulated.read_truth(snapshot.campaign, truth),
        wanted={task.task: task.wanted for task in pushed_tasks.tasks(snapshot)},
        annotators=annotators,
        error_rates=error_rates,
        skip_rate=skip_rate,
        seed=seed,
        show=show,
    )
