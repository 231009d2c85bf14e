"""Runs asked of Prefect at regular times: looks at a round, or for new images.

A look is also asked for when somebody answered.

A run that Prefect schedules itself has a name of two drawn words, and piles up while nobody serves.
"""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click
import httpx

from labelcycle.errors import LabelcycleError, ServiceDown

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

LOST = timedelta(minutes=10)
"""A run that was killed before it began looks as if it were about to begin for ever."""


class Looks:
    """Runs of a served flow; none is asked for while the last one has not yet begun.

    name : of the campaign; flow, step : name of the flow, and what its runs are called
    """

    def __init__(self, root: Path, name: str, flow: str = "collect", step: str = "look") -> None:
        self._root, self._step, self.flow = root, step, flow
        self._deployment = f"{flow}/{name}"
        self._last: UUID | None = None
        self._one = threading.Lock()

    def start(self) -> None:
        """Have Prefect start a run. Raises ServiceDown if it does not."""
        from prefect.client.orchestration import get_client
        from prefect.exceptions import PrefectException

        from labelcycle_flows import run_names

        try:
            with self._one, get_client(sync_client=True) as client:
                if self._waits(client):
                    return
                deployment = client.read_deployment_by_name(self._deployment)
                name = run_names.of(self._root, self._step)
                self._last = client.create_flow_run_from_deployment(deployment.id, name=name).id
        except (OSError, RuntimeError, ValueError, httpx.HTTPError, PrefectException) as error:
            raise ServiceDown(
                f"Prefect did not start {self._deployment} ({error}); the next look is asked for"
                " as always"
            ) from error

    def _waits(self, client: "SyncPrefectClient") -> bool:
        """True if the last run has yet to begin and may still be expected to."""
        from prefect.exceptions import ObjectNotFound

        try:
            state = client.read_flow_run(self._last).state if self._last else None
        except ObjectNotFound:  # somebody deleted it
            return False
        if state is None or not (state.is_scheduled() or state.is_pending()):
            return False
        return datetime.now(UTC) - state.timestamp < LOST


@contextlib.contextmanager
def regular(looks: Looks, every_s: float) -> Iterator[None]:
    """A look now and every so many seconds, in a thread of its own while the block lasts."""
    over = threading.Event()

    def work() -> None:
        while True:
            try:
                looks.start()
            except LabelcycleError as error:
                click.echo(f"no look was started: {error}")
            if over.wait(every_s):
                return

    thread = threading.Thread(target=work, name="looks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
