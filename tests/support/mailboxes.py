"""Real receivers of notices on loopback: an HTTP server for json://, an SMTP server for mailto://."""

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

APPRISE_WARNS = "ignore:'imghdr' is deprecated:DeprecationWarning"
"""apprise 1.13 tries Python's old module first, and has one of its own where that is gone."""


class Box:
    """What was received, and the status with which the next ones are answered."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.status = 200
        self.port = 0
        self.path = "token-of-the-box"

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/{self.path}"

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.got]


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def http_box() -> Iterator[Box]:
    box = Box()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if box.status == 200:
                box.got.append(json.loads(body))
            self.send_response(box.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(http.server.HTTPServer(("127.0.0.1", 0), Handler)) as box.port:
        yield box


@contextmanager
def mail_box() -> Iterator[Box]:
    """Takes every mail, as an e-mail message."""
    box = Box()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 box")
            while line := self.rfile.readline():
                match line[:4].upper():
                    case b"EHLO" | b"HELO":
                        self.say("250 box")
                    case b"DATA":
                        self.say("354 go on")
                        lines = list(iter(self.rfile.readline, b".\r\n"))
                        box.got.append(
                            message_from_bytes(b"".join(lines), EmailMessage, policy=policy.default)
                        )
                        self.say("250 taken")
                    case b"QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 fine")

    with serving(socketserver.TCPServer(("127.0.0.1", 0), Handler)) as box.port:
        yield box
