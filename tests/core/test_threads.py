"""Threads over parts of the work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = """
import time

time.sleep(0.5)


def omp_set_num_threads(count):
    pass
"""

PARTS = """
from labelcycle.core.threads import in_parallel


def part(number):
    import faiss

    faiss.omp_set_num_threads(1)
    return number


print(in_parallel(part, range(4)))
"""


@pytest.mark.slow
def test_a_library_that_one_thread_is_still_importing_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "faiss.py").write_text(SLOW)
    (tmp_path / "parts.py").write_text(PARTS)
    ran = subprocess.run(
        [sys.executable, "parts.py"],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "4"},
        capture_output=True,
        text=True,
    )
    assert ran.stdout == "[0, 1, 2, 3]\n", ran.stderr
