"""The n-th failure loop: it tries what is asked for, and can fail."""

import os
import subprocess
import sys

import pytest

from faults import end_state
from faults.side_effects import points

EFFECTS = [
    "open a",
    "fsync a",
    "rename a -> b",
    "git commit",
    "git commit, done",
    "commit of a database",
]


def test_a_failure_that_another_one_stands_for_is_left_out() -> None:
    assert points(EFFECTS, "error") == [1, 2, 3, 4, 5, 6]
    assert points(EFFECTS, "full") == [1, 4, 6]
    assert points(EFFECTS, "kill") == [1, 3, 4, 6]


def test_what_lacks_and_what_is_beyond_differs() -> None:
    wanted, got = {"file a": "1", "file b": "2"}, {"file a": "1", "file c": "3"}
    assert end_state.differences(wanted, wanted) == []
    assert end_state.differences(wanted, got) == [
        "file b: wanted 2, got nothing",
        "file c: wanted nothing, got 3",
    ]


@pytest.mark.slow  # plays a whole life, and a failure in each command
def test_one_failure_of_each_command_leaves_what_none_does() -> None:
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-m", "faults.nth_failure", "--points", "one", "--jobs", "1"],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    cells = [line.split("|")[1:-1] for line in done.stdout.splitlines() if line.startswith("| ")]
    rows = {row[0].strip(): [int(each) for each in row[2:4]] for row in cells[1:]}
    assert rows == {"error": [4, 0], "full": [4, 0], "kill": [4, 0], "together": [12, 0]}
