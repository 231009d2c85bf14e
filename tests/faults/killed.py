"""A push whose process is killed, by signal 9, as soon as the server has done its n-th write."""

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx

from faults import counting, people
from faults.double import TOKEN, Double
from faults.loopback import served
from faults.rounds import Round
from faults.transport import step_of
from faults.trials import Doubles, Outcome


def killed_pushes(rounds: Doubles) -> Iterator[Outcome]:
    """A push killed right after the server's n-th write, for n = 1, 2, ... until there is none."""
    for number in itertools.count(1):
        outcome = _killed(rounds("push"), number)
        if not outcome.steps:
            return
        yield outcome


def _killed(round_: Round, number: int) -> Outcome:
    place, steps, seen = round_.place, [], [0]
    child: subprocess.Popen[bytes]

    def kill(request: httpx.Request) -> None:
        seen[0] += request.method != "GET"
        if seen[0] == number and not steps:
            steps.append(step_of(request))
            os.kill(child.pid, signal.SIGKILL)

    assert isinstance(place.server, Double)
    with served(place.server, kill) as url:
        program = [sys.executable, "-m", "faults.pusher"]
        arguments = [str(round_.folder), str(place.media), url, TOKEN]
        path = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])
        child = subprocess.Popen([*program, *arguments], env={**os.environ, "PYTHONPATH": path})
        status = child.wait(120)
    if status != (-signal.SIGKILL if steps else 0):
        raise AssertionError(f"the process ended with {status} at request {number}")
    people.pushed(round_)
    return Outcome("killed", "push", steps, counting.count(round_))
