"""Trained weights: downloaded once, whole or not at all, and never where that is switched off."""

import hashlib
from pathlib import Path

import pytest
from websites import Page, served

from labelcycle.adapters import trained_weights
from labelcycle.adapters.trained_weights import fetch
from labelcycle.errors import ServiceDown
from labelcycle.nn.downloaded_weights import OFFLINE

CONTENT = b"weights" * 1000
PAGE = Path(__file__).parents[2] / "docs" / "concepts" / "pretraining.md"
NAME = f"resnet18-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"


@pytest.fixture(autouse=True)
def _online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OFFLINE)


def test_weights_are_downloaded_once(tmp_path: Path) -> None:
    path = tmp_path / "hub" / NAME
    with served({f"/{NAME}": Page(CONTENT)}) as site:
        assert fetch(f"{site.url}/{NAME}", path) == "trained weights were downloaded from 127.0.0.1"
    assert path.read_bytes() == CONTENT
    assert fetch(f"{site.url}/{NAME}", path) == "trained weights are on this computer"


@pytest.mark.parametrize("there", [CONTENT[:99], b""], ids=["cut", "empty"])
def test_a_file_that_is_cut_is_downloaded_anew(tmp_path: Path, there: bytes) -> None:
    path = tmp_path / NAME
    path.write_bytes(there)
    with served({f"/{NAME}": Page(CONTENT)}) as site:
        assert fetch(f"{site.url}/{NAME}", path) == "trained weights were downloaded from 127.0.0.1"
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("switched_off", "reason"),
    [("1", "LABELCYCLE_OFFLINE is set"), ("", "127.0.0.1 answers 404")],
)
def test_a_file_that_is_cut_counts_as_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switched_off: str, reason: str
) -> None:
    monkeypatch.setenv(OFFLINE, switched_off)
    (tmp_path / NAME).write_bytes(CONTENT[:99])
    wanted = f"^{NAME} on this computer is cut or another file, and {reason}$"
    with served({}) as site, pytest.raises(ServiceDown, match=wanted):
        fetch(f"{site.url}/{NAME}", tmp_path / NAME)


def test_what_is_switched_off_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OFFLINE, "1")
    said = pytest.raises(ServiceDown, match=r"^LABELCYCLE_OFFLINE is set$")
    with served({f"/{NAME}": Page(CONTENT)}) as site, said:
        fetch(f"{site.url}/{NAME}", tmp_path / NAME)
    assert site.asked == []


@pytest.mark.parametrize(
    ("page", "error"),
    [
        (Page(b"a page of a login"), f"127.0.0.1 sent another file than {NAME}"),
        (Page(status=404), "127.0.0.1 answers 404"),
    ],
)
def test_another_answer_is_no_weights(tmp_path: Path, page: Page, error: str) -> None:
    with served({f"/{NAME}": page}) as site, pytest.raises(ServiceDown, match=f"^{error}$"):
        fetch(f"{site.url}/{NAME}", tmp_path / NAME)
    assert list(tmp_path.iterdir()) == []


def test_nobody_there_is_told_in_a_few_words(tmp_path: Path) -> None:
    with served({}) as site:
        url = site.url
    with pytest.raises(ServiceDown, match=r"^127\.0\.0\.1: .*refused") as caught:
        fetch(f"{url}/{NAME}", tmp_path / NAME)
    assert len(str(caught.value)) < 100


def test_a_server_that_is_silent_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = trained_weights.BOUNDS
    assert (bounds.silence_s, bounds.whole_s) == (5.0, 120.0)
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert "A server that is silent for 5 seconds is given up" in page
    assert "a download that is not whole after 120 seconds" in page
    quick = type(bounds)(silence_s=0.05, whole_s=0.5, bytes=bounds.bytes)
    monkeypatch.setattr(trained_weights, "BOUNDS", quick)
    said = pytest.raises(ServiceDown, match=r"^127\.0\.0\.1: ")
    with served({f"/{NAME}": Page(CONTENT[:9], pace_s=0.3)}) as site, said:
        fetch(f"{site.url}/{NAME}", tmp_path / NAME)
