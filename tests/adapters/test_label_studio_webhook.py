"""The webhook of a project, as the requests that reach Label Studio; no server."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from labelcycle.adapters.annotation.label_studio import LabelStudioBackend, project_webhook
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import ServiceRefused

URL = "http://host.docker.internal:4300/wake"
WANTED = {
    "url": URL,
    "headers": {project_webhook.HEADER: "hush"},
    "actions": [
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_DELETED",
    ],
    "is_active": True,
    "send_for_all_actions": False,
    "send_payload": False,
}
SOMEBODYS = {"id": 1, "url": URL, "headers": {"X-Other": "1"}, "actions": []}
WITHOUT = {"id": 2, "url": URL, "headers": None, "actions": []}
OURS = {"id": 3, **WANTED, "actions": WANTED["actions"][::-1]}  # type: ignore[index]


class Webhooks:
    """Label Studio's webhooks of project 7; `asked` are the requests that changed them."""

    def __init__(self, *present: dict[str, Any], refuses: str = "") -> None:
        self.present, self.refuses = present, refuses
        self.asked: list[tuple[str, str, Any]] = []
        self.api = LabelStudioApi(
            "http://127.0.0.1:1", "t" * 40, transport=httpx.MockTransport(self._answer)
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            assert request.url.params["project"] == "7"
            return httpx.Response(200, json=list(self.present))
        body = json.loads(request.content) if request.content else None
        self.asked.append((request.method, request.url.path.rstrip("/"), body))
        if self.refuses:
            return httpx.Response(400, json={"detail": self.refuses})
        return httpx.Response(200, json={**OURS, "id": 9})

    def keep(self, url: str = URL) -> None:
        project_webhook.keep(self.api, 7, url, "hush")


def test_one_is_made_beside_those_of_others() -> None:
    server = Webhooks(SOMEBODYS, WITHOUT)
    server.keep()
    assert server.asked == [("POST", "/api/webhooks", {"project": 7, **WANTED})]


def test_the_backend_keeps_it_and_removes_it(tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path.rstrip("/")))
        ours = request.method == "GET" and len(asked) > 2
        return httpx.Response(200, json=[OURS] if ours else [] if len(asked) == 1 else OURS)

    environment = {"LABEL_STUDIO_URL": "http://127.0.0.1:1", "LABEL_STUDIO_API_KEY": "t" * 40}
    transport = httpx.MockTransport(answer)
    backend = LabelStudioBackend(Campaign(tmp_path), environment, transport=transport)
    backend.keep_webhook(7, URL, "hush")
    backend.remove_webhook(7)
    assert asked == [
        ("GET", "/api/webhooks"),
        ("POST", "/api/webhooks"),
        ("GET", "/api/webhooks"),
        ("DELETE", "/api/webhooks/3"),
    ]


def test_one_that_is_right_is_left_alone() -> None:
    server = Webhooks(SOMEBODYS, OURS)
    server.keep()
    assert server.asked == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", "http://elsewhere.example/"),
        ("headers", {project_webhook.HEADER: "old"}),
        ("actions", ["ANNOTATION_CREATED"]),
        ("is_active", False),
        ("send_for_all_actions", True),
        ("send_payload", True),
    ],
)
def test_one_that_differs_is_changed(name: str, value: object) -> None:
    server = Webhooks(SOMEBODYS, {**OURS, name: value})
    server.keep()
    ((method, path, body),) = server.asked
    assert (method, path) == ("PATCH", "/api/webhooks/3")
    assert body == WANTED


def test_of_several_the_first_stays() -> None:
    server = Webhooks({**OURS, "id": 11}, OURS, {**OURS, "id": 5}, SOMEBODYS)
    server.keep()
    assert server.asked == [
        ("DELETE", "/api/webhooks/5", None),
        ("DELETE", "/api/webhooks/11", None),
    ]


def test_ours_are_removed() -> None:
    server = Webhooks(SOMEBODYS, OURS, {**OURS, "id": 5}, WITHOUT)
    project_webhook.remove(server.api, 7)
    assert [each[:2] for each in server.asked] == [
        ("DELETE", "/api/webhooks/3"),
        ("DELETE", "/api/webhooks/5"),
    ]


@pytest.mark.parametrize(
    ("url", "host"), [("http://receiver:4300/", "receiver"), ("http:///x", "")]
)
def test_a_name_without_a_dot_is_refused_before_anything_is_asked(url: str, host: str) -> None:
    server = Webhooks()
    with pytest.raises(ServiceRefused) as told:
        server.keep(url)
    assert str(told.value) == (
        f"Label Studio takes no webhook to {url}: wanted a host name with a dot or a number, got"
        f" {host!r}; give the receiver such a name"
    )
    assert server.asked == []


def test_this_computer_by_name_is_taken() -> None:
    server = Webhooks()
    server.keep("http://localhost:4300/")
    assert server.asked[0][2]["url"] == "http://localhost:4300/"


def test_a_banned_address_is_told_with_what_to_do() -> None:
    server = Webhooks(refuses="URL resolves to a reserved network address (block: 127.0.0.0/8)")
    with pytest.raises(ServiceRefused) as told:
        server.keep()
    text = str(told.value)
    assert text.startswith(f"Label Studio at http://127.0.0.1:1 sends no webhooks to {URL}: its")
    assert f"start one that may call http://{project_webhook.WAKE} of this computer" in text
    assert text.endswith(" for another one see docs/guides/own-services.md")


@pytest.mark.parametrize(("present", "doing"), [((), "making"), ((WITHOUT | OURS,), "changing")])
def test_another_refusal_stays_what_it_is(present: tuple[dict[str, Any], ...], doing: str) -> None:
    server = Webhooks(*({**each, "url": "old"} for each in present), refuses="no room")
    with pytest.raises(ServiceRefused, match=rf"\({doing} the webhook: status 400, .*no room"):
        server.keep()


def test_a_removal_and_a_list_say_what_was_tried() -> None:
    server = Webhooks(OURS, refuses="no")
    with pytest.raises(ServiceRefused, match=r"\(removing a webhook: status 400"):
        project_webhook.remove(server.api, 7)
