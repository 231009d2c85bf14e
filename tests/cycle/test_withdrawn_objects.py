"""What a withdrawal makes of objects that cannot be read, and what it says of them before."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import made_records
import pytest
from dvc.fs import LocalFileSystem

from labelcycle.adapters.dvc.object_store import ObjectStore
from labelcycle.campaign.records.withdrawn_record import GONE, WithdrawnRecord
from labelcycle.cycle import withdrawn_objects, withdrawn_remains
from labelcycle.cycle.redacted_files import Redaction
from labelcycle.rounds.stored_objects import StoredObjects

OID = "a" * 32
ABSENT: Any = SimpleNamespace(good=lambda oid: False, digest=lambda oid: None)
DAMAGED: Any = SimpleNamespace(good=lambda oid: False, digest=lambda oid: "b" * 32)


@pytest.mark.parametrize(
    ("path", "stores", "stands_for_it"),
    [
        ("work/clusters.npz", [ABSENT, DAMAGED], GONE),
        ("work/features/pool.npy", [DAMAGED], GONE),
        ("work/features/pool.npy", [ABSENT, ABSENT], OID),
        ("data/labels/000.jsonl", [DAMAGED], OID),  # git has what it says
    ],
)
def test_a_damaged_array_goes_for_most_of_its_rows_can_be_read(
    tmp_path: Path, path: str, stores: Any, stands_for_it: str
) -> None:
    campaign = made_records.snapshot(tmp_path).campaign
    redaction = Redaction(frozenset({"c" * 16}))
    rewriter = withdrawn_objects.ObjectRewriter(campaign, WithdrawnRecord(), redaction, stores)
    assert rewriter._file(path, OID, []) == stands_for_it


def test_what_another_computer_alone_may_have_is_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = StoredObjects({OID: {"work/model": {"round/000"}}, "d": {"data/x": {"round/001"}}})
    monkeypatch.setattr(withdrawn_remains.stored_objects, "read", lambda root: stored)
    monkeypatch.setattr(withdrawn_remains.commands, "settings", lambda root: {})
    monkeypatch.setattr(withdrawn_remains.git, "remotes", lambda root: [])
    monkeypatch.setattr(withdrawn_remains.git, "commits_of", lambda root, *paths: [])
    cache: Any = SimpleNamespace(present=lambda oids: {"d"} & set(oids))
    remote: Any = SimpleNamespace(present=lambda oids: {OID} & set(oids))
    now: Any = SimpleNamespace(
        campaign=SimpleNamespace(root=tmp_path),
        number=0,
        config=None,
        records=SimpleNamespace(samples=lambda which: []),
    )
    monkeypatch.setattr(withdrawn_remains.plug_in_options, "named_files", lambda *given: [])
    told = "\n".join(withdrawn_remains.lines(now, [], [cache]))
    assert "data of round 0 that neither cache nor remote have here: if another computer" in told
    assert "data of" not in "\n".join(withdrawn_remains.lines(now, [], [cache, remote]))


def test_what_a_killed_dvc_left_half_written_goes_with_the_objects(tmp_path: Path) -> None:
    """A copy on its way has a hidden name and no digest; one that grows is left alone."""
    store = ObjectStore("remote", LocalFileSystem(), str(tmp_path))
    folder = tmp_path / "files" / "md5" / OID[:2]
    folder.mkdir(parents=True)
    old, young, other = folder / ".a-b_c.tmp", folder / ".d.tmp", folder.parent / "bb" / ".e.tmp"
    other.parent.mkdir()
    for path in (old, young, other, folder / OID[2:]):
        path.write_bytes(b"image")
    for path in (old, other):
        os.utime(path, (0, 0))
    assert store.remove([OID]) == 1
    assert [path for path in (old, young, other) if path.exists()] == [young, other]
    assert store.remove([]) == 0
