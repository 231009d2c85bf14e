"""A stage ends with whoever runs the campaign."""

import os
import threading
from pathlib import Path

import pytest

from labelcycle.adapters import lock
from labelcycle.cycle import run_stage
from labelcycle.errors import SettingsError


def test_a_stage_whose_runner_died_ends_with_a_code_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []
    ended = threading.Event()

    def leave(code: int) -> None:
        codes.append(code)
        ended.set()

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(lock, "runner_alive", lambda token: token != "of a dead runner")
    monkeypatch.setenv(lock.RUNNER, "of a dead runner")
    with pytest.raises(SettingsError):  # no campaign is here; the watch has begun before
        run_stage.run_stage("cluster", tmp_path, lambda _: None)
    assert ended.wait(10)
    assert codes == [run_stage.ORPHANED]
