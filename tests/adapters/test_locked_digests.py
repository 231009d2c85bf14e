"""Outputs of stages are compared with what DVC recorded of them, and DVC is not started for it."""

from pathlib import Path

import pytest

from labelcycle.adapters import programs
from labelcycle.adapters.dvc import commands
from labelcycle.adapters.dvc.locked_digests import match

PIPELINE = """
stages:
  made:
    cmd: mkdir -p work/folder/inner && echo 1 > work/folder/b && echo 2 > work/folder/inner/ä
    outs: [work/folder]
  single:
    cmd: echo 3 > work/file
    outs: [work/file]
  empty:
    cmd: mkdir work/none
    outs: [work/none]
"""
OUTS = ("work/folder", "work/file", "work/none")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose outputs real DVC made."""
    root = tmp_path_factory.mktemp("made")
    programs.run(["git", "init", "-q"], root)
    commands.init(root)
    (root / "work").mkdir()
    (root / "dvc.yaml").write_text(PIPELINE)
    programs.run([*commands.PROGRAM, "repro", "made", "single", "empty"], root)
    return root


@pytest.mark.slow
def test_what_dvc_made_is_as_recorded(repository: Path) -> None:
    assert match(repository, OUTS)
    assert not match(repository, ("work/other",))


@pytest.mark.slow
@pytest.mark.parametrize("place", ["folder/b", "folder/inner/ä", "file", "none/more"])
def test_another_byte_is_seen(repository: Path, place: str) -> None:
    path = repository / "work" / place
    before = path.read_bytes() if path.exists() else None
    path.unlink(missing_ok=True)
    path.write_bytes(b"x")
    assert not match(repository, OUTS)
    path.unlink()
    if before is not None:
        assert not match(repository, OUTS)
        path.write_bytes(before)
    assert match(repository, OUTS)


def lock(root: Path, **digests: str) -> None:
    lines = "".join(f"    - {{path: work/{k}, hash: md5, md5: {v}}}\n" for k, v in digests.items())
    (root / "dvc.lock").write_text(f"schema: '2.0'\nstages:\n  one:\n    outs:\n{lines}")


def test_digests_as_the_standard_has_them(tmp_path: Path) -> None:
    # md5 of "abc" is in RFC 1321, appendix A.5; of an empty list it is that of the two bytes "[]"
    lock(
        tmp_path,
        file="900150983cd24fb0d6963f7d28e17f72",
        none="d751713988987e9331980363e24189ce.dir",
    )
    (tmp_path / "work" / "none").mkdir(parents=True)
    (tmp_path / "work" / "file").write_text("abc")
    assert match(tmp_path, ("work/file", "work/none"))
    (tmp_path / "work" / "none").rmdir()
    assert not match(tmp_path, ("work/none",)), "a folder that is missing is not an empty one"
    (tmp_path / "work" / "real").write_text("abc")
    (tmp_path / "work" / "file").unlink()
    (tmp_path / "work" / "file").symlink_to("real")
    assert not match(tmp_path, ("work/file",)), "links are not followed"


@pytest.mark.parametrize("text", ["", "[]", "stages: 3", "stages: {one: {outs: [{path: work/f}]}}"])
def test_a_record_that_is_not_as_dvc_writes_it_matches_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "f").write_text("abc")
    assert not match(tmp_path, ("work/f",))
    (tmp_path / "dvc.lock").write_text(text)
    assert not match(tmp_path, ("work/f",))


@pytest.mark.slow
def test_data_that_changed_are_taken_in_where_a_stage_needs_them(tmp_path: Path) -> None:
    """So no `dvc add` comes before a `repro`; what was there first can be had again."""
    programs.run(["git", "init", "-q"], tmp_path)
    commands.init(tmp_path)
    labels = tmp_path / "data" / "labels"
    labels.mkdir(parents=True)
    (labels / "000.jsonl").write_text("first")
    commands.add(tmp_path, ["data/labels"])
    before = commands.recorded(tmp_path, "data/labels")
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: cat data/labels/* > work\n    deps: [data/labels]\n"
        "    outs: [work]\n"
    )
    commands.repro(tmp_path, "train")
    (labels / "001.jsonl").write_text(" second")
    commands.repro(tmp_path, "train")
    assert (tmp_path / "work").read_text() == "first second"
    after = commands.recorded(tmp_path, "data/labels")
    assert after != before
    asked = [*commands.PROGRAM, "status"]
    assert programs.run(asked, tmp_path) == "Data and pipelines are up to date."
    (labels / "001.jsonl").unlink()
    programs.run([*commands.PROGRAM, "checkout", "data/labels.dvc"], tmp_path)
    assert (labels / "001.jsonl").read_text() == " second"
