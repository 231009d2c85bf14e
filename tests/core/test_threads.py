"""Threads over parts of the work."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from labelcycle.core import threads

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


LATER = """
import numpy
from labelcycle.core.threads import one_thread

with one_thread():
    pass
import sklearn.cluster
from threadpoolctl import threadpool_info

with one_thread():
    print(sorted({(library["user_api"], library["num_threads"]) for library in threadpool_info()}))
"""


@pytest.mark.slow
def test_a_library_that_was_imported_later_runs_on_one_thread_too() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LATER], env={**os.environ, "OMP_NUM_THREADS": "2"},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert found.stdout == "[('blas', 1), ('openmp', 1)]\n"


def test_each_thread_that_helps_keeps_the_libraries_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    begun: list[threading.Thread] = []
    monkeypatch.setattr(
        threads, "_one_thread_here", lambda: begun.append(threading.current_thread())
    )
    together = threading.Barrier(3, timeout=20)

    def part(number: int) -> int:
        together.wait()
        assert threading.current_thread() in begun
        return -number

    assert threads.in_parallel(part, range(3)) == [0, -1, -2]
    assert len(set(begun)) == 3
    assert threading.current_thread() not in begun


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
