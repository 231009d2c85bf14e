"""Faults between the adapter and a server, as a transport around another one."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from labelcycle.adapters.annotation.label_studio.rest_network import SILENCE_S

DELETION = "delete unanswered tasks"
LOOK = "look at a task"
"""Done only where counts and answers differ."""

PUT_RIGHT = ("put a task right", "remove a pre-annotation")
"""Steps that are only done where somebody changed what a task shows."""

STEPS = {
    r"GET /api/current-user/whoami": "ask who we are",
    r"GET /api/projects": "find the project",
    r"POST /api/projects": "make the project",
    r"GET /api/projects/\d+": "read the project",
    r"PATCH /api/projects/\d+": "change the project",
    r"GET /api/storages/localfiles": "list image folders",
    r"POST /api/storages/localfiles": "allow images",
    r"GET /api/tasks .*annotators.*": "ask who answered",
    r"GET /api/tasks .*": "list tasks",
    r"POST /api/projects/\d+/import .*": "import a chunk",
    r"GET /api/tasks/\d+": LOOK,
    r'PATCH /api/tasks/\d+ .*"is_labeled": ?false.*': "ask more people",
    r'PATCH /api/tasks/\d+ .*"is_labeled": ?true.*': "ask nobody more",
    r"POST /api/dm/actions .*id=delete_tasks.*": DELETION,
    r"GET /api/projects/\d+/export .*": "export answers",
    r"GET /api/predictions .*": "list pre-annotations",
    r'PATCH /api/tasks/\d+ .*"data".*': PUT_RIGHT[0],
    r"DELETE /api/predictions/\d+": PUT_RIGHT[1],
}
"""The steps of push, progress, pull and an early close, by the request that does them: the first
pattern that fits. Behind the address stand the query and the body, where they tell steps apart."""

ASKED_S = 7
"""What a 429 asks to wait."""

CODED = ("content-encoding", "content-length", "transfer-encoding")
"""Headers about the bytes of a body on the way, which are not those that `do` gives on."""


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class Scene:
    """What a fault may use: the server behind it, the clock, and what else may happen."""

    server: httpx.BaseTransport
    clock: Clock
    meanwhile: Callable[[], None] = lambda: None
    late: list[httpx.Request] = field(default_factory=list)
    soon: list[httpx.Request] = field(default_factory=list)
    much_later: list[httpx.Request] = field(default_factory=list)

    def do(self, request: httpx.Request) -> httpx.Response:
        """The answer, whole: what the network brings can be read only once."""
        response = self.server.handle_request(request)
        body = response.read()
        headers = [(k, v) for k, v in response.headers.multi_items() if k not in CODED]
        return httpx.Response(response.status_code, headers=headers, content=body)

    def catch_up(self) -> None:
        """The server does at last what it was asked before the client gave up."""
        for waiting in (self.soon, self.late):
            while waiting:
                self.do(waiting.pop(0))

    def end(self) -> None:
        """It does what is left, too."""
        self.catch_up()
        while self.much_later:
            self.do(self.much_later.pop(0))


Fault = Callable[[Scene, httpx.Request], httpx.Response]


def delayed(scene: Scene, request: httpx.Request) -> httpx.Response:
    scene.clock.sleep(30)
    return scene.do(request)


def dropped(scene: Scene, request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("[Errno 104] Connection reset by peer")


def done_then_502(scene: Scene, request: httpx.Request) -> httpx.Response:
    scene.do(request)
    return httpx.Response(502, text="<html>Bad Gateway</html>")


def _silence(scene: Scene) -> httpx.ReadTimeout:
    scene.clock.sleep(SILENCE_S)
    return httpx.ReadTimeout("the read operation timed out")


def done_then_timeout(scene: Scene, request: httpx.Request) -> httpx.Response:
    scene.do(request)
    raise _silence(scene)


def done_last(scene: Scene, request: httpx.Request) -> httpx.Response:
    """Done when the round is over and nobody looks at it any more."""
    if request.method != "GET":
        scene.late.append(request)
    raise _silence(scene)


def done_soon(scene: Scene, request: httpx.Request) -> httpx.Response:
    """Done right after the next request, which still finds nothing."""
    if request.method != "GET":
        scene.soon.append(request)
    raise _silence(scene)


def done_and_again_last(scene: Scene, request: httpx.Request) -> httpx.Response:
    """Done, and done once more when the round is over: a proxy that repeats what it sent."""
    if request.method != "GET":
        scene.late.append(request)
    return scene.do(request)


def deletion_repeated_later(scene: Scene, request: httpx.Request) -> httpx.Response:
    """A deletion is done, and once more in a later round, when its ids may be those of others."""
    if step_of(request) == DELETION:
        scene.much_later.append(request)
    return scene.do(request)


def repeated(scene: Scene, request: httpx.Request) -> httpx.Response:
    scene.do(request)
    return scene.do(request)


def body_cut(scene: Scene, request: httpx.Request) -> httpx.Response:
    whole = scene.do(request)

    def half() -> Iterator[bytes]:
        yield whole.content[: len(whole.content) // 2]
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message")

    return httpx.Response(whole.status_code, content=half())


def half_a_json(scene: Scene, request: httpx.Request) -> httpx.Response:
    whole = scene.do(request)
    return httpx.Response(whole.status_code, content=whole.content[: len(whole.content) // 2])


def too_many(scene: Scene, request: httpx.Request) -> httpx.Response:
    return httpx.Response(429, headers={"Retry-After": str(ASKED_S)}, json={"detail": "Later."})


def failed(scene: Scene, request: httpx.Request) -> httpx.Response:
    return httpx.Response(500, text="<html>Server Error</html>")


def html(scene: Scene, request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text="<html>Log in</html>")


def done_then_html(scene: Scene, request: httpx.Request) -> httpx.Response:
    scene.do(request)
    return httpx.Response(200, text="<html>Maintenance</html>")


def token_expired(scene: Scene, request: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"detail": "Invalid token."})


def trickle(scene: Scene, request: httpx.Request) -> httpx.Response:
    whole = scene.do(request)

    def drops() -> Iterator[bytes]:
        while True:
            scene.clock.sleep(20)
            yield b" "

    return httpx.Response(whole.status_code, content=drops())


def gone(scene: Scene, request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, json={"detail": "Invalid page."})


def truncated(scene: Scene, request: httpx.Request) -> httpx.Response:
    """A list that lacks its last record; anything else as it is."""
    whole = scene.do(request)
    said: Any = json.loads(whole.content) if whole.content else None
    for records in (said, *(said.values() if isinstance(said, dict) else ())):
        if isinstance(records, list) and records and request.method == "GET":
            records.pop()
            return httpx.Response(whole.status_code, json=said)
    return whole


def answers_left_out(scene: Scene, request: httpx.Request) -> httpx.Response:
    """An export in which the last task with answers lacks one; anything else as it is."""
    whole = scene.do(request)
    if not request.url.path.endswith("/export"):
        return whole
    said = json.loads(whole.content)
    for record in reversed(said):
        if record["annotations"]:
            record["annotations"].pop()
            break
    return httpx.Response(whole.status_code, json=said)


def meanwhile_before(scene: Scene, request: httpx.Request) -> httpx.Response:
    scene.meanwhile()
    return scene.do(request)


def meanwhile_after(scene: Scene, request: httpx.Request) -> httpx.Response:
    response = scene.do(request)
    scene.meanwhile()
    return response


FAULTS: dict[str, Fault] = {
    "delayed": delayed,
    "dropped before sending": dropped,
    "done, then 502": done_then_502,
    "done, then timeout": done_then_timeout,
    "timeout, done soon": done_soon,
    "timeout, done last": done_last,
    "repeated": repeated,
    "repeated last": done_and_again_last,
    "deletion repeated in a later round": deletion_repeated_later,
    "body cut": body_cut,
    "half a JSON": half_a_json,
    "429 with Retry-After": too_many,
    "500": failed,
    "HTML with 200": html,
    "done, then HTML": done_then_html,
    "token expired": token_expired,
    "endless trickle": trickle,
    "404": gone,
    "list truncated": truncated,
    "answers left out": answers_left_out,
}

TOGETHER: dict[str, Fault] = {
    "another push before": meanwhile_before,
    "another push after": meanwhile_after,
}
PEOPLE: dict[str, Fault] = {
    "an answer before": meanwhile_before,
    "an answer after": meanwhile_after,
}


LIKE_FOR_READS = {
    "timeout, done soon": "done, then timeout",
    "timeout, done last": "done, then timeout",
    "done, then HTML": "HTML with 200",
}
"""By fault, the one that is the same for a read: the server does nothing, whenever it does it."""


def changes(name: str, request: httpx.Request) -> bool:
    """Whether a fault does anything at all to this request."""
    read = request.method == "GET"
    return {
        "repeated": not read,
        "repeated last": not read,
        "deletion repeated in a later round": step_of(request) == DELETION,
        "list truncated": read,
        "answers left out": request.url.path.endswith("/export"),
    }.get(name, True)


class Past(httpx.BaseTransport):
    """The way to a server past all faults; closing it leaves the server open."""

    def __init__(self, server: httpx.BaseTransport) -> None:
        self._server = server

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._server.handle_request(request)


class Proxy(httpx.BaseTransport):
    """Passes requests on to the server; some meet the fault.

    hits : (number of the request from 1, its step) -> whether it meets the fault
    """

    def __init__(self, scene: Scene, fault: Fault, hits: Callable[[int, str], bool]) -> None:
        self._scene, self._fault, self._hits = scene, fault, hits
        self.seen: list[httpx.Request] = []
        self.hit: list[str] = []
        self.hasty = 0
        self._not_before = 0.0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        step = step_of(request)
        self.seen.append(request)
        self.hasty += self._scene.clock.now < self._not_before
        if self._hits(len(self.seen), step):
            self.hit.append(step)
            if self._fault is too_many:
                self._not_before = self._scene.clock.now + ASKED_S
            return self._fault(self._scene, request)
        self._scene.clock.sleep(0.01)
        response = self._scene.do(request)
        while self._scene.soon:
            self._scene.do(self._scene.soon.pop(0))
        return response


def step_of(request: httpx.Request) -> str:
    """The step that a request does."""
    line = f"{request.method} {request.url.path.rstrip('/')}"
    more = f"{line} {request.url.query.decode()} {request.content.decode()}"
    return next(step for p, step in STEPS.items() if re.fullmatch(p, line) or re.fullmatch(p, more))
