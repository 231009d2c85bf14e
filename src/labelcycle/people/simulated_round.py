"""Simulated people at the open round."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from labelcycle.campaign import round_states
from labelcycle.campaign.round_states import State
from labelcycle.errors import StateError
from labelcycle.people import simulated
from labelcycle.people.simulated import Done
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.snapshot import Standing


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
    """Let simulated people answer the tasks of the open round through Label Studio's own API.

    Raises StateError if no round is open.
    """
    if now.state is not State.OPEN:
        raise StateError(
            f"round {now.number} is {now.state}; wanted an open round to annotate;"
            f" {round_states.NEXT[now.state]}"
        )
    url, token = (os.environ.get(f"LABEL_STUDIO_{name}", "") for name in ("URL", "API_KEY"))
    return simulated.annotate(
        url,
        token,
        now.record(round_states.PUSHED)["project"],
        simulated.read_truth(now.campaign, truth),
        wanted={task.task: task.wanted for task in pushed_tasks.tasks(now)},
        annotators=annotators,
        error_rates=error_rates,
        skip_rate=skip_rate,
        seed=seed,
        show=show,
    )
