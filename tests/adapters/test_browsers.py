"""What a browser on a page of Label Studio may load, asked of a website and of a bucket."""

from pathlib import Path

import pytest
from buckets import Bucket
from websites import Page, served

from labelcycle.adapters import cors
from labelcycle.adapters.annotation import label_studio
from labelcycle.adapters.cors import ALLOWS
from labelcycle.adapters.ports import Address

STUDIO = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({ALLOWS: "*"}, None),
        ({ALLOWS: STUDIO}, None),
        ({}, f"answered with {ALLOWS}: nothing"),
        ({ALLOWS: "http://127.0.0.1:9"}, f"answered with {ALLOWS}: http://127.0.0.1:9"),
    ],
)
def test_an_image_on_the_web(headers: dict[str, str], found: str | None) -> None:
    with served({"/a.png": Page(b"x", headers=headers)}) as site:
        problem = cors.problem(Address(f"{site.url}/a.png"), STUDIO)
    assert (problem and problem.reason) == (found and f"{site.url}/a.png: {found}")
    assert site.origins == [STUDIO]


def test_a_redirection_must_allow_it_too() -> None:
    away = {"Location": "/b.png"}
    there = Page(b"x", headers={ALLOWS: "*"})
    with served({"/a.png": Page(status=302, headers=away), "/b.png": there}) as site:
        problem = cors.problem(Address(f"{site.url}/a.png"), STUDIO)
        assert problem
        assert problem.reason.endswith("answered with Access-Control-Allow-Origin: nothing")
        site.pages["/a.png"] = Page(status=302, headers={**away, ALLOWS: "*"})
        assert cors.problem(Address(f"{site.url}/a.png"), STUDIO) is None


def test_what_is_no_image_and_who_does_not_answer() -> None:
    with served({}) as site:
        problem = cors.problem(Address(f"{site.url}/a.png"), STUDIO)
    assert problem
    assert problem.reason == f"{site.url}/a.png: answered 404, wanted an image"
    problem = cors.problem(Address(f"{site.url}/a.png"), STUDIO)
    assert problem
    assert "does not answer here (" in problem.reason


def test_what_needs_no_permission_is_not_asked() -> None:
    with served({}) as site:
        assert cors.problem(Address(f"{site.url}/a.png"), site.url) is None
        assert cors.problem(Address(f"{site.url}/a.png"), None) is None
        assert cors.problem(Path("a.png"), STUDIO) is None
        assert cors.problem(Address("s3://some/a.png", 0), STUDIO) is None
    assert site.asked == []


def test_an_image_in_a_bucket_by_its_rule(bucket: Bucket) -> None:
    bucket.put("in/a b#.png", b"x")
    image = Address(f"s3://{bucket.name}/in/a b#.png", 5)
    problem = cors.problem(image, STUDIO)
    assert problem
    assert problem.reason == f"{image.text}: answered with {ALLOWS}: nothing"  # no signed address
    assert problem.remedy.startswith(f"give the bucket a CORS rule with GET for {STUDIO}, or")
    bucket.allow(STUDIO)
    assert cors.problem(image, STUDIO) is None
    assert cors.problem(image, "http://other.example.org") is not None


@pytest.mark.parametrize(
    ("environment", "origin"),
    [
        ({}, None),
        ({"LABEL_STUDIO_URL": "http://127.0.0.1:8080/"}, STUDIO),
        (
            {"LABEL_STUDIO_URL": STUDIO, "LABEL_STUDIO_HOST": "https://x.org:443/label/"},
            "https://x.org",
        ),
    ],
)
def test_an_origin_is_what_browsers_send(
    environment: dict[str, str], origin: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LABEL_STUDIO_URL", "LABEL_STUDIO_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert label_studio.page_origin() == origin
