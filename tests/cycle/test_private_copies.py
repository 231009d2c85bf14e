"""What this computer and a bucket show of a sample goes, and what may show it beside others."""

import dataclasses
import io
from pathlib import Path

import made_records
import numpy as np
import pytest
from PIL import Image

from labelcycle.adapters import s3
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.record_files import write_lines
from labelcycle.campaign.records.rollback_record import Rollback
from labelcycle.campaign.records.withdrawn_record import Tombstone, WithdrawnRecord
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.cycle import private_copies
from labelcycle.cycle.redacted_files import Redaction
from labelcycle.errors import ServiceRefused
from labelcycle.ingest import seen_files
from labelcycle.ingest.seen_files import SeenFile
from labelcycle.rounds.snapshots import Snapshot

A, B, C = (letter * 16 for letter in "abc")
CONTEXT = "0123456789abcdef"


@pytest.fixture
def there(tmp_path: Path) -> Snapshot:
    """Samples A and B, drawn alone and with neighbours, here and in a bucket; C is no sample."""
    now = made_records.snapshot(tmp_path, number=1)
    campaign = now.campaign
    for name, level in ((A, 10), (B, 200)):
        path = campaign.images / "000" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), level, "u1")).save(path)
    samples = [Sample(name, f"000/{name}.png", f"{name}.png", "pool", 8, 8) for name in (A, B)]
    write_samples(campaign.samples, samples)
    shown = campaign.media / "images"
    shown.mkdir(parents=True)
    names = [f"{name}-32{more}.png" for name in (A, B, C) for more in ("", f"-{CONTEXT}")]
    for name in names:
        (shown / name).write_bytes(b"drawn")
    tasks = [
        PushedTask(name, name[:16], 0, 0, display={"image": f"s3://bucket/x/{name}"})
        for name in names
    ]
    foreign = PushedTask("k", C, 0, 0, display={"image": f"s3://photos/{B}.png", "guess": "dark"})
    made_records.pushed([*tasks, foreign]).write(campaign.round(0) / "pushed.json")
    stone = Tombstone(B, "", made_records.AT, "why", "pool", 2, 1, False)
    WithdrawnRecord((stone,)).write(campaign.withdrawn)
    return now


def test_what_people_are_shown(there: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    removed: list[str] = []
    stored: dict[str, bytes] = {}
    monkeypatch.setattr(s3, "remove", removed.append)
    monkeypatch.setattr(s3, "put", lambda address, data, kind: stored.update({address: data}))
    monkeypatch.setattr(s3, "listed", lambda address: {})
    private_copies.remove_shown(there, frozenset({B}), print)
    shown = there.campaign.media / "images"
    assert sorted(path.name for path in shown.iterdir()) == [
        f"{A}-32-{CONTEXT}.png",
        f"{A}-32.png",
        f"{C}-32.png",
    ]
    assert (shown / f"{A}-32.png").read_bytes() == b"drawn"
    alone = (shown / f"{A}-32-{CONTEXT}.png").read_bytes()
    with Image.open(io.BytesIO(alone)) as image:
        assert image.size == (32, 32)
        assert int(np.asarray(image).max()) == 10
    assert sorted(removed) == [f"s3://bucket/x/{B}-32-{CONTEXT}.png", f"s3://bucket/x/{B}-32.png"]
    assert stored == {f"s3://bucket/x/{A}-32-{CONTEXT}.png": alone}


def test_what_else_this_computer_has(there: Snapshot) -> None:
    campaign = there.campaign
    row = np.array([1.5, 2.5], "f4")
    files = {
        campaign.unusual / "001.png": b"sheet",
        campaign.unusual / "002.png": b"sheet",
        campaign.damaged / "ab" / "data" / "images" / f"{B}.png": b"half",
        campaign.damaged / "ab" / "pool.npy": b"x" + row.tobytes(),
        campaign.damaged / "ab" / "other.npy": b"x",
        campaign.label_studio / "export" / "1.json": f'"{B}"'.encode(),
        campaign.label_studio / "export" / "2.json": f'"{A}"'.encode(),
        campaign.private / "rebuilt-x" / "campaign" / "image": b"x",
        campaign.answers
        / "000.jsonl": f'{{"key": "k/000/{B}"}}\n{{"key": "k/000/{A}"}}\n'.encode(),
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    seen_files.add(campaign, {"a": SeenFile("1", A, A), "b": SeenFile("1", C, B)})
    private_copies.remove(there, frozenset({B}), Redaction(frozenset({B}), rows=[row]))
    left = [path for path in files if path.exists()]
    assert sorted(path.name for path in left) == ["000.jsonl", "001.png", "2.json", "other.npy"]
    assert (campaign.answers / "000.jsonl").read_text() == f'{{"key": "k/000/{A}"}}\n'
    assert list(seen_files.read(campaign)) == ["a"]


def test_what_was_half_written_when_a_process_was_killed(there: Snapshot) -> None:
    campaign = there.campaign
    halves = (
        campaign.media / "images" / f".{B}-32.png.ab.part",
        campaign.unusual / ".1.png.ab.part",
        campaign.images / "000" / ".ab-cd.tmp",  # by DVC
    )
    for path in halves:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"half")
    private_copies.remove(there, frozenset({B}), Redaction(frozenset({B})))
    assert [path for path in halves if path.exists()] == []


def test_in_a_bucket_of_a_round_whose_answers_are_apart(
    there: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled_back = dataclasses.replace(there, number=2)
    (there.campaign.round(0) / "pushed.json").rename(made(there.campaign.round(1)) / "pushed.json")
    rollback = Rollback(0, 2, "apart", "", "0" * 40, made_records.AT)
    write_lines(there.campaign.rollbacks, [rollback])
    removed: list[str] = []
    monkeypatch.setattr(s3, "remove", removed.append)
    monkeypatch.setattr(s3, "put", lambda address, data, kind: None)
    monkeypatch.setattr(s3, "listed", lambda address: {})
    private_copies.remove_shown(rolled_back, frozenset({B}), print)
    assert f"s3://bucket/x/{B}-32.png" in removed


def made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_in_a_bucket_of_a_round_that_was_given_up_before_its_push(
    there: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = {"images": "s3", "bucket": "s3://new/y"}
    now = made_records.snapshot(there.campaign.root, number=1, push=push)
    listed = {
        "s3://bucket/x/": [f"s3://bucket/x/{B}-64.png"],
        "s3://new/y/": [
            f"s3://new/y/{B}-32.png",
            f"s3://new/y/z/{B}-32.png",
            f"s3://new/y/{B}.png",
        ],
    }
    removed: list[str] = []
    monkeypatch.setattr(s3, "listed", lambda address: dict.fromkeys(listed[address], "mark"))
    monkeypatch.setattr(s3, "remove", removed.append)
    monkeypatch.setattr(s3, "put", lambda address, data, kind: None)
    private_copies.remove_shown(now, frozenset({B}), print)
    assert {f"s3://bucket/x/{B}-64.png", f"s3://new/y/{B}-32.png"} <= set(removed)
    assert not {f"s3://new/y/z/{B}-32.png", f"s3://new/y/{B}.png"} & set(removed)

    def refused(address: str) -> dict[str, str]:
        raise ServiceRefused("no right to list it")

    monkeypatch.setattr(s3, "listed", refused)
    removed.clear()
    said: list[str] = []
    private_copies.remove_shown(now, frozenset({B}), said.append)
    assert f"s3://bucket/x/{B}-32.png" in removed
    assert said == [
        f"only images that tasks name are removed from {folder}: no right to list it"
        for folder in ("s3://bucket/x", "s3://new/y")
    ]


def test_answers_to_others_are_not_written_anew(there: Snapshot) -> None:
    path = there.campaign.answers / "001.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(f'{{"key": "k/001/{A}"}}\n')
    before = path.stat().st_ino
    private_copies.remove(there, frozenset({B}), Redaction(frozenset({B})))
    assert path.stat().st_ino == before
