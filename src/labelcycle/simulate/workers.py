"""Tasks on several processes that hold one large thing in common, or all in this process."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any

from labelcycle.core.one_line_warnings import print_notices
from labelcycle.errors import ToolFailed

Task = tuple[Any, ...]

KEPT = "what is finished is kept: run the same command again"

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

        Raises ToolFailed if a process was killed or had no memory left, after all that had ended.
        """
        if self._pool is None:
            try:
                for task in tasks:
                    yield task, function(self._common, *task)
            except MemoryError as error:
                raise ToolFailed(f"the memory is used up ({_short(error)}); {KEPT}") from error
            return
        lost: BaseException | None = None
        ahead = {}
        try:
            for task in tasks:
                ahead[self._pool.submit(_call, function, task)] = task
        except BrokenProcessPool as error:  # killed since the last tasks
            lost = error
        for future in as_completed(ahead):
            problem = future.exception()
            if isinstance(problem, BrokenProcessPool | MemoryError):
                lost = problem
            else:
                yield ahead[future], future.result()
        if lost:
            what = "was killed: most likely the memory was used up"
            if isinstance(lost, MemoryError):
                what = f"has used up the memory ({_short(lost)})"
            raise ToolFailed(f"a worker process {what}; {KEPT} with a smaller --jobs") from lost

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *problem: object) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split()) or "Python does not say for what"


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
