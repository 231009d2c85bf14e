"""Which storages Label Studio is told of, as the requests that reach it; no server."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import pytest

from labelcycle.adapters.annotation.label_studio import shown_images
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.ports import Address, TaskSpec
from labelcycle.errors import DataError, LabelcycleError, ServiceDown, ServiceRefused

ROOT = PurePosixPath("/label-studio/files")
TITLE = "labelcycle images"
"""By which storages that were made once are known as ours, whatever version made them."""


class Storages:
    """Label Studio's storages of project 7; `asked` are the requests that changed them."""

    def __init__(self, *present: dict[str, Any], status: int = 200) -> None:
        self.present, self.status = present, status
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.projects: set[str | None] = set()
        self.api = LabelStudioApi(
            "http://127.0.0.1:1", "t" * 40, transport=httpx.MockTransport(self._answer)
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            self.projects.add(request.url.params.get("project"))
            return httpx.Response(200, json=list(self.present))
        body = json.loads(request.content)
        self.asked.append((request.method, request.url.path, body))
        return httpx.Response(self.status, json={"id": 9, "detail": "no"})

    def allow(self, media: Path, *images: Address | Path) -> None:
        tasks = [task(image) for image in images]
        shown_images.allow(self.api, 7, tasks, media, ROOT)


def task(image: Address | Path) -> TaskSpec:
    return TaskSpec("c/000/1", "5a5a", image, 0, 0)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    for name in ("images/a b#%.png", "images/deep/c.png", "other/d.png", "e.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_an_image_is_named_as_the_page_asks_for_it(media: Path) -> None:
    shown = shown_images.shown(task(media / "images" / "a b#%.png"), media)
    assert shown == "/data/local-files/?d=images/a%20b%23%25.png"
    assert shown_images.shown(task(Address("s3://b/k#.png", 3)), media) == "s3://b/k#.png"


@pytest.mark.parametrize("name", ["e.png", "images/missing.png", "images/../e.png", "/etc/hosts"])
def test_an_image_that_label_studio_cannot_show(media: Path, name: str) -> None:
    wanted = f"sample 5a5a: wanted an image in a folder below {media}, got {media / name}; run"
    with pytest.raises(DataError) as told:
        shown_images.shown(task(media / name), media)
    assert str(told.value).startswith(wanted)


def test_each_folder_gets_one_storage(media: Path) -> None:
    server = Storages({"id": 1, "path": str(ROOT / "other")})
    server.allow(media, *media.rglob("*/*.png"))
    wanted = {"project": 7, "path": str(ROOT / "images"), "title": TITLE, "use_blob_urls": True}
    assert server.asked == [("POST", "/api/storages/localfiles/", wanted)]
    assert server.projects == {"7"}


def test_without_folders_and_buckets_nothing_is_asked(media: Path) -> None:
    server = Storages()
    server.allow(media, Address("https://example.org/a.png"))
    assert (server.asked, server.projects) == ([], set())


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """As Label Studio is told of them."""
    names = ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "ENDPOINT_URL")
    for name in (*names, "DEFAULT_REGION", "ENDPOINT_URL_S3"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in names:
        monkeypatch.setenv(f"AWS_{name}", f"http://{name.lower()}")
    return {
        "aws_access_key_id": "http://access_key_id",
        "aws_secret_access_key": "http://secret_access_key",
        "aws_session_token": "http://session_token",
        "region_name": "http://region",
        "s3_endpoint": "http://endpoint_url",
    }


def test_a_bucket_gets_a_storage_with_our_credentials(
    media: Path, credentials: dict[str, str]
) -> None:
    server = Storages()
    server.allow(media, Address("s3://birds/shown/here/a.png", 90), Address("s3://cats/b.png", 0))
    birds, cats = server.asked
    assert birds[:2] == cats[:2] == ("POST", "/api/storages/s3/")
    common = {"project": 7, "title": TITLE, "use_blob_urls": True, **credentials}
    assert birds[2] == common | {
        "bucket": "birds",
        "prefix": "shown/here",
        "presign": True,
        "presign_ttl": 90,
    }
    assert cats[2] == common | {"bucket": "cats", "prefix": "", "presign": False, "presign_ttl": 1}
    assert server.projects == {"7"}


def test_what_the_environment_lacks_is_left_to_the_server(
    media: Path, credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "REGION", "ENDPOINT_URL"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    server = Storages()
    server.allow(media, Address("s3://birds/a.png", 1))
    ((_, _, body),) = server.asked
    assert not body.keys() & (credentials.keys() - {"region_name"})
    assert body["region_name"] == "eu-west-3"


def test_only_our_storage_of_the_bucket_is_renewed(
    media: Path, credentials: dict[str, str]
) -> None:
    others = (
        {"id": 1, "bucket": "birds", "title": "somebody's"},
        {"id": 2, "bucket": "cats", "title": TITLE},
    )
    ours = {"id": 3, "bucket": "birds", "title": TITLE}
    for present, wanted in (
        (others, ("POST", "/api/storages/s3/")),
        ((*others, ours, ours | {"id": 4}), ("PATCH", "/api/storages/s3/3/")),
    ):
        server = Storages(*present)
        server.allow(media, Address("s3://birds/shown/a.png", 5))
        ((method, path, body),) = server.asked
        assert (method, path.rstrip("/")) == (wanted[0], wanted[1].rstrip("/"))
        assert (body["bucket"], body["prefix"], body["project"]) == ("birds", "shown", 7)
        assert body["aws_secret_access_key"] == credentials["aws_secret_access_key"]


@pytest.mark.parametrize(("status", "kind"), [(400, ServiceRefused), (500, ServiceDown)])
def test_a_bucket_that_label_studio_cannot_read(
    media: Path, credentials: dict[str, str], status: int, kind: type[LabelcycleError]
) -> None:
    server = Storages(status=status)
    with pytest.raises(kind) as told:
        server.allow(media, Address("s3://birds/shown/a.png", 5))
    text = str(told.value)
    assert text.startswith("Label Studio at http://127.0.0.1:1 ")
    assert "(allowing images from the bucket birds: status" in text
    assert text.endswith(
        "; Label Studio itself must reach http://endpoint_url and read the prefix 'shown' of bucket"
        " birds with the credentials of this environment, and refuses private addresses unless it"
        " is started with USE_DEFAULT_BANNED_SUBNETS=false (docs/guides/own-services.md)"
    )
    assert credentials["aws_secret_access_key"] not in text
