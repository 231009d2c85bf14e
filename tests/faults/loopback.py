"""A double behind a real socket, for what happens to processes and to bytes."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

Before = Callable[[httpx.Request], None]


@contextmanager
def served(
    server: httpx.BaseTransport, after: Before = lambda _: None, pace_s: float = 0
) -> Iterator[str]:
    """The address at which a server answers.

    after : called when a request has been done, before its answer is sent
    pace_s : seconds between two bytes of a body
    """

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            request = httpx.Request(
                self.command,
                f"http://127.0.0.1{self.path}",
                headers=dict(self.headers),
                content=self.rfile.read(length),
            )
            response = server.handle_request(request)
            body = response.read()
            after(request)
            self.send_response(response.status_code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            pieces = [body[i : i + 1] for i in range(len(body))] if pace_s else [body]
            for piece in pieces:
                time.sleep(pace_s)
                self.wfile.write(piece)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed client
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{http.server_port}"
        finally:
            http.shutdown()
            thread.join()
