"""The one door to boto3: objects of a bucket listed, read and written.

Credentials, region and endpoint come from the environment by AWS's own names. An address is
`s3://bucket/key`, the key as it is: nothing in it is quoted.
"""

import contextlib
import functools
import io
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from labelcycle.adapters import http
from labelcycle.adapters.address_logins import text_without_logins, without_login
from labelcycle.errors import DataError, LabelcycleError, ServiceDown, ServiceRefused, ToolFailed

SCHEME = "s3://"

BOUNDS = http.Bounds(silence_s=20.0, whole_s=120.0, bytes=2**27)
"""Of each answer, an image or a page of names: it is held in memory, several at a time."""

TRIES = 3
"""Of each request, with growing pauses; the same bytes put twice are one object."""

ENVIRONMENT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
)
"""What tells one connection from another."""


def split(address: str) -> tuple[str, str]:
    """Bucket and key of an address."""
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    return bucket, key


def endpoint() -> str | None:
    """Where the buckets are, if the environment says so; None for Amazon's."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def where() -> str:
    """The endpoint for people, without a login in it."""
    return without_login(endpoint() or "Amazon S3")


def listed(address: str) -> dict[str, str]:
    """Addresses of the object of this name, and of all below it as if it were a folder.

    Each with what changes when the object does: S3's ETag and the size. What starts with a dot is
    left out unless it is named, and so are empty objects that stand for folders. Raises
    ServiceDown, ServiceRefused or ToolFailed.
    """
    bucket, key = split(address)
    below = f"{key.rstrip('/')}/" if key.strip("/") else ""
    with _our_errors(f"listing {address}"):
        pages = _client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        items = [item for page in pages for item in page.get("Contents", [])]
    marks = {str(item["Key"]): f"{item.get('ETag', '')} {item.get('Size', '')}" for item in items}
    inside = (name for name in marks if name == key or name.startswith(below))
    return {
        f"{SCHEME}{bucket}/{name}": marks[name]
        for name in inside
        if not name.endswith("/") and (name == key or "/." not in f"/{name.removeprefix(below)}")
    }


def read(address: str) -> bytes:
    """An object's bytes. Raises DataError with a short reason, after some tries; or ToolFailed."""
    bucket, key = split(address)
    try:
        with _our_errors("reading"):
            data: bytes = _client().get_object(Bucket=bucket, Key=key)["Body"].read()
        return data
    except (ServiceRefused, ServiceDown) as error:
        raise DataError(f"cannot be fetched: {error}") from error


def put(address: str, data: bytes, kind: str) -> None:
    """Store an object, whole. Raises ServiceDown, ServiceRefused or ToolFailed."""
    bucket, key = split(address)
    with _our_errors(f"storing {address}"):
        _client().put_object(Bucket=bucket, Key=key, Body=data, ContentType=kind)


def remove(address: str) -> None:
    """Delete an object, if it is there. Raises ServiceDown, ServiceRefused or ToolFailed."""
    bucket, key = split(address)
    with _our_errors(f"deleting {address}"):
        _client().delete_object(Bucket=bucket, Key=key)


def some(address: str) -> str | None:
    """The address of one object whose name starts so, or None if there is none.

    Raises ServiceDown, ServiceRefused (no such bucket, or no right to list it) or ToolFailed.
    """
    bucket, key = split(address)
    with _our_errors(f"listing {address}"):
        listing = _client().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    return next((f"{SCHEME}{bucket}/{item['Key']}" for item in listing.get("Contents", [])), None)


def signed(address: str, minutes: int) -> str:
    """A web address that gives an object to whoever has it, for so long.

    Raises ServiceDown without credentials, or ToolFailed.
    """
    bucket, key = split(address)
    with _our_errors(f"signing {address}"):
        url: str = _client().generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60 * minutes
        )
    return url


def _client() -> Any:
    return _made(tuple(os.environ.get(name) for name in ENVIRONMENT))


@functools.lru_cache(maxsize=4)  # one takes a second to make
def _made(_environment: tuple[str | None, ...]) -> Any:
    """A connection, usable from several threads."""
    try:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]
    except ImportError as error:
        raise ToolFailed(
            f"images in S3 need the package boto3, which cannot be imported ({error}):"
            ' run pip install "labelcycle[s3]"'
        ) from error
    with _our_errors("connecting"):
        session = boto3.session.Session()
        client = session.client(
            "s3",
            config=Config(
                signature_version="s3v4",  # of signed addresses: not every server takes the old one
                retries={"mode": "standard", "total_max_attempts": TRIES},
            ),
        )
        client.meta.events.register("before-send.s3", _sender(session))
    return client


def _sender(session: Any) -> Any:
    """What sends boto3's requests: by our client, whose answers end; boto3's own may not."""
    from botocore.awsrequest import AWSResponse  # type: ignore[import-untyped]
    from botocore.exceptions import (  # type: ignore[import-untyped]
        ConnectionClosedError,
        EndpointConnectionError,
    )

    network = http.Client(BOUNDS, authorities=session._session.get_config_variable("ca_bundle"))

    def send(request: Any, **_: Any) -> Any:
        headers = {k: v for k, v in request.headers.items() if k.lower() != "expect"}
        try:
            answer = network.request(
                request.method,
                request.url,
                headers=headers,
                content=request.body or None,
                extensions=_as_it_is(request.url),
            )
        except http.TooSlow:
            raise
        except httpx.ConnectError as error:
            raise EndpointConnectionError(endpoint_url=http.without_secrets(request.url)) from error
        except httpx.TransportError as error:  # boto3 tries again after these two
            raise ConnectionClosedError(endpoint_url=http.without_secrets(request.url)) from error
        return AWSResponse(request.url, answer.status_code, answer.headers, _Raw(answer.content))

    return send


def _as_it_is(url: str) -> dict[str, bytes]:
    """Has a key with `..` in it sent so: httpx would take it for a way through folders."""
    parts = urlsplit(url)
    if not {".", ".."} & set(parts.path.split("/")):
        return {}
    return {"target": urlunsplit(("", "", parts.path, parts.query, "")).encode()}


class _Raw(io.BytesIO):
    """A body as boto3 reads it."""

    def stream(self) -> Iterator[bytes]:
        """All of it."""
        yield self.read()


@contextlib.contextmanager
def _our_errors(doing: str) -> Iterator[None]:
    """Turn what boto3 raises into our errors; they name no secret."""
    try:
        yield
    except LabelcycleError:
        raise
    except Exception as error:
        answer = getattr(error, "response", None)
        if answer is not None:  # a ClientError: the server has spoken
            status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            kind = ServiceDown if status >= 500 or status == 429 else ServiceRefused
            raise kind(
                f"{where()} refused ({doing}: {_line(error)}); check the bucket's name and"
                " AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"
            ) from error
        if isinstance(error, httpx.RequestError | RecursionError):  # boto3's, if sent in a circle
            what = f"{where()} gave no answer that ends ({doing}: {_line(error)})"
            raise ServiceRefused(f"{what}; check AWS_ENDPOINT_URL") from error
        if type(error).__module__.startswith(("botocore", "urllib3", "boto3")):
            raise ServiceDown(
                f"{where()} does not answer ({doing}: {_line(error)}); check AWS_ENDPOINT_URL,"
                " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and run the same command again"
            ) from error
        raise


def _line(error: Exception) -> str:
    return text_without_logins(" ".join(str(error).split()))[:200]
