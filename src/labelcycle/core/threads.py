"""Threads of the numeric libraries, set on purpose."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@contextmanager
def one_thread() -> Iterator[None]:
    """Numeric libraries run on one thread inside.

    A sum split among threads may round differently for each number of them; where a selection
    hangs on the result, one thread makes it the same everywhere. It is also faster on a machine
    whose cores are taken: OpenMP threads that wait for each other spin.
    """
    faiss = sys.modules.get("faiss")  # who needs it has imported it
    before = faiss.omp_get_max_threads() if faiss else 1
    try:
        if faiss:
            faiss.omp_set_num_threads(1)
        with threadpool_limits(1):
            yield
    finally:
        if faiss:
            faiss.omp_set_num_threads(before)
