"""Somebody holds the receiver of webhooks, beside which the served flows run."""

import contextlib
import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from attacks import Try, attack
from labelcycle.adapters import webhook_receiver

SECRET = "a long secret"
HALF = b"POST / HTTP/1.1\r\nHost: x\r\nX-A: "
BODY = (
    f"POST / HTTP/1.1\r\nHost: x\r\n{webhook_receiver.HEADER}: {SECRET}\r\n"
    "Content-Length: 9999999\r\n\r\n"
)

BOUND = 100
"""Connections that a receiver may hold, of the 256 files that its program may open."""

SERVING = f"""
import resource, subprocess, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from labelcycle.adapters import webhook_receiver as receiver
with receiver.listening(lambda: None, {SECRET!r}, "127.0.0.1", 0) as port:
    print(port, flush=True)
    for line in sys.stdin:
        try:
            open("/dev/null").close()
            subprocess.run(["true"], check=True)
            print("works", flush=True)
        except OSError as error:
            print(error, flush=True)
"""


def answered(port: int) -> bool:
    """Is a webhook heard within the second that Label Studio waits?"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("POST", "/", b"{}", {webhook_receiver.HEADER: SECRET})
        return connection.getresponse().status == 204
    except OSError:
        return False
    finally:
        connection.close()


def held(connections: list[socket.socket]) -> int:
    """How many are still open on the other side."""
    return sum(not closed(connection) for connection in connections)


def closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


@attack("strangers hold the receiver of webhooks", slow=True)
def by_many_connections(folder: Path) -> Iterator[Try]:
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-c", SERVING],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as serving,
    ):
        assert serving.stdin
        assert serving.stdout
        port = int(serving.stdout.readline())
        for what, text in (("half-sent requests", HALF), ("endless bodies", BODY.encode())):
            with contextlib.ExitStack() as stack:
                many = []
                for _ in range(300):
                    one = socket.create_connection(("127.0.0.1", port), timeout=5)
                    many.append(stack.enter_context(one))
                    one.sendall(text)
                time.sleep(0.5)
                yield Try(f"300 {what}: a webhook is not heard", not answered(port))
                print("", file=serving.stdin, flush=True)
                said = serving.stdout.readline().strip()
                yield Try(f"300 {what}: the program opens no file ({said})", said != "works")
                yield Try(f"300 {what}: they are held", held(many) > BOUND)
        slow = socket.create_connection(("127.0.0.1", port), timeout=15)
        with slow:
            slow.sendall(HALF)
            began = time.monotonic()
            with contextlib.suppress(OSError):
                slow.recv(1)
            yield Try("a half-sent request is held for ever", time.monotonic() - began > 10)
        serving.stdin.close()
    yield Try("the log is filled", (folder / "log").stat().st_size > 10_000)
