"""Each selected sample is one task and no answer is lost, whatever fails between us and it."""

import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from faults import campaigns, counting, people, real, trials
from faults.counting import Left
from faults.double import Double
from faults.killed import killed_pushes
from faults.rounds import on_double
from faults.transport import (
    DELETION,
    FAULTS,
    LIKE_FOR_READS,
    LOOK,
    PEOPLE,
    PUT_RIGHT,
    STEPS,
    TOGETHER,
    Clock,
    Fault,
    Scene,
    changes,
    step_of,
)
from faults.trials import COMMANDS, Doubles, Outcome, faults_of
from labelcycle.adapters.local.services import Services
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.cycle import round_opening
from labelcycle.rounds import pushed_tasks

CHANGING = ("done, then 502", "timeout, done soon", "repeated")
"""Faults of which a real server could make more than a double does."""

REPEATED = ("repeated", "repeated last", "deletion repeated in a later round")
HARMLESS = ("delayed", *REPEATED, "answers left out", *TOGETHER, *PEOPLE)
"""Faults that end no command with an error."""

QUICK = ("done, then 502", "deletion repeated in a later round")
"""Faults that a quick run tries."""

LOGIN = "ask who we are"
"""A step of every command."""

OF_PUSH = {"find the project", "import a chunk", "ask more people", DELETION}
"""Steps of the story that another push can meet."""


def well(outcomes: list[Outcome]) -> None:
    assert outcomes
    assert [o for o in outcomes if o.left != Left()] == []


def test_what_a_round_asks(rounds: Doubles) -> None:
    """All kinds of tasks, some of several people, and predictions that some do not see."""
    round_ = rounds("progress")
    tasks = sorted((t.kind, t.wanted, t.predicted is not None, t.shown) for t in round_.tasks)
    assert tasks == [
        ("adjudication", 1, False, False),
        ("gold", 1, True, True),
        ("holdout", 3, False, False),
        ("selected", 1, True, False),
        ("selected", 3, True, False),
        ("selected", 3, True, True),
    ]
    round_ = rounds("pull")
    tasks = sorted((t.kind, t.wanted, t.predicted is not None, t.shown) for t in round_.tasks)
    assert [(kind, wanted) for kind, wanted, *_ in tasks] == [
        ("adjudication", 1),
        ("gold", 1),
        ("selected", 1),
        *[("selected", campaigns.OVERLAP[2])] * 2,
    ]
    kinds = [what for what, _ in round_.changed]
    assert kinds == ["edited", "edited", "deleted", "task deleted"]


def half_of_faults(command: str) -> list[str]:
    """Every second fault, each with some commands: `make faults` tries all with all."""
    return faults_of(command)[list(COMMANDS).index(command) % 2 :: 2]


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in faults_of("push")],
)
def test_a_fault_at_every_step_of_two_rounds(tmp_path: Path, name: str) -> None:
    outcome = trials.all_steps(on_double(tmp_path), name)
    well([outcome])
    steps = set(STEPS.values()) if name in FAULTS else OF_PUSH
    assert steps - {LOOK, *PUT_RIGHT} <= set(outcome.steps)
    if name in HARMLESS:
        assert outcome.errors == []


@pytest.mark.parametrize("name", ["done, then 502", "another push before"])
@pytest.mark.slow
def test_a_fault_at_every_request_of_a_push(rounds: Doubles, name: str) -> None:
    well(list(trials.every_request(rounds, "push", name)))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_every_request(rounds: Doubles, command: str) -> None:
    """But for trials that would be like another, which `transport` names."""
    names = half_of_faults(command)
    outcomes = [
        outcome
        for name in names
        for outcome in trials.every_request(rounds, command, name, beside=names)
    ]
    well(outcomes)
    steps = set(map(step_of, rounds.unharmed(command)))
    needs = {"deletion repeated in a later round": DELETION, "answers left out": "export answers"}
    tried = {outcome.fault for outcome in outcomes}
    assert tried == {name for name in names if needs.get(name, LOGIN) in steps}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_trial_that_is_left_out_is_like_another(rounds: Doubles, command: str) -> None:
    """What the client gets and what the server does, now and later."""
    server = rounds(command).place.server
    for request in rounds.unharmed(command):
        untouched = effect(server, Scene.do, request)
        for name, fault in FAULTS.items():
            same = LIKE_FOR_READS.get(name) if request.method == "GET" else None
            if not changes(name, request):
                assert effect(server, fault, request) == untouched, (name, step_of(request))
            elif same is not None:
                another = effect(server, FAULTS[same], request)
                assert effect(server, fault, request) == another, (name, step_of(request))


def effect(server: httpx.BaseTransport, fault: Fault, request: httpx.Request) -> list[object]:
    """What a request under a fault brings; of HTML only that it is some."""
    assert isinstance(server, Double)
    double = server.copied()
    scene = Scene(double, Clock())
    try:
        answer = fault(scene, request)
        came: object = (answer.status_code, re.sub("<html>.*</html>", "HTML", answer.text))
    except httpx.TransportError as error:
        came = repr(error)
    changed = [getattr(double, kind) == getattr(server, kind) for kind in Double.HELD]
    return [came, changed, scene.soon, scene.late, scene.much_later]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_that_does_not_end(rounds: Doubles, command: str) -> None:
    for name in set(half_of_faults(command)) & FAULTS.keys():
        well(list(trials.for_ever(rounds, command, name)))


@pytest.mark.slow
def test_a_killed_push(rounds: Doubles) -> None:
    outcomes = list(killed_pushes(rounds))
    well(outcomes)
    assert [outcome.steps for outcome in outcomes] == [
        ["make the project"],
        ["allow images"],
        *[["import a chunk"]] * 3,
        ["change the project"],
        *[["ask more people"]] * 3,
    ]


@pytest.mark.slow
def test_two_pushes_in_two_threads(rounds: Doubles) -> None:
    one = rounds("push")
    one.backend().open_project(one.name, "Faults", round_opening.schema(one.snapshot))
    both = [one, one.cloned()]
    threads = [threading.Thread(target=people.pushed, args=[each]) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both[0].tasks == both[1].tasks
    assert counting.count(one) == Left()


def test_counts_that_lag_behind_cost_no_answer(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Label Studio counts annotations after it has stored them; a crash leaves the count at 0."""
    listed = Double._listed

    def lagging(double: Double, task: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        kept = listed(double, task, fields)
        counts = {"total_annotations": 0, "cancelled_annotations": 0}
        return kept | {name: 0 for name in counts if name in kept}

    round_ = rounds("progress")
    twin = round_.held()[-1]
    people.answer(round_, twin.id, twin.key, 2)
    monkeypatch.setattr(Double, "_listed", lagging)
    backend, project = round_.backend(), int(round_.projects()[0]["id"])
    tasks = pushed_tasks.ids(round_.tasks)
    assert {a.annotation for a in backend.pull(project, tasks)} == round_.given.keys()
    backend.withdraw(project, tasks)
    backend.tidy(project, tasks)
    left = backend.pull(project, tasks, optional=tasks)
    assert {a.annotation for a in left} == round_.given.keys()


def test_a_server_is_left_open(rounds: Doubles) -> None:
    round_ = rounds("push")
    round_.backend().check()
    round_.backend().check()


# --- the real server -----------------------------------------------------------------------


@pytest.mark.service
@pytest.mark.parametrize("name", [*CHANGING, "another push before"])
def test_two_rounds_on_the_real_server(
    service_campaign: Campaign, label_studio: Services, name: str
) -> None:
    with real.at(service_campaign) as place:
        well([trials.all_steps(place, name)])
