"""Simulated people at the open round."""

from collections.abc import Callable, Sequence
from pathlib import Path

from labelcycle import annotate, rounds
from labelcycle.adapters import annotation
from labelcycle.annotate import Done
from labelcycle.cycle import asked
from labelcycle.cycle.standing import Standing
from labelcycle.errors import StateError
from labelcycle.ports import Answering
from labelcycle.rounds import State


def answer(
    now: Standing,
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
    if now.state is not State.OPEN:
        raise StateError(
            f"round {now.number} is {now.state}; wanted an open round to annotate;"
            f" {rounds.NEXT[now.state]}"
        )
    backend = annotation.able(asked.backend(now), Answering, "simulated people cannot answer")
    return annotate.annotate(
        backend,
        now.record(rounds.PUSHED)["project"],
        annotate.read_truth(now.campaign, truth),
        wanted={task.task: task.wanted for task in asked.tasks(now)},
        annotators=annotators,
        error_rates=error_rates,
        skip_rate=skip_rate,
        seed=seed,
        show=show,
    )
