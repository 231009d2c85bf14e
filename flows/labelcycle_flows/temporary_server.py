"""Prefect's temporary server: where no address is set, its client starts one on loopback."""

from prefect.client.orchestration import get_client


def start() -> None:
    """Start the server that the flows of this process will use, and wait until it answers.

    The first flow would start it too, and wait for it.
    """
    with get_client(sync_client=True) as client:
        client.hello()
