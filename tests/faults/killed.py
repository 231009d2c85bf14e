"""A push whose process is killed, by signal 9, as soon as the server has done its n-th write."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from faults.double import TOKEN, Double
from faults.loopback import served
from faults.rounds import Place, Round, on_double, pushed
from faults.transport import step_of
from faults.trials import Outcome, count
from labelcycle.store import Campaign


def killed_pushes(campaign: Campaign) -> Iterator[Outcome]:
    """A push killed right after the server's n-th write, for n = 1, 2, ... until there is none."""
    for number in itertools.count(1):
        outcome = _killed(on_double(campaign), number)
        if not outcome.steps:
            return
        yield outcome


def _killed(place: Place, number: int) -> Outcome:
    round_, steps, seen = Round(place), [], [0]
    child: subprocess.Popen[bytes]

    def kill(request: httpx.Request) -> None:
        seen[0] += request.method != "GET"
        if seen[0] == number and not steps:
            steps.append(step_of(request))
            os.kill(child.pid, signal.SIGKILL)

    assert isinstance(place.server, Double)
    with served(place.server, kill) as url:
        program = [sys.executable, "-m", "faults.pusher"]
        arguments = [str(place.campaign.root), url, TOKEN, round_.name]
        path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
        child = subprocess.Popen([*program, *arguments], env={**os.environ, "PYTHONPATH": path})
        status = child.wait(120)
    if status != (-signal.SIGKILL if steps else 0):
        raise AssertionError(f"the process ended with {status} at request {number}")
    pushed(round_)
    duplicates, lost = count(round_, "push")
    return Outcome("killed", "push", steps, duplicates, lost)
