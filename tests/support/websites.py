"""A website on a free port whose answers a test writes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Page:
    """What is answered.

    length : said in Content-Length; None: that of the body
    pace_s : seconds between two bytes
    """

    body: bytes = b""
    status: int = 200
    kind: str = "image/png"
    length: int | None = None
    pace_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Website:
    """pages : by path with no quotes; a list is answered in turn, its last page for ever."""

    url: str
    pages: dict[str, Page | list[Page]]
    asked: list[str] = field(default_factory=list)
    origins: list[str | None] = field(default_factory=list)

    def answer(self, path: str) -> Page:
        name = unquote(path)
        self.asked.append(name)
        page = self.pages.get(name, Page(b"not here", 404, "text/plain"))
        if isinstance(page, list):
            return page.pop(0) if len(page) > 1 else page[0]
        return page


@contextmanager
def served(pages: dict[str, Page | list[Page]]) -> Iterator[Website]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = site.answer(self.path)
            site.origins.append(self.headers.get("Origin"))
            self.send_response(page.status)
            self.send_header("Content-Type", page.kind)
            size = len(page.body) if page.length is None else page.length
            self.send_header("Content-Length", str(size))
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            pieces = [page.body[i : i + 1] for i in range(len(page.body))]
            for piece in pieces if page.pace_s else [page.body]:
                time.sleep(page.pace_s)
                self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.handle_error = lambda *_: None  # type: ignore[method-assign]  # a reader that left
        site = Website(f"http://127.0.0.1:{http.server_port}", pages)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            http.shutdown()
            thread.join()
