"""Threads of the numeric libraries, set on purpose."""

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
    import faiss  # takes half a second, which every command would pay

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        faiss.omp_set_num_threads(before)
