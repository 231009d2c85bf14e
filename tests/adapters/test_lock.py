"""One writer per campaign."""

import subprocess
import sys
import time

import pytest

from labelcycle.adapters import lock
from labelcycle.errors import Busy, StateError

HOLD = """
import sys, time
from pathlib import Path
from labelcycle.adapters import lock
with lock.exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
HOLD_THROUGH_A_CHILD = """
import os, subprocess, sys
from pathlib import Path
from labelcycle.adapters import lock
with lock.exclusive(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2)"],
                             pass_fds=lock.inherited())
    print("held", flush=True)
    os.kill(os.getpid(), 9)
"""


def start(code: str, path) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def finish(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_process_is_told_who_is_at_work(tmp_path):
    path = tmp_path / "camp" / ".labelcycle" / "campaign.lock"
    process = start(HOLD, path)
    try:
        with (
            pytest.raises(Busy, match=rf"camp is in use by process {process.pid} ") as caught,
            lock.exclusive(path, wait_s=0.3),
        ):
            pass
        assert caught.value.exit_code == 75
    finally:
        finish(process)
    with lock.exclusive(path, wait_s=5):
        pass


def test_one_process_may_take_it_again(tmp_path):
    path = tmp_path / "campaign.lock"
    with lock.exclusive(path), lock.exclusive(path, wait_s=0):
        assert len(lock.inherited()) == 1
    assert lock.inherited() == ()


@pytest.mark.slow
def test_the_children_of_a_killed_holder_keep_it_until_they_end(tmp_path):
    path = tmp_path / "campaign.lock"
    process = start(HOLD_THROUGH_A_CHILD, path)
    process.wait()
    begun = time.monotonic()
    with pytest.raises(Busy, match="is in use by"), lock.exclusive(path, wait_s=0):
        pass
    with lock.exclusive(path, wait_s=20):
        assert time.monotonic() - begun > 0.5
    finish(process)


def test_a_token_names_a_process_and_not_a_pid():
    token = lock.runner_token()
    assert lock.runner_alive(token)
    pid, _, created = token.partition(":")
    assert not lock.runner_alive(f"{pid}:{float(created) - 100:.2f}")
    assert not lock.runner_alive(f"999999999:{created}")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["ingest", "https://h/x?Signature=SECRET"], "labelcycle ingest"),
        (["-C", "folder", "run"], "labelcycle run"),
        (["--campaign", "folder", "import-labels", "x"], "labelcycle import-labels"),
        (["--webhook", "http://u:p@h/"], "labelcycle"),
        (["--campaign=x", "status"], "labelcycle status"),
        ([], "labelcycle"),
    ],
)
def test_the_holder_is_named_without_arguments(words, named):
    assert lock._command(words) == named


def test_a_lock_that_may_not_be_opened_is_named(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(StateError, match=r"cannot lock the campaign: .*lock"):
        lock.exclusive(tmp_path / "lock").__enter__()
