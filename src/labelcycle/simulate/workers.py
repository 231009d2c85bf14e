"""Tasks on several processes that hold one large thing in common, or all in this process."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any

from labelcycle.errors import ToolFailed
from labelcycle.warned import print_notices

Task = tuple[Any, ...]

_common: Any = None
"""Of a worker process."""


class Workers:
    """`jobs` processes with one thread each, begun with the first task; a context manager."""

    def __init__(self, common: Any, jobs: int) -> None:
        self._common = common
        self._pool = None
        if jobs > 1:
            os.environ["OMP_NUM_THREADS"] = "1"  # of the processes, which begin with this one's
            # forked ones would inherit the locks of the threads of faiss and numpy
            context = get_context("spawn")
            self._pool = ProcessPoolExecutor(jobs, context, _begin, (common,))

    def each(
        self, function: Callable[..., Any], tasks: Sequence[Task]
    ) -> Iterator[tuple[Task, Any]]:
        """Each task and what function(common, *task) gives, as they end.

        Raises ToolFailed if a process was killed, after all that had ended.
        """
        if self._pool is None:
            yield from ((task, function(self._common, *task)) for task in tasks)
            return
        ahead = {self._pool.submit(_call, function, task): task for task in tasks}
        for future in as_completed(ahead):
            if not isinstance(future.exception(), BrokenProcessPool):
                yield ahead[future], future.result()
        if any(isinstance(each.exception(), BrokenProcessPool) for each in ahead):
            raise ToolFailed(
                "a worker process was killed: most likely the memory was used up; what is finished"
                " is kept: run the same command again with a smaller --jobs"
            )

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *problem: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def _begin(common: Any) -> None:
    global _common
    _common = common
    print_notices()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C goes to all: end without a traceback
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Nobody takes what an orphan finds, and it would wait for tasks for ever."""
    parent = parent_process()
    if parent:
        parent.join()
    os._exit(1)


def _call(function: Callable[..., Any], task: Task) -> Any:
    return function(_common, *task)
