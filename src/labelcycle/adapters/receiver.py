"""Hears Label Studio's webhooks: a request that knows the secret is one knock, and no more.

What a request says is never read. So a repeated, late, malformed or huge one is worth a knock,
a forged one nothing, and what is true is asked of Label Studio by whoever is woken.
"""

import contextlib
import hmac
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import uvicorn

from labelcycle.errors import ToolFailed

HEADER = "X-Labelcycle-Secret"
"""Label Studio signs nothing, but sends headers that it is told to send."""

BACKLOG = 2048
"""Connections that the system keeps for us in a storm."""

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


def application(knock: Callable[[], None], secret: str) -> Application:
    """The ASGI application: 204 and a knock for a POST with the secret, 403 without, 405 for GET.

    knock : must return at once, for Label Studio lets the annotator wait for our answer
    """
    wanted, name = secret.encode(), HEADER.lower().encode()

    async def answer(
        scope: Message,
        _receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        given = [value for key, value in scope["headers"] if key == name]
        if len(given) != 1 or not hmac.compare_digest(given[0], wanted):
            status = 403
        elif scope["method"] != "POST":
            status = 405
        else:
            knock()
            status = 204
        # Closed at once: a body that never ends must not hold a connection.
        headers = [(b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return answer


@contextlib.contextmanager
def listening(knock: Callable[[], None], secret: str, host: str, port: int) -> Iterator[int]:
    """Hear requests in a thread of its own for the length of a block; the port.

    port : 0 takes a free one

    Raises ToolFailed if the port cannot be had.
    """
    try:
        place = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise ToolFailed(
            f"cannot listen for webhooks on {host} port {port}: {error.strerror or error};"
            " end what listens there, or take another port"
        ) from error
    with place:
        config = uvicorn.Config(
            application(knock, secret),
            http="h11",  # it bounds the size of headers, which httptools does not
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level="critical",  # strangers must not be able to fill our log
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [place]}, name="receiver", daemon=True
        )
        thread.start()
        try:
            yield int(place.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
