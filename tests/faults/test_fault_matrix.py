"""Each selected sample is one task and no answer is lost, whatever fails between us and it."""

import threading
from pathlib import Path
from typing import Any

import pytest

from faults import campaigns, counting, people, real, trials
from faults.__main__ import main, show
from faults.counting import Left
from faults.double import Double
from faults.killed import killed_pushes
from faults.rounds import on_double
from faults.transport import FAULTS, PEOPLE, STEPS, TOGETHER
from faults.trials import COMMANDS, WHOLE, Doubles, Outcome, faults_of
from labelcycle.adapters import label_studio_api, label_studio_people, label_tasks
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.label_studio_api import LabelStudioApi
from labelcycle.adapters.services import Services
from labelcycle.cycle import asked, closing, corrections, opening
from labelcycle.store import Campaign

CHANGING = ("done, then 502", "timeout, done soon", "repeated")
"""Faults of which a real server could make more than a double does."""

HARMLESS = ("delayed", "repeated", "answers left out", *TOGETHER, *PEOPLE)
"""Faults that end no command with an error."""

OF_PUSH = {"find the project", "import a chunk", "ask more people", "delete a task"}
"""Steps of the story that another push can meet."""


@pytest.fixture
def rounds(tmp_path: Path) -> Doubles:
    return Doubles(tmp_path)


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
        ("holdout", 1, False, False),
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


@pytest.mark.parametrize("name", faults_of("push"))
def test_a_fault_at_every_step_of_two_rounds(tmp_path: Path, name: str) -> None:
    outcome = trials.all_steps(on_double(tmp_path), name)
    well([outcome])
    steps = set(STEPS.values()) if name in FAULTS else OF_PUSH
    spared = {"an answer before": {"delete a task"}}.get(name, set())
    assert steps - spared <= set(outcome.steps)
    if name in HARMLESS:
        assert outcome.errors == []


@pytest.mark.parametrize("name", ["done, then 502", "timeout, done last", "another push before"])
def test_a_fault_at_every_request_of_a_push(rounds: Doubles, name: str) -> None:
    well(list(trials.every_request(rounds, "push", name)))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_every_request(rounds: Doubles, command: str) -> None:
    for name in faults_of(command):
        well(list(trials.every_request(rounds, command, name)))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_that_does_not_end(rounds: Doubles, command: str) -> None:
    for name in FAULTS:
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
        *[["ask more people"]] * 2,
    ]


def test_two_pushes_in_two_threads(rounds: Doubles) -> None:
    one = rounds("push")
    one.backend().open_project(one.name, "Faults", opening.schema(one.standing))
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
    tasks = asked.ids(round_.tasks)
    assert {a.annotation for a in backend.pull(project, tasks)} == round_.given.keys()
    assert backend.withdraw(project, tasks) == 3
    left = backend.pull(project, tasks, optional=tasks)
    assert {a.annotation for a in left} == round_.given.keys()


# --- the real server -----------------------------------------------------------------------


@pytest.mark.service
@pytest.mark.parametrize("name", [*CHANGING, "another push before"])
def test_two_rounds_on_the_real_server(
    service_campaign: Campaign, label_studio: Services, name: str
) -> None:
    with real.at(service_campaign) as place:
        well([trials.all_steps(place, name)])


# --- the counting itself -------------------------------------------------------------------


def all_stay(backend: LabelStudioBackend, twins: list[Any]) -> list[Any]:
    return twins


def kinds(names: list[str]) -> set[str]:
    """What was counted, without the names of the things."""
    return {name.rpartition(" ")[0] for name in names}


def left_by(rounds: Doubles, command: str) -> Left:
    """What a command without any fault leaves."""
    return trials.attempt(rounds(command), command, "delayed", lambda *_: False).left


def test_twins_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LabelStudioBackend, "_unique", all_stay)
    left = trials.all_steps(on_double(tmp_path), "repeated").left
    assert (kinds(left.duplicates), left.lost) == ({"task"}, [])
    assert len(left.duplicates) >= 3


def test_the_sdk_would_make_twins(rounds: Doubles, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = label_studio_api._SDK
    monkeypatch.setattr(label_studio_api, "_SDK", lambda **how: sdk(**{**how, "max_retries": 2}))
    monkeypatch.setattr("label_studio_sdk.core.http_client.time.sleep", lambda _: None)
    monkeypatch.setattr(LabelStudioBackend, "_unique", all_stay)
    found = list(trials.every_request(rounds, "push", "done, then 502"))
    assert sum(len(outcome.left.duplicates) for outcome in found) >= 5
    assert {o.steps[0] for o in found if o.left.duplicates} == {"import a chunk"}


def test_lost_answers_are_counted(rounds: Doubles, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = LabelStudioBackend._snapshot
    round_ = rounds("pull")
    monkeypatch.setattr(LabelStudioBackend, "_snapshot", lambda *how: snapshot(*how)[:-1])
    monkeypatch.setattr(LabelStudioBackend, "_none_gone", lambda *_: None)
    assert "answer" in {name.split()[0] for name in counting.count(round_).lost}


def test_answers_read_too_late_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = closing._record
    rounds("pull")  # prepared as it should be
    monkeypatch.setattr(closing, "_record", lambda at, changed, new: record(at, changed, new[:-1]))
    left = left_by(rounds, "pull")
    assert [name.rpartition(" ")[2] for name in left.lost] == ["read"]
    assert left.duplicates == []


def test_people_who_are_not_asked_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_studio_people, "ask", lambda *_: None)
    left = left_by(rounds, "push")
    assert (left.duplicates, kinds(left.lost), len(left.lost)) == ([], {"a person for"}, 4)


def test_people_who_are_asked_in_vain_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_studio_people, "ask_no_more", lambda *_: None)
    left = left_by(rounds, "close early")
    assert (kinds(left.duplicates), left.lost) == ({"a person for"}, [])


def test_tasks_that_are_not_withdrawn_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LabelStudioBackend, "withdraw", lambda *_: 0)
    left = left_by(rounds, "close early")
    assert (kinds(left.duplicates), left.lost) == ({"task", "a person for"}, [])


def test_predictions_shown_to_the_wrong_people_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = label_tasks.record

    def turned(task: Any, *more: Any) -> dict[str, Any]:
        return record(type(task)(**{**vars(task), "shown": not task.shown}), *more)

    monkeypatch.setattr(label_tasks, "record", turned)
    monkeypatch.setattr(LabelStudioApi, "update_project", lambda *_, **__: None)
    left = left_by(rounds, "push")
    assert kinds(left.duplicates) == {"prediction of", "model"}
    assert kinds(left.lost) == {"prediction of", "model"}


def test_lost_corrections_are_counted(rounds: Doubles, monkeypatch: pytest.MonkeyPatch) -> None:
    round_ = rounds("pull")
    monkeypatch.setattr(corrections, "find", lambda *_: [])
    left = counting.count(round_)
    told = [name for name in left.lost if name.startswith("correction")]
    assert len(told) == len(round_.changed) + 1  # and the answer that was added
    assert {name for name in left.lost if name not in told} != set()


def test_corrections_told_twice_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "_changed", lambda record, _: record)
    left = left_by(rounds, "pull")
    assert {"correction", "answer"} == {name.split()[0] for name in left.duplicates}
    twice = [name for name in left.duplicates if name.startswith("correction")]
    assert len(twice) == 3  # two edits and a deletion, found again


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        Outcome("a", WHOLE, ["x", "y"], Left()),
        Outcome("a", "push", ["y"], Left(["task 1", "task 2"], ["answer 3"])),
        Outcome("b, for ever", "push", ["y"], Left()),
    ]
    assert show("Title", iter(found)) == ({"a", "b"}, 4, 2, 1)
    assert capsys.readouterr().out.splitlines() == [
        "",
        "Title",
        "",
        "| fault | step | tries | duplicates | lost |",
        "|---|---|---|---|---|",
        "| a | x | 1 | 0 | 0 |",
        "| a | y | 2 | 2 | 1 |",
        "| b, for ever | y | 1 | 0 | 0 |",
        "",
        "a, push, y: twice task 1, task 2; lost answer 3",
    ]


@pytest.mark.parametrize(("twins", "status"), [(0, 0), (1, 1)])
def test_the_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], twins: int, status: int
) -> None:
    found = [Outcome("a", "push", ["x"], Left(["task 1"] * twins))]
    monkeypatch.setattr("faults.__main__.on_the_double", lambda _: iter(found))
    monkeypatch.setattr("sys.argv", ["faults", "--only", "double"])
    assert main() == status
    assert capsys.readouterr().out.endswith(f"\nfaults 1, tries 1, duplicates {twins}, lost 0\n")


def test_a_server_is_left_open(rounds: Doubles) -> None:
    round_ = rounds("push")
    round_.backend().check()
    round_.backend().check()
