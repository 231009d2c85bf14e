"""A few lives of campaigns, the same each time; `make soak` plays hundreds. See `invariants`."""

from collections import Counter
from pathlib import Path

import pytest

from labelcycle.errors import StateError
from soak import batches, forked
from soak.__main__ import table_rows
from soak.batches import Batch

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in batches.SURROUNDINGS.items():
        monkeypatch.setenv(name, value)


def test_no_promise_is_broken(tmp_path: Path) -> None:
    played = batches.play(tmp_path, Batch(seed=1, steps=6, lives=3))
    assert played.failure == ""
    assert played.times["lives"] >= 3


def test_a_command_is_ended_before_each_side_effect(tmp_path: Path) -> None:
    def command() -> str:
        (tmp_path / "one").write_text("1")
        (tmp_path / "two").write_text("2")
        return "done"

    whole = forked.run(command, tmp_path)
    assert (whole.value, whole.effects, whole.stopped) == ("done", 2, False)
    for how in ("killed", "interrupted"):
        for file in tmp_path.iterdir():
            file.unlink()
        stopped = forked.run(command, tmp_path, forked.Stop(2, how))
        assert stopped.stopped
        assert [path.name for path in tmp_path.iterdir()] == ["one"]
    assert not forked.run(command, tmp_path, forked.Stop(3)).stopped


def test_errors_of_ours_and_others_are_told_apart(tmp_path: Path) -> None:
    def refused() -> None:
        raise StateError("no")

    assert forked.run(refused, tmp_path).refused == "StateError: no"
    with pytest.raises(forked.Crashed, match="ZeroDivisionError"):
        forked.run(lambda: 1 / 0, tmp_path)


def test_the_table_has_a_sum() -> None:
    times = Counter({"lives": 3, "open": 4, "answer": 5})
    rows = table_rows(times, Counter(open=2), 1)
    assert [row["step"] for row in rows] == ["answer", "open", "all"]
    assert rows[-1] == {"step": "all", "lives": 3, "times": 9, "stopped": 2, "violations": 1}
