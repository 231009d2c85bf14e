"""What a command uses includes what it leaves behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ORPHAN = "import time\nend = time.process_time() + 0.5\nwhile time.process_time() < end: pass"
COMMAND = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-c", {ORPHAN!r}])
held = bytearray(b"x" * 150_000_000)
time.sleep(0.5)
"""
PROGRAM = """
import json, sys
from watched_command import watched
print(json.dumps(watched([sys.executable, "-c", sys.argv[1]])))
"""


def test_an_orphan_and_memory_that_is_given_back_count() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, COMMAND],
        cwd=Path(__file__).parents[1] / "benchmarks",
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, cpu_s, peak_mb = json.loads(done.stdout)
    assert seconds > 0.5
    assert cpu_s > 0.5
    assert 150 < peak_mb < 400
