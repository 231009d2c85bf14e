"""Images in a bucket and on the web, shown by a real Label Studio."""

import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from buckets import SECRETS, Bucket
from PIL import Image

from labelcycle import config, decoding
from labelcycle.adapters import s3
from labelcycle.adapters.annotation.label_studio import LabelStudioBackend
from labelcycle.adapters.annotation.label_studio.rest_api import LabelStudioApi
from labelcycle.adapters.local import services as local_services
from labelcycle.adapters.local.services import Services
from labelcycle.adapters.ports import Address, LabelSchema, TaskSpec
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import read_samples
from labelcycle.cycle import task_images
from labelcycle.errors import ServiceDown, ServiceRefused
from labelcycle.ingest import ingest_images, sources
from labelcycle.rounds.snapshots import Snapshot

pytestmark = pytest.mark.service

IMAGE = b"\x89PNG\r\n\x1a\n and so on" * 5000


class Server:
    """The real server and one new project of it."""

    def __init__(self, campaign: Campaign) -> None:
        self.environment = local_services.environment(campaign)
        self.url = self.environment["LABEL_STUDIO_URL"]
        self.headers = {"Authorization": f"Token {self.environment['LABEL_STUDIO_API_KEY']}"}
        self.backend = LabelStudioBackend(campaign, self.environment, pauses_s=(0,))
        self.name = uuid.uuid4().hex
        schema = LabelSchema(("cat", "dog"), "Choose.")
        self.project = self.backend.open_project(self.name, "Images", schema)

    def push(self, *images: Address | Path) -> list[int]:
        tasks = [
            TaskSpec(f"{self.name}/000/{rank:016x}", f"{rank:016x}", image, rank, 0)
            for rank, image in enumerate(images)
        ]
        return list(self.backend.push(self.project, tasks).values())

    def image(self, task: int) -> str:
        """The address that the page of a task is given."""
        found = httpx.get(f"{self.url}/api/tasks/{task}", headers=self.headers, timeout=60)
        address: str = found.raise_for_status().json()["data"]["image"]
        return address if "://" in address else self.url + address

    def storages(self) -> list[dict[str, Any]]:
        api = LabelStudioApi(self.url, self.environment["LABEL_STUDIO_API_KEY"])
        found = api.call("x", lambda sdk: sdk.import_storage.s3.list(project=self.project))
        return [each.dict() for each in found]


@pytest.fixture
def server(service_campaign: Campaign, label_studio: Services) -> Server:
    return Server(service_campaign)


def test_a_bucket_is_shown_by_signed_addresses_or_passed_on(server: Server, bucket: Bucket) -> None:
    address = f"s3://{bucket.name}/shown/here/a-384.png"
    s3.put(address, IMAGE, "image/png")
    [task] = server.push(Address(address, 90))
    shown = server.image(task)
    signed = httpx.get(shown, headers=server.headers, timeout=60)
    assert signed.status_code == 303
    assert signed.headers["location"].startswith(s3.endpoint() or "nowhere")
    assert "X-Amz-Expires=5400" in signed.headers["location"]
    got = httpx.get(signed.headers["location"], timeout=60)  # as a browser: no token of ours
    assert (got.content, got.headers["content-type"]) == (IMAGE, "image/png")
    assert httpx.get(shown, timeout=60).status_code == 401, "shown to anybody"

    assert server.push(Address(address, 0)) == [task]
    passed_on = httpx.get(shown, headers=server.headers, timeout=60)
    assert (passed_on.status_code, passed_on.content) == (200, IMAGE)

    [storage] = server.storages()
    assert (storage["bucket"], storage["prefix"]) == (bucket.name, "shown/here")
    assert SECRETS["AWS_SECRET_ACCESS_KEY"] not in str(storage)


def test_from_a_bucket_to_the_page(server: Server, bucket: Bucket, tmp_path: Path) -> None:
    source = f"s3://{bucket.name}/in/a b#%&+ä.png"
    s3.put(source, decoding.png_bytes(Image.effect_noise((40, 30), 50)), "image/png")
    campaign = Campaign(tmp_path)
    ingest_images.ingest(
        campaign,
        sources.given(campaign, [f"s3://{bucket.name}/in"]),
        ingest_images.Options(holdout=0),
        0,
        lambda step: None,
    )
    [sample] = read_samples(campaign.samples)
    assert sample.source == source
    push = {"images": "s3", "bucket": f"s3://{bucket.name}/shown", "presign_minutes": 5}
    chosen = config.parse({"push": push}, parts=False)
    snapshot = cast(Snapshot, SimpleNamespace(campaign=campaign, config=chosen))
    [task] = server.push(task_images.image(snapshot, sample))
    shown = httpx.get(server.image(task), headers=server.headers, timeout=60, follow_redirects=True)
    assert shown.content == (campaign.media / "images" / f"{sample.id}-384.png").read_bytes()


def test_a_web_address_is_shown_as_it_is(server: Server, bucket: Bucket) -> None:
    address = "https://example.org/a%20b%23%25&+%C3%A4.png"
    [task] = server.push(Address(address))
    assert server.image(task) == address
    assert server.storages() == []


@pytest.mark.parametrize(
    ("endpoint", "below", "kind", "error"),
    [
        (
            "http://10.1.2.3:9",
            "",
            ServiceRefused,
            r"reach http://10\.1\.2\.3:9 .*BANNED_SUBNETS=false",
        ),
        (
            "http://127.87.0.1:9",
            "",
            ServiceDown,
            r"itself must reach http://127\.87\.0\.1:9 and read",
        ),
        (None, "nothing/", ServiceDown, r"the prefix 'nothing' of bucket"),
    ],
    ids=["forbidden", "nobody there", "no such prefix"],
)
def test_a_bucket_that_label_studio_may_not_or_cannot_read(
    server: Server,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str | None,
    below: str,
    kind: type[Exception],
    error: str,
) -> None:
    s3.put(f"s3://{bucket.name}/a.png", IMAGE, "image/png")
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(kind, match=error) as caught:
        server.push(Address(f"s3://{bucket.name}/{below}a.png", 1))
    assert SECRETS["AWS_SECRET_ACCESS_KEY"] not in str(caught.value)
    assert server.storages() == []
