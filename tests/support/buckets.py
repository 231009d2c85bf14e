"""A local S3 server on a free port, and one bucket of it."""

import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from labelcycle.adapters.local.server_programs import WAKE

SECRETS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "hush"}
REGION = "us-east-1"


class Bucket:
    """A new bucket; `put` and `get` go past the code under test."""

    def __init__(self, client: Any) -> None:
        self.name = f"bucket-{uuid.uuid4().hex[:8]}"
        self.client = client
        self.client.create_bucket(Bucket=self.name)

    def put(self, key: str, data: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def allow(self, origin: str) -> None:
        """Give the bucket a CORS rule, as docs/guides/images-elsewhere.md has it."""
        rule = {"AllowedMethods": ["GET"], "AllowedOrigins": [origin]}
        self.client.put_bucket_cors(Bucket=self.name, CORSConfiguration={"CORSRules": [rule]})

    def keys(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return [item["Key"] for item in found]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """At an address that a Label Studio of `labelcycle up` may ask."""
    import logging

    from moto.moto_server import werkzeug_app
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address=WAKE, port=0, verbose=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(werkzeug_app, "DISABLE_GLOBAL_CORS", True)  # as Amazon: by a bucket's rules
        server.start()
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
        server.stop()


@pytest.fixture(scope="session")
def s3_client(s3_server: str) -> Any:
    """Past the code under test; made once, for it reads a description of 10,000 lines."""
    import boto3

    key, secret = SECRETS.values()
    return boto3.session.Session(key, secret, region_name=REGION).client(
        "s3", endpoint_url=s3_server
    )


@pytest.fixture
def bucket(s3_server: str, s3_client: Any, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    given = {
        **SECRETS,
        "AWS_ENDPOINT_URL": s3_server,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return Bucket(s3_client)
