"""Each selected sample is one task and no answer is lost, whatever fails between us and it."""

import threading
from pathlib import Path
from typing import Any

import pytest

from faults import real, rounds, trials
from faults.__main__ import main, show
from faults.double import Double
from faults.killed import killed_pushes
from faults.rounds import Place, Round, on_double
from faults.transport import FAULTS, PEOPLE, STEPS, TOGETHER
from faults.trials import COMMANDS, WHOLE, Outcome, faults_of
from labelcycle.adapters import label_studio_api
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.services import Services
from labelcycle.store import Campaign

CHANGING = ("done, then 502", "timeout, done soon", "repeated", "list truncated")
"""Faults of which a real server could make more than a double does."""


HARMLESS = ("delayed", "repeated", "answers left out", *TOGETHER, *PEOPLE)
"""Faults that end no command with an error."""


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign(tmp_path)


def well(outcomes: list[Outcome]) -> None:
    assert outcomes
    assert [o for o in outcomes if o.duplicates or o.lost] == []


@pytest.mark.parametrize("name", faults_of("push"))
def test_a_fault_at_every_step_of_a_round(campaign: Campaign, name: str) -> None:
    outcome = trials.all_steps(on_double(campaign), name)
    well([outcome])
    assert len(set(outcome.steps)) >= (len(STEPS) if name in FAULTS else 8)
    if name in HARMLESS:
        assert outcome.errors == []


@pytest.mark.parametrize("name", ["done, then 502", "timeout, done last", "another push before"])
def test_a_fault_at_every_request_of_a_push(campaign: Campaign, name: str) -> None:
    well(list(trials.every_request(lambda: on_double(campaign), "push", name)))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_fault_at_every_request(campaign: Campaign, command: str) -> None:
    for name in faults_of(command):
        well(list(trials.every_request(lambda: on_double(campaign), command, name)))


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_fault_that_does_not_end(campaign: Campaign, command: str) -> None:
    for name in FAULTS:
        place = lambda: on_double(campaign)  # noqa: E731
        well(list(trials.each_step(place, command, name, for_ever=True)))


@pytest.mark.slow
def test_a_killed_push(campaign: Campaign) -> None:
    outcomes = list(killed_pushes(campaign))
    well(outcomes)
    assert [outcome.steps for outcome in outcomes] == [
        ["make the project"],
        ["allow images"],
        *[["import a chunk"]] * 3,
        ["change the project"],
    ]


def test_two_pushes_in_two_threads(campaign: Campaign) -> None:
    place = on_double(campaign)
    place.backend().open_project("a", "Faults", rounds.SCHEMA)
    both = [Round(place, "a") for _ in range(2)]
    threads = [threading.Thread(target=rounds.pushed, args=[one]) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert both[0].ids == both[1].ids
    assert trials.count(both[0], "push") == (0, 0)


def test_counts_that_lag_behind_cost_no_answer(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Label Studio counts annotations after it has stored them; a crash leaves the count at 0."""
    listed = Double._listed

    def lagging(double: Double, task: dict[str, Any], fields: list[str]) -> dict[str, Any]:
        return listed(double, task, fields) | {"total_annotations": 0, "cancelled_annotations": 0}

    round_ = Round(on_double(campaign))
    rounds.half_answered(round_)
    twin = max(round_.place.server.tasks)  # type: ignore[attr-defined]
    round_.answer(twin)
    monkeypatch.setattr(Double, "_listed", lagging)
    backend = round_.place.backend()
    round_.pull(backend)
    assert set(round_.pulled) == round_.given
    round_.push(backend)
    assert backend.withdraw(round_.project, round_.ids) == 3
    round_.push(backend)
    round_.pull(backend)
    assert set(round_.pulled) == round_.given


# --- the real server -----------------------------------------------------------------------


@pytest.mark.service
@pytest.mark.parametrize("name", [*CHANGING, "another push before"])
def test_a_round_on_the_real_server(
    service_campaign: Campaign, label_studio: Services, name: str
) -> None:
    with real.at(service_campaign) as place:
        well([trials.all_steps(place, name)])


# --- the counting itself -------------------------------------------------------------------


def all_stay(backend: LabelStudioBackend, twins: list[Any]) -> list[Any]:
    return twins


def test_twins_are_counted(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LabelStudioBackend, "_unique", all_stay)
    outcome = trials.all_steps(on_double(campaign), "repeated")
    assert (outcome.duplicates, outcome.lost) == (3, 0)


def test_the_sdk_would_make_twins(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = label_studio_api._SDK
    monkeypatch.setattr(label_studio_api, "_SDK", lambda **how: sdk(**{**how, "max_retries": 2}))
    monkeypatch.setattr("label_studio_sdk.core.http_client.time.sleep", lambda _: None)
    monkeypatch.setattr(LabelStudioBackend, "_unique", all_stay)
    found = list(trials.every_request(lambda: on_double(campaign), "push", "done, then 502"))
    assert sum(outcome.duplicates for outcome in found) >= 5
    assert {o.steps[0] for o in found if o.duplicates} == {"import a chunk"}


def test_lost_answers_are_counted(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = LabelStudioBackend._snapshot
    round_ = Round(on_double(campaign))
    rounds.answered(round_)
    monkeypatch.setattr(LabelStudioBackend, "_snapshot", lambda *how: snapshot(*how)[:-1])
    monkeypatch.setattr(LabelStudioBackend, "_none_gone", lambda *_: None)
    assert trials.count(round_, "pull") == (0, 1)


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        Outcome("a", WHOLE, ["x", "y"], 0, 0),
        Outcome("a", "push", ["y"], 2, 1),
        Outcome("b, for ever", "push", ["y"], 0, 0),
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
    ]


@pytest.mark.parametrize(("twins", "status"), [(0, 0), (1, 1)])
def test_the_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], twins: int, status: int
) -> None:
    found = [Outcome("a", "push", ["x"], twins, 0)]
    monkeypatch.setattr("faults.__main__.on_the_double", lambda _: iter(found))
    monkeypatch.setattr("sys.argv", ["faults", "--only", "double"])
    assert main() == status
    assert capsys.readouterr().out.endswith(f"\nfaults 1, tries 1, duplicates {twins}, lost 0\n")


def test_a_place_is_left_open(campaign: Campaign) -> None:
    place: Place = on_double(campaign)
    place.backend().check()
    place.backend().check()
