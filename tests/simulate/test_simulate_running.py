"""Whole experiments: the grid, what is kept, and what goes on after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from tiny_sets import blobs_in, done, settings

from labelcycle.core import strategies
from labelcycle.errors import ToolFailed
from labelcycle.nn import learners
from labelcycle.simulate import (
    experiment,
    load_sets,
    play_trial,
    run_experiment,
    run_trials,
    table_page,
    workers,
)
from labelcycle.simulate.trial import Measured, Trial


@pytest.fixture(autouse=True)
def _no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time, and have tests of their own."""
    monkeypatch.setattr(run_experiment, "draw", lambda folder, failed: None)
    monkeypatch.setattr(run_experiment, "_map", lambda *facts: None)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """The campaigns that are played from now on."""
    found: list[Trial] = []
    play = play_trial.play

    def counted(*task: Any) -> Measured:
        found.append(task[1])
        return play(*task)

    monkeypatch.setattr(run_trials, "play", counted)
    return found


@pytest.mark.slow
def test_every_combination_has_its_rows(tmp_path: Path, played: list[Trial]) -> None:
    found = done(
        tmp_path / "out",
        blobs_in(tmp_path),
        clusterers=["kmeans", "minibatch"],
        learners=["linear", {"name": "linear", "options": {"penalty": 0.1}, "label": "strong"}],
        initial=0.1,
    )
    keys = [tuple(row[k] for k in ("learner", "clusterer", "strategy")) for row in found["rows"]]
    assert keys == [
        (learner, clusterer, strategy)
        for learner in ("linear", "strong")
        for clusterer in ("kmeans", "minibatch")
        for strategy in ("random", "typiclust")
        for _ in range(3)
    ]
    assert [row["budget"] for row in found["rows"][:3]] == [6, 9, 12]  # a tenth of 60, tiny of 3
    assert len(played) == 2 * 2 * (1 + 2)  # random reads no clusters
    rows = {
        (*key, row["budget"]): row["accuracy"] for key, row in zip(keys, found["rows"], strict=True)
    }
    for learner in ("linear", "strong"):
        before = {value for key, value in rows.items() if key[0] == learner and key[3] == 6}
        assert len(before) == 1  # all begin with the same labels
        assert rows[learner, "kmeans", "random", 12] == rows[learner, "minibatch", "random", 12]
    assert found["learners"][1]["label"] == "strong"
    assert found["learners"][1]["options"]["penalty"] == 0.1


@pytest.mark.slow
def test_what_is_finished_is_not_played_again(tmp_path: Path, played: list[Trial]) -> None:
    folder, path = tmp_path / "out", blobs_in(tmp_path)
    first = done(folder, path)
    table = (folder / "table.md").read_bytes()
    assert len(played) == 4
    assert done(folder, path) == first
    assert (folder / "table.md").read_bytes() == table
    assert len(played) == 4
    more = done(folder, path, strategies=["random", "typiclust", "margin"])
    assert len(played) == 6
    assert [row for row in more["rows"] if row["strategy"] != "margin"] == first["rows"]


@pytest.mark.parametrize(
    "change",
    [
        {"pool": 50},
        *(
            pytest.param(change, marks=[pytest.mark.slow])
            for change in (
                {"labels": [3, 7]},
                {"initial": 2},
                {"cluster": {"max_clusters": 2}},
                {"learners": [{"name": "linear", "options": {"penalty": 0.1}}]},
            )
        ),
    ],
)
def test_another_setting_is_another_campaign(
    change: dict[str, Any], tmp_path: Path, played: list[Trial]
) -> None:
    path, plain = blobs_in(tmp_path), {"seeds": 1, "rounds": None, "labels": [3, 6]}
    done(tmp_path / "out", path, **plain)
    found = done(tmp_path / "out", path, **{**plain, **change})
    assert len(played) == 4
    assert found["rows"] == done(tmp_path / "alone", path, **{**plain, **change})["rows"]


@pytest.mark.slow
def test_changed_code_plays_again(
    tmp_path: Path, played: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, path = tmp_path / "out", blobs_in(tmp_path)
    done(folder, path)
    kept = run_experiment._code_of

    def changed(*modules: str) -> str:
        return kept(*modules) + ("x" if f"{strategies.__name__}.typiclust" in modules else "")

    monkeypatch.setattr(run_experiment, "_code_of", changed)
    done(folder, path)
    assert [each.strategy.name for each in played[4:]] == ["typiclust", "typiclust"]


def test_the_code_of_a_campaign_is_that_of_its_parts() -> None:
    names = [f"{strategies.__name__}.{name}" for name in ("typiclust", "margin")]
    assert run_experiment._code_of(names[0]) != run_experiment._code_of(names[1])
    assert run_experiment._code_of(names[0]) != run_experiment._code_of(
        f"{learners.__name__}.linear"
    )


@pytest.mark.slow
def test_several_sets_have_their_own_budgets(tmp_path: Path) -> None:
    path = blobs_in(tmp_path)
    with np.load(path) as arrays:
        two = {**arrays, "train_labels": arrays["train_labels"] % 2}
        two["test_labels"] = arrays["test_labels"] % 2
        np.savez(tmp_path / "two.npz", **two)
    sets = [
        {"name": "npz", "path": str(path), "label": "three"},
        {"name": "npz", "path": "two.npz", "label": "two", "balanced": True, "long_tail": 4},
    ]
    found = done(tmp_path / "out", path, data=sets, budget="small")
    facts = {each["data"]: each for each in found["sets"]}
    assert facts["three"]["budgets"] == [15, 30]
    assert facts["two"]["budgets"] == [10, 20]
    assert [each["metric"] for each in facts.values()] == ["accuracy", "balanced accuracy"]
    assert facts["two"]["train"] == 75  # 60 of class 0 stay, 60 / 4 of class 1
    page = (tmp_path / "out" / "table.md").read_text()
    assert "## three, linear\n" in page
    assert "Balanced accuracy in per cent on 100 test samples, mean of 2 seeds" in page
    assert "No intervals: they take 3 seeds or more" in page
    assert "±" not in page
    assert {row["gain_low"] for row in found["rows"]} == {None}


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_with_the_same_table(tmp_path: Path) -> None:
    given = settings(
        blobs_in(tmp_path), seeds=6, rounds=6, strategies=["random", "typiclust", "supclust"]
    )
    file = tmp_path / "blobs.yaml"
    file.write_text(yaml.safe_dump(given))
    for name in ("whole", "broken"):
        command = [sys.executable, "-m", "labelcycle", "simulate", str(file), "--jobs", "2"]
        command += ["--into", str(tmp_path / name)]
        kept = tmp_path / name / "campaigns.jsonl"
        for lines in (1, 9) if name == "broken" else ():
            kill_when(command, partial(has_lines, kept, lines))
        subprocess.run(command, check=True, capture_output=True, timeout=600)
    for name in ("results.json", "table.md"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes()
    assert len((tmp_path / "broken" / "campaigns.jsonl").read_text().splitlines()) == 18


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_says_what_is_kept(jobs: int, tmp_path: Path) -> None:
    file = tmp_path / "blobs.yaml"
    file.write_text(yaml.safe_dump(settings(blobs_in(tmp_path), seeds=20, rounds=6)))
    command = [sys.executable, "-m", "labelcycle", "simulate", str(file), "--jobs", str(jobs)]
    command += ["--into", str(tmp_path / "out")]
    kept = tmp_path / "out" / "campaigns.jsonl"
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    # Whoever runs the tests in the background may have Ctrl+C ignored, which programs inherit.
    program = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL)"
    start = [sys.executable, "-c", f"{program}; os.execv(sys.argv[1], sys.argv[1:])", *command]
    process = psutil.Popen(start, **pipes, start_new_session=True)
    while process.poll() is None and not has_lines(kept, 3):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in said
    count = len(kept.read_text().splitlines())
    assert said.splitlines()[:2] == [
        "clusters: 120 are made, once for all",
        "campaigns: 40 are played",
    ]
    assert f"interrupted: {count} of 40 campaigns of npz kept; the same command goes on" in said


@pytest.mark.slow
def test_a_killed_worker_is_told_and_what_is_finished_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "blobs.yaml"
    file.write_text(yaml.safe_dump(settings(blobs_in(tmp_path), seeds=20, rounds=6)))
    command = [sys.executable, "-m", "labelcycle", "simulate", str(file), "--jobs", "2"]
    command += ["--into", str(tmp_path / "out")]
    kept = tmp_path / "out" / "campaigns.jsonl"
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not has_lines(kept, 3):
        time.sleep(0.01)
    next(e for e in process.children() if "spawn_main" in " ".join(e.cmdline())).kill()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "Traceback" not in said
    assert "a worker process was killed: most likely the memory was used up" in said
    assert "run the same command again with a smaller --jobs" in said
    assert 3 <= len(kept.read_text().splitlines()) < 40


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_memory_used_up_is_a_sentence_after_all_that_ended(jobs: int) -> None:
    done: list[Any] = []
    with workers.Workers(None, jobs) as pool:
        found = pool.each(_greedy, [(1,), (2,), (0,)])
        with pytest.raises(ToolFailed, match=r"memory.*70 GiB for an array.*finished is kept"):
            done.extend(found)
    assert ((1,), 1) in done
    assert ((2,), 2) in done


def _greedy(common: None, number: int) -> int:
    if not number:
        raise MemoryError("Unable to allocate 70 GiB for an array")
    return number


@pytest.mark.slow
def test_a_worker_that_was_killed_between_two_lots_is_told() -> None:
    with workers.Workers(None, 2) as pool:
        processes = [pid for _, pid in pool.each(_own_process, [(0,), (1,)])]
        os.kill(processes[0], signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid) for pid in processes], timeout=30)
        with pytest.raises(ToolFailed, match=r"a worker process was killed.*smaller --jobs"):
            list(pool.each(_own_process, [(0,)]))


def _own_process(common: None, number: int) -> int:
    return os.getpid()


def test_results_are_written_before_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"

    def broken(*given: Any, **more: Any) -> None:
        assert (folder / "results.json").is_file()
        assert (folder / "table.md").is_file()
        raise ValueError("no such colour")

    monkeypatch.setattr(run_experiment, "_map", broken)
    failed: list[tuple[str, str]] = []
    done(
        folder,
        blobs_in(tmp_path),
        failed=lambda path, error: failed.append((path.name, str(error))),
    )
    assert failed == [("map-*.json", "no such colour")]


@pytest.mark.slow
def test_the_table_tells_whose_picks_are_another_strategys(tmp_path: Path) -> None:
    found = done(tmp_path / "out", blobs_in(tmp_path), strategies=["random", "margin"])
    shares = [row["stood_in"] for row in found["rows"] if row["strategy"] == "margin"]
    assert shares[0] == 1  # no labels: no model
    assert {row["stood_in"] for row in found["rows"] if row["strategy"] == "random"} == {0}
    told = "for the model said the same of all samples: margin 100% at 3"
    assert told in (tmp_path / "out" / "table.md").read_text()
    alone = done(tmp_path / "out", blobs_in(tmp_path))
    assert "cold start" not in table_page.page(alone)


def test_lengths_that_carry_the_spread_are_remarked(tmp_path: Path) -> None:
    path = blobs_in(tmp_path)
    with np.load(path) as arrays:
        column = {name: arrays[name][:, :1] for name in ("train", "test")}
        np.savez(path, **{**arrays, **column})
    given = experiment.parse(settings(path), "x.yaml")
    told = load_sets.remarks(given, load_sets.opened(given, tmp_path))
    assert len(told) == 1
    assert "npz: strategies compare directions" in told[0]


def has_lines(path: Path, count: int) -> bool:
    return path.exists() and len(path.read_bytes().splitlines()) >= count


def kill_when(command: list[str], due: Callable[[], bool]) -> None:
    """Kill a program as soon as `due`; it leaves no worker behind."""
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not due():
        time.sleep(0.01)
    workers = process.children(recursive=True)
    process.kill()
    assert process.wait(30) == -signal.SIGKILL
    assert not psutil.wait_procs(workers, timeout=30)[1]
