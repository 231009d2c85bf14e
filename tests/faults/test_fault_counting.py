"""With a protection switched off, the count of what is twice or lost rises; and how it is told."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faults import counting, trials
from faults.__main__ import main, show
from faults.counting import Left
from faults.double import Double
from faults.rounds import on_double
from faults.trials import WHOLE, Doubles, Outcome
from labelcycle.adapters.annotation.label_studio import (
    LabelStudioBackend,
    rest_api,
    task_import,
    task_people,
    tidying,
)
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.cycle import round_closing
from labelcycle.rounds import answer_journal, changed_answers, corrections
from labelcycle.rounds.corrections import PulledRound
from labelcycle.rounds.snapshots import Snapshot


def all_stay(api: LabelStudioApi, project: int, found: dict[str, Any]) -> dict[str, Any]:
    return found


def kinds(names: list[str]) -> set[str]:
    """What was counted, without the names of the things."""
    return {name.rpartition(" ")[0] for name in names}


def left_by(rounds: Doubles, command: str) -> Left:
    """What a command without any fault leaves."""
    return trials.attempt(rounds(command), command, "delayed", lambda *_: False).left


def test_twins_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "unique", all_stay)
    left = trials.all_steps(on_double(tmp_path), "repeated").left
    assert (kinds(left.duplicates), left.lost) == ({"task"}, [])
    assert len(left.duplicates) >= 3


@pytest.mark.slow
def test_the_sdk_would_make_twins(rounds: Doubles, monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = rest_api._sdk
    monkeypatch.setattr(rest_api, "_sdk", lambda **how: sdk(**{**how, "max_retries": 2}))
    monkeypatch.setattr("label_studio_sdk.core.http_client.time.sleep", lambda _: None)
    monkeypatch.setattr(tidying, "unique", all_stay)
    found = list(trials.every_request(rounds, "push", "done, then 502"))
    assert sum(len(outcome.left.duplicates) for outcome in found) >= 5
    assert {o.steps[0] for o in found if o.left.duplicates} == {"import a chunk"}


@pytest.mark.slow
def test_lost_answers_are_counted(rounds: Doubles, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = LabelStudioBackend._snapshot
    round_ = rounds("pull")
    monkeypatch.setattr(LabelStudioBackend, "_snapshot", lambda *how: snapshot(*how)[:-1])
    monkeypatch.setattr(LabelStudioBackend, "_none_gone", lambda *_: None)
    assert counting.count(rounds("pull")).lost == []  # the journal of the looks has it
    monkeypatch.setattr(answer_journal, "_own_words", lambda _: {})
    assert "answer" in {name.split()[0] for name in counting.count(round_).lost}


@pytest.mark.slow
def test_answers_read_too_late_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = round_closing._record
    rounds("pull")  # prepared as it should be

    def without_one(at: Snapshot, made: PulledRound) -> None:
        record(at, replace(made, answers=made.answers[:-1]))

    monkeypatch.setattr(round_closing, "_record", without_one)
    left = left_by(rounds, "pull")
    assert [name.rpartition(" ")[2] for name in left.lost] == ["read"]
    assert left.duplicates == []


def test_people_who_are_not_asked_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_people, "ask", lambda *_: None)
    left = left_by(rounds, "push")
    assert (left.duplicates, kinds(left.lost), len(left.lost)) == ([], {"a person for"}, 6)


def test_people_who_are_asked_in_vain_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_people, "ask_no_more", lambda *_: None)
    left = left_by(rounds, "close early")
    assert (kinds(left.duplicates), left.lost) == ({"a person for"}, [])


def test_tasks_that_stay_are_counted(rounds: Doubles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LabelStudioBackend, "tidy", lambda *_: None)
    left = left_by(rounds, "close early")
    assert (kinds(left.duplicates), left.lost) == ({"task"}, [])


@pytest.mark.slow
def test_a_deletion_by_number_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was: whatever task has the number goes, with its answers."""

    def passes(double: Double, task: dict[str, Any], each: dict[str, Any]) -> bool:
        return True

    monkeypatch.setattr(Double, "_passes", passes)
    found = [
        trials.all_steps(on_double(tmp_path), name).left
        for name in ("deletion repeated in a later round", "an answer before")
    ]
    assert all(left.lost for left in found), found


def test_predictions_shown_to_the_wrong_people_are_counted(
    rounds: Doubles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The looks are told the same, else they would put the tasks right."""

    def turned(made: Callable[..., Any]) -> Callable[..., Any]:
        return lambda task, *more: made(replace(task, shown=not task.shown), *more)

    for name in ("record", "display"):
        monkeypatch.setattr(task_import, name, turned(getattr(task_import, name)))
    monkeypatch.setattr(LabelStudioApi, "update_project", lambda *_, **__: None)
    left = left_by(rounds, "push")
    assert kinds(left.duplicates) == {"prediction of", "model"}
    assert kinds(left.lost) == {"prediction of", "model"}


@pytest.mark.slow
def test_lost_corrections_are_counted(rounds: Doubles, monkeypatch: pytest.MonkeyPatch) -> None:
    round_ = rounds("pull")
    monkeypatch.setattr(changed_answers, "_changes", lambda *_: iter(()))
    monkeypatch.setattr(changed_answers, "_gone", lambda *_: set())
    left = counting.count(round_)
    told = [name for name in left.lost if name.startswith("correction")]
    assert len(told) == len(round_.changed) + 1  # and the answer that was added
    assert {name for name in left.lost if name not in told} != set()


@pytest.mark.slow
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
