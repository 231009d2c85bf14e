"""Some lives after each other, and what came of them."""

import gc
import random
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.reporting import with_reporter
from hypothesis.stateful import run_state_machine_as_test

from soak import machine

LIVES = 6
"""In a batch, of at most as many steps each."""

STEPS = (2, 12)
"""The shortest and the longest life, in steps, beside its first rounds."""

SURROUNDINGS = {
    "OMP_NUM_THREADS": "1",
    "GIT_TEMPLATE_DIR": "",  # examples of hooks, copied with every campaign
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "user.name",
    "GIT_CONFIG_VALUE_0": "Test",
    "GIT_CONFIG_KEY_1": "user.email",
    "GIT_CONFIG_VALUE_1": "t@localhost",
}
"""What each life is played in: nobody's own settings of git."""


@dataclass(frozen=True)
class Batch:
    """Some lives to be played; seed : the random steps derive from it."""

    seed: int
    steps: int
    lives: int = LIVES


@dataclass(frozen=True)
class Played:
    """What a batch came to; failure : the shortest life with a violation, as steps, or empty."""

    times: Counter[str]
    stopped: Counter[str]
    failure: str


def planned(lives: int, seed: int) -> list[Batch]:
    """Batches of so many lives in all, at least, of random length."""
    draw, count = random.Random(seed), -(-lives // LIVES)
    return [Batch(draw.randrange(2**32), draw.randint(*STEPS)) for _ in range(count)]


def play(place: Path, batch: Batch) -> Played:
    """Play a batch in this process; a violation is looked for in shorter lives, too.

    place : a folder for its campaigns
    """
    machine.CampaignLife.place = place
    for rounds in range(machine.YOUTH + 1):
        machine.template(place, rounds)
    gc.freeze()  # copies of this process then share more of its memory
    machine.played.clear()
    machine.stopped.clear()
    told: list[str] = []
    how = settings(
        max_examples=batch.lives,
        stateful_step_count=batch.steps,
        phases=[Phase.generate, Phase.shrink],
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    failure = ""
    try:
        with with_reporter(lambda text: told.append(str(text))):
            drawn = seed(batch.seed)(machine.CampaignLife)
            run_state_machine_as_test(drawn, settings=how, _min_steps=STEPS[0])
    except Exception as error:
        notes = [*told, *getattr(error, "__notes__", ())]
        failure = "\n".join([*notes, f"{type(error).__name__}: {error}"])
    return Played(machine.played.copy(), machine.stopped.copy(), failure)
