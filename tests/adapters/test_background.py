"""Programs that go on in the background."""

import sys
import time
from pathlib import Path

from labelcycle.adapters.local import processes

WRITES = """
import sys, time
from pathlib import Path
print("x" * 100_000, flush=True)
while not Path(sys.argv[1]).exists():
    time.sleep(0.05)
print("after", flush=True)
"""


def wait_for(log: Path, end: bytes) -> bytes:
    for _ in range(600):
        if log.exists() and (text := log.read_bytes()).endswith(end):
            return text
        time.sleep(0.05)
    raise AssertionError("the program wrote nothing")


def test_a_log_can_be_cut_while_its_program_writes(tmp_path: Path) -> None:
    log, sign = tmp_path / "log", tmp_path / "cut"
    log.write_text("of the last start")
    words = [sys.executable, "-c", WRITES, str(sign)]
    process = processes.start(words, {}, tmp_path, log)
    try:
        wait_for(log, b"x\n")
        assert (tmp_path / "log.1").read_text() == "of the last start"
        log.write_bytes(b"")
        sign.touch()
        assert wait_for(log, b"after\n") == b"after\n"
    finally:
        processes.stop(process)
