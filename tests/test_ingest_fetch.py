"""Ingest of images that are elsewhere: on the web, and in a bucket of a local S3 server."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from buckets import Bucket
from test_ingest import campaign, png, quarantine, splits, take, take_again
from websites import Page, served

from labelcycle import adapters
from labelcycle.adapters import s3, web_images
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.sample_files import read_samples
from labelcycle.core import digests
from labelcycle.errors import DataError, ServiceDown, ServiceRefused
from labelcycle.ingest import fetch
from labelcycle.ingest.one_file import Quarantined

__all__ = ["campaign"]

NAMES = ("a b#%&+ä.png", "c.png", "d e.png")


def no_read(address: str) -> bytes:
    raise AssertionError(f"{address} is here already")


def pages() -> dict[str, Page | list[Page]]:
    return {f"/{name}": Page(png(shade)) for shade, name in enumerate(NAMES)}


def listed(folder: Path, lines: list[str], name: str = "list.txt") -> str:
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return f"@{folder / name}"


def test_addresses_of_a_list_become_samples(campaign: Campaign, tmp_path: Path) -> None:
    with served({**pages(), "/bad": Page(b"no image")}) as site:
        good = [f"{site.url}/{quote(name)}" for name in NAMES]
        paths = listed(tmp_path, [*good, f"{site.url}/gone", f"{site.url}/bad", ""])
        report = take(campaign, paths)
        assert (report.looked_at, report.added, report.quarantined) == (5, 3, 2)
        assert set(splits(campaign)) == {web_images.normal(address) for address in good}
        unreadable = "not an image that can be read: text; a list of paths is given as @LIST"
        assert quarantine(campaign) == {
            f"{site.url}/bad": unreadable,
            f"{site.url}/gone": "cannot be fetched: the server answered 404",
        }
        for sample in read_samples(campaign.samples):
            name = NAMES[[web_images.normal(a) for a in good].index(sample.source)]
            assert (campaign.images / sample.file).read_bytes() == png(NAMES.index(name))
        assert not (campaign.private / "fetched").exists()


def test_what_is_a_sample_is_not_fetched_again(campaign: Campaign, tmp_path: Path) -> None:
    with served(pages()) as site:
        take(campaign, listed(tmp_path, [f"{site.url}/c.png"]))
        csv = listed(tmp_path, ["n,url", f"1,{site.url}/c.png", f"2,{site.url}/d e.png"], "l.CSV")
        report = take(campaign, csv)
        assert (report.added, report.known, report.pool) == (1, 1, 2)
        assert site.asked == ["/c.png", "/d e.png"]


def test_an_ingest_that_broke_off_goes_on(
    campaign: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(pages()) as site:
        paths = listed(tmp_path, [f"{site.url}/{quote(name)}" for name in NAMES])
        with monkeypatch.context() as patched:
            patched.setattr("labelcycle.ingest.ingest_images._settle", _killed)
            with pytest.raises(KeyboardInterrupt):
                take(campaign, paths)
        assert not campaign.samples.exists()
        assert len(site.asked) == 3
        assert take(campaign, paths).added == 3
        assert len(site.asked) == 3, "fetched twice"
        assert not (campaign.private / "fetched").exists()


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_bytes_that_are_no_image_are_fetched_anew(campaign: Campaign, tmp_path: Path) -> None:
    with served({"/a": [Page(b"soon"), Page(png(1))]}) as site:
        with pytest.raises(DataError, match="none of 1 file can be used"):
            take(campaign, f"{site.url}/a")
        assert take(campaign, f"{site.url}/a").added == 1


def test_nothing_half_is_left(campaign: Campaign) -> None:
    def read(address: str) -> bytes:
        if address.endswith("1"):
            raise DataError("cut")
        return address.encode()

    seen: list[int] = []
    addresses = {f"http://x/{i}": "" for i in range(20)}
    found = fetch.fetch(campaign, addresses, seen.append, read)
    assert seen == list(range(1, 21))
    assert found["http://x/11"] == Quarantined("http://x/11", "cut")
    for address, got in found.items():
        if isinstance(got, Path):
            assert got.read_bytes() == address.encode()
    there = {address: "" for address in addresses if address[-1] != "1"}
    again = fetch.fetch(campaign, there, seen.append, no_read)
    assert len(again) == 18


def objects(read: list[str], **contents: bytes) -> Any:
    """What listing and reading a bucket answers; `read` gets what is read."""
    found = {f"s3://b/{name}.png": data for name, data in contents.items()}

    def get(address: str) -> bytes:
        read.append(address)
        return found[address]

    return SimpleNamespace(
        SCHEME=s3.SCHEME,
        read=get,
        listed=lambda prefix: {
            address: digests.digest(data)
            for address, data in found.items()
            if address.startswith(prefix)
        },
    )


@pytest.fixture
def bucket_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    def fill(**contents: bytes) -> list[str]:
        read: list[str] = []
        monkeypatch.setattr(adapters, "s3", objects(read, **contents))
        return read

    return fill


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_object_is_known_by_its_etag(
    campaign: Campaign, bucket_of: Callable[..., list[str]], elsewhere: bool
) -> None:
    """Also in a clone, which has no list of what was seen."""
    bucket_of(a=png(1), b=png(2))
    take(campaign, "s3://b")
    if elsewhere:
        campaign.seen.unlink()
    read = bucket_of(a=png(1), b=png(3))
    report = take(campaign, "s3://b")
    assert (report.added, report.known) == (1, 1)
    assert sorted(read) == [f"s3://b/{n}.png" for n in ("ab" if elsewhere else "b")]
    read = bucket_of(a=png(1), b=png(3))
    assert take(campaign, "s3://b").added == 0
    assert read == []


def test_an_object_of_a_list_that_vanished_hides_no_other(
    campaign: Campaign, bucket_of: Callable[..., list[str]], tmp_path: Path
) -> None:
    bucket_of(a=png(1), b=png(2))
    paths = listed(tmp_path, ["s3://b/a.png", "s3://b/b.png"])
    take(campaign, paths)
    bucket_of(a=png(3))
    report = take_again(campaign)
    assert (report.added, report.known) == (1, 0)
    told, _, gone = report.remarks
    assert told.startswith("@../list.txt names what is not there: no images: s3://b/b.png is no")
    assert "such as 's3://b/b.png': nothing was removed" in gone


def test_an_object_that_changed_since_an_ingest_broke_off_is_fetched_anew(
    campaign: Campaign, bucket_of: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket_of(a=png(1), b=png(2))
    with monkeypatch.context() as patched:
        patched.setattr("labelcycle.ingest.ingest_images._settle", _killed)
        with pytest.raises(KeyboardInterrupt):
            take(campaign, "s3://b")
    read = bucket_of(a=png(1), b=png(3))
    assert take(campaign, "s3://b").added == 2
    assert read == ["s3://b/b.png"]
    ids = {sample.source: sample.id for sample in read_samples(campaign.samples)}
    assert ids["s3://b/b.png"] == digests.digest(png(3))


def test_a_list_in_csv_needs_its_column(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wanted a header with `url`, got a, b"):
        take(campaign, listed(tmp_path, ["a,b", "1,2"], "x.csv"))


# --- S3 ------------------------------------------------------------------------------------


def test_all_below_a_prefix_is_taken(campaign: Campaign, bucket: Bucket) -> None:
    for shade, name in enumerate(NAMES):
        bucket.put(f"in/deep/{name}", png(shade))
    bucket.put("in/", b"")
    bucket.put("in/.hidden.png", png(7))
    bucket.put("inside/e.png", png(8))
    bucket.put("in/text.txt", b"text")
    report = take(campaign, f"s3://{bucket.name}/in")
    assert (report.added, report.quarantined) == (3, 1)
    assert set(splits(campaign)) == {f"s3://{bucket.name}/in/deep/{name}" for name in NAMES}
    assert list(quarantine(campaign)) == [f"s3://{bucket.name}/in/text.txt"]
    assert take(campaign, f"s3://{bucket.name}/in/", f"s3://{bucket.name}").known == 3


KEYS = (
    "in/a b.png",
    "in/a:b.png",
    "in/a+b.png",
    "in/a%20b.png",
    "in/a b%2B&=?#;,'.png",
    "in//double//slash.png",
    "in/größe/写真 🐦.png",
    "in/e\u0301.png",
    "in/\u00e9.png",
    "in/trailing./x.png",
)


def test_odd_keys_are_objects_of_their_own(campaign: Campaign, bucket: Bucket) -> None:
    for shade, key in enumerate(KEYS):
        bucket.put(key, png(shade))
    bucket.put("in/empty folder/", b"")
    report = take(campaign, f"s3://{bucket.name}/in")
    assert (report.added, report.quarantined) == (len(KEYS), 0)
    sources = {sample.source: sample.file for sample in read_samples(campaign.samples)}
    for shade, key in enumerate(KEYS):
        file = sources[f"s3://{bucket.name}/{key}"]
        assert (campaign.images / file).read_bytes() == png(shade)


@pytest.mark.parametrize("key", [*KEYS, "in/.hidden.png", "in/../up.png", "/slash.png"])
def test_an_odd_key_that_is_named_is_read(bucket: Bucket, key: str) -> None:
    from labelcycle.adapters import s3

    bucket.put(key, key.encode())
    address = f"s3://{bucket.name}/{key}"
    assert list(fetch.expanded([address])) == [address]
    assert s3.read(address) == key.encode()


def test_a_key_and_the_folder_of_its_name(bucket: Bucket) -> None:
    for key in ("a", "a/b", "ab"):
        bucket.put(key, b"x")
    found = list(fetch.expanded([f"s3://{bucket.name}/a"]))
    assert found == [f"s3://{bucket.name}/{key}" for key in ("a", "a/b")]


def test_more_than_a_page_of_objects(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for number in range(8):
        bucket.put(f"many/{number}", b"")
    found = list(fetch.expanded([f"s3://{bucket.name}/many/", f"s3://{bucket.name}/many/1"]))
    assert found == [f"s3://{bucket.name}/many/{number}" for number in range(8)]


def _no_such_bucket(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    return "s3://nowhere/in"


def _nothing_below(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    return f"s3://{bucket.name}/nothing"


def _server_away(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    return f"s3://{bucket.name}/in"


def _no_credentials(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    return f"s3://{bucket.name}/in"


@pytest.mark.parametrize(
    ("arrange", "kind", "error"),
    [
        (_no_such_bucket, ServiceRefused, "refused .listing s3://nowhere/in: .*NoSuchBucket"),
        (_nothing_below, DataError, "is no object and none is below it"),
        (_server_away, ServiceDown, "127.0.0.1:9 does not answer"),
        (_no_credentials, ServiceDown, "Unable to locate credentials"),
    ],
)
def test_a_bucket_that_cannot_be_listed(
    campaign: Campaign,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
    arrange: Callable[[Bucket, pytest.MonkeyPatch], str],
    kind: type[Exception],
    error: str,
) -> None:
    with pytest.raises(kind, match=error):
        take(campaign, arrange(bucket, monkeypatch))


def test_an_object_that_is_gone_or_too_large(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labelcycle.adapters import s3

    bucket.put("fits", bytes(5000))
    bucket.put("large", bytes(5001))
    with pytest.raises(DataError, match=r"cannot be fetched: .*NoSuchKey"):
        s3.read(f"s3://{bucket.name}/gone")
    with monkeypatch.context() as small:
        small.setattr(s3, "BOUNDS", replace(s3.BOUNDS, bytes=5000))
        s3._made.cache_clear()
        with pytest.raises(DataError, match="too large: 5001 bytes, wanted at most 5000 bytes"):
            s3.read(f"s3://{bucket.name}/large")
        assert s3.read(f"s3://{bucket.name}/fits") == bytes(5000)
    s3._made.cache_clear()


def test_a_body_that_is_cut_is_asked_for_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labelcycle.adapters import s3

    cut = Page(b"wh", length=5)
    with served({"/b/a": [cut, cut, Page(b"whole")], "/b/never": cut}) as site:
        monkeypatch.setenv("AWS_ENDPOINT_URL", site.url)
        assert s3.read("s3://b/a") == b"whole"
        with pytest.raises(DataError, match=r"cannot be fetched: .*before we received a valid"):
            s3.read("s3://b/never")
        assert site.asked == ["/b/a"] * 3 + ["/b/never"] * 3
