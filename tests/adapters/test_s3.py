"""The door to buckets: addresses, what is stored, and what each failure is called."""

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from buckets import Bucket
from websites import Page, served

from labelcycle.adapters import http, s3
from labelcycle.errors import DataError, ServiceDown, ServiceRefused, ToolFailed

ENDPOINT = "https://me:hush@minio.example:9000/base"


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("s3://b/k", ("b", "k")),
        ("s3://b/a/b c%20/", ("b", "a/b c%20/")),
        ("s3://b", ("b", "")),
        ("s3://b//k", ("b", "/k")),
    ],
)
def test_bucket_and_key(address: str, parts: tuple[str, str]) -> None:
    assert s3.split(address) == parts


def test_where_the_buckets_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert (s3.endpoint(), s3.where()) == (None, "Amazon S3")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://other.example")
    assert s3.endpoint() == "https://other.example"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", ENDPOINT)
    assert s3.endpoint() == ENDPOINT
    assert s3.where() == "https://minio.example:9000/base"


def test_an_object_is_stored_found_and_signed(bucket: Bucket) -> None:
    folder = f"s3://{bucket.name}/shown"
    assert s3.some(f"{folder}/") is None
    s3.put(f"{folder}/a b.png", b"image", "image/png")
    assert s3.some(f"{folder}/a") == f"{folder}/a b.png"
    stored = bucket.client.get_object(Bucket=bucket.name, Key="shown/a b.png")
    assert (stored["ContentType"], stored["Body"].read()) == ("image/png", b"image")
    signed = httpx.URL(s3.signed(f"{folder}/a b.png", 90))
    assert signed.params["X-Amz-Expires"] == "5400"
    assert signed.params["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert httpx.get(signed).content == b"image"
    s3.put(f"{folder}/empty", b"", "text/plain")
    assert s3.read(f"{folder}/empty") == b""
    for _ in range(2):
        s3.remove(f"{folder}/a b.png")
        assert s3.some(f"{folder}/a") is None


@pytest.mark.parametrize("word", ["some", "put", "listed"])
def test_what_was_tried_is_named(bucket: Bucket, word: str) -> None:
    more = (b"x", "text/plain") if word == "put" else ()
    doing = "storing" if word == "put" else "listing"
    with pytest.raises(ServiceRefused) as told:
        getattr(s3, word)("s3://nowhere-at-all/a", *more)
    text = str(told.value)
    assert text.startswith(
        f"{s3.where()} refused ({doing} s3://nowhere-at-all/a: An error occurred"
    )
    assert text.endswith(
        "; check the bucket's name and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and"
        " AWS_ENDPOINT_URL"
    )


def answered(status: int) -> ClientError:
    words = {"Error": {"Code": "X", "Message": "why"}}
    return ClientError({**words, "ResponseMetadata": {"HTTPStatusCode": status}}, "Do")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (answered(500), ServiceDown, "{} refused (x: An error occurred (X) when calling the Do"),
        (answered(503), ServiceDown, "{} refused (x: "),
        (answered(429), ServiceDown, "{} refused (x: "),
        (answered(499), ServiceRefused, "{} refused (x: "),
        (answered(403), ServiceRefused, "{} refused (x: "),
        (httpx.RequestError("too\n large"), ServiceRefused, "{} gave no answer that ends (x: too "),
        (RecursionError("deep"), ServiceRefused, "{} gave no answer that ends (x: deep); check "),
        (EndpointConnectionError(endpoint_url="u"), ServiceDown, "{} does not answer (x: Could "),
        (ToolFailed("ours"), ToolFailed, "ours"),
        (KeyError("a bug"), KeyError, "'a bug'"),
    ],
)
def test_what_a_failure_is_called(
    error: Exception, kind: type[Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", ENDPOINT)
    with pytest.raises(kind) as told, s3._our_errors("x"):
        raise error
    assert str(told.value).startswith(text.format("https://minio.example:9000/base"))
    assert type(told.value) is kind


def test_an_answer_without_a_status_is_a_refusal() -> None:
    error = ClientError({"Error": {}}, "Do")
    with pytest.raises(ServiceRefused), s3._our_errors("x"):
        raise error


def test_a_failure_shows_no_login_and_no_more_than_a_line() -> None:
    line = s3._line(ValueError(f"no answer\n from {ENDPOINT} " + "x" * 300))
    assert line.startswith("no answer from https://minio.example:9000/base xxx")
    assert len(line) == 200


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://h/b/a/../c?x=1", b"/b/a/../c?x=1"),
        ("https://h/b/./c", b"/b/./c"),
        ("https://h/b/a..c/.d?x=..", None),
    ],
)
def test_a_key_with_dots_is_sent_as_it_is(url: str, target: bytes | None) -> None:
    assert s3._as_it_is(url) == ({} if target is None else {"target": target})


class Network:
    """What would send a request; `asked` is the last one."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer, self.asked = answer, dict[str, Any]()

    def request(self, method: str, url: str, **more: Any) -> httpx.Response:
        self.asked = {"method": method, "url": url, **more}
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def sent(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception) -> tuple[Any, Any]:
    """A sender, and the network that it sends by."""
    network = Network(answer)
    made: list[Any] = []

    def client(bounds: http.Bounds, authorities: str | None) -> Network:
        made.append((bounds, authorities))
        return network

    monkeypatch.setattr(http, "Client", client)
    session = SimpleNamespace(
        _session=SimpleNamespace(get_config_variable=lambda name: f"value of {name}")
    )
    send = s3._sender(session)
    assert made == [(s3.BOUNDS, "value of ca_bundle")]
    return send, network


def request(body: bytes | None) -> SimpleNamespace:
    headers = {"Expect": "100-continue", "X-Amz": "1"}
    return SimpleNamespace(method="PUT", url="https://u:p@h/b/../k?q=1", headers=headers, body=body)


def test_a_request_goes_by_our_client(monkeypatch: pytest.MonkeyPatch) -> None:
    send, network = sent(monkeypatch, httpx.Response(201, headers={"a": "b"}, content=b"said"))
    answer = send(request(b"data"), more="of no use")
    assert network.asked == {
        "method": "PUT",
        "url": "https://u:p@h/b/../k?q=1",
        "headers": {"X-Amz": "1"},
        "content": b"data",
        "extensions": {"target": b"/b/../k?q=1"},
    }
    assert (answer.status_code, answer.headers["a"], answer.content) == (201, "b", b"said")
    assert list(s3._Raw(b"said").stream()) == [b"said"]
    send(request(b""))
    assert network.asked["content"] is None


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (http.TooSlow("late"), http.TooSlow),
        (httpx.ConnectError("no"), EndpointConnectionError),
        (httpx.ReadError("cut"), ConnectionClosedError),
        (http.TooLarge("large"), http.TooLarge),
    ],
)
def test_a_request_that_fails_is_what_boto3_knows(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    send, _ = sent(monkeypatch, error)
    with pytest.raises(kind) as told:
        send(request(None))
    assert type(told.value) is kind
    if kind in (EndpointConnectionError, ConnectionClosedError):
        assert "https://h/" in str(told.value)
        assert "u:p" not in str(told.value)
        assert "q=1" not in str(told.value)


def test_a_request_is_made_three_times(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with served({"/b/a": Page(status=503), "/b/c": Page(status=403)}) as site:
        monkeypatch.setenv("AWS_ENDPOINT_URL", site.url)
        for key in ("a", "c"):
            with pytest.raises(DataError, match="cannot be fetched: "):
                s3.read(f"s3://b/{key}")
        assert site.asked == ["/b/a"] * 3 + ["/b/c"]


@pytest.mark.parametrize(
    "name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"]
)
def test_a_connection_is_made_for_each_environment(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    first = s3._client()
    assert s3._client() is first
    monkeypatch.setenv(name, "another")
    assert s3._client() is not first


def test_without_boto3_the_command_that_installs_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ToolFailed) as told:
        s3._made.__wrapped__(())
    assert str(told.value).startswith(
        "images in S3 need the package boto3, which cannot be imported ("
    )
    assert str(told.value).endswith('): run pip install "labelcycle[s3]"')
