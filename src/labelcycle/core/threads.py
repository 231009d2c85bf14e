"""Threads, set on purpose: one in the numeric libraries, several over parts of the work."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@contextmanager
def one_thread() -> Iterator[None]:
    """Numeric libraries run on one thread inside.

    A sum split among threads may round differently for each number of them; where a selection
    hangs on the result, one thread makes it the same everywhere. It is also faster on a machine
    whose cores are taken: OpenMP threads that wait for each other spin. BLAS has one number for all
    threads of a process: of two blocks that overlap, the one that ends later has one thread only
    until the other ends.

    >>> import numpy as np
    >>> with one_thread():
    ...     product = np.ones((2, 3)) @ np.ones((3, 2))
    >>> product.tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    faiss = sys.modules.get("faiss")  # who needs it has imported it
    before = faiss.omp_get_max_threads() if faiss else 1
    try:
        if faiss:
            faiss.omp_set_num_threads(1)
        with _libraries().limit(limits=1):
            yield
    finally:
        if faiss:
            faiss.omp_set_num_threads(before)


_latest: tuple[int, ThreadpoolController] | None = None
"""The number of imported modules at the last look, and the libraries that were loaded then."""


def _libraries() -> ThreadpoolController:
    """The numeric libraries with threads; a look takes milliseconds, and only imports load more."""
    global _latest
    modules = len(sys.modules)
    if _latest is None or _latest[0] != modules:
        _latest = modules, ThreadpoolController()
    return _latest[1]


Part = TypeVar("Part")
Result = TypeVar("Result")


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS cannot tie a process to some of its cores


def workers() -> int:
    """Threads that `in_parallel` may use: OMP_NUM_THREADS, else one a core."""
    setting = os.environ.get("OMP_NUM_THREADS", "")
    return int(setting) if setting.isdigit() and int(setting) else cores()


def in_parallel(function: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """`function` of each part, in their order; several at a time.

    To be called within `one_thread`. What a part is must not hang on the number of threads: then
    neither does the result. `function` gains where it spends its time in numpy or faiss, which
    let other threads run meanwhile.
    """
    waiting = list(parts)
    threads = min(workers(), len(waiting))
    if threads < 2:
        return [function(part) for part in waiting]
    with ThreadPoolExecutor(threads, initializer=_one_thread_here) as pool:
        return list(pool.map(function, waiting))


def cut(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Parts for `in_parallel`: `rows` (m,) in runs of `size`, the last of what is left."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _one_thread_here() -> None:
    """OpenMP's number of threads belongs to the thread that sets it."""
    if "faiss" in sys.modules:
        import faiss  # not from sys.modules: another thread may be about to import it

        faiss.omp_set_num_threads(1)
