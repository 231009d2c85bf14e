"""What a repository may hold for DVC beside the campaign's own pipeline."""

import subprocess
from pathlib import Path

import pytest

from labelcycle.adapters.dvc import tracked_files
from labelcycle.errors import StateError

PLAIN = "outs:\n- md5: 0123\n  size: 3\n  hash: md5\n  path: {}\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for name in ("dvc.yaml", "dvc.lock", ".dvc/config", ".gitignore"):
        put(tmp_path, name, "")
    put(tmp_path, "data/images.dvc", PLAIN.format("images"))
    put(tmp_path, "data/mine/features.npz.dvc", PLAIN.format("features.npz") + "desc: mine\n")
    return tmp_path


def put(root: Path, name: str, text: str, tracked: bool = True) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)
    if tracked:
        subprocess.run(["git", "add", "--force", name], cwd=root, check=True)


def test_plain_data_of_ours_and_of_others_are_no_harm(root: Path) -> None:
    put(root, "docs/notes.md", "")
    tracked_files.check(root)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("docs/dvc.yaml", "stages: {}", "it may declare commands"),
        ("data/ü b/dvc.lock", "", "it may declare commands"),
        ("data/x.dvc", PLAIN.format("x") + "deps:\n- path: y\n", "it has deps"),
        ("data/x.dvc", PLAIN.format("x") + "frozen: true\nwdir: ..\n", "it has frozen, wdir"),
        ("data/x.dvc", PLAIN.format("x") + "  remote: away\n", "an out has remote"),
        ("data/x.dvc", PLAIN.format("../../x"), "an out is not beside it"),
        ("data/x.dvc", PLAIN.format("/etc/x"), "an out is not beside it"),
        ("data/x.dvc", PLAIN.format("s3://bucket/x"), "an out is not beside it"),
        ("data/x.dvc", PLAIN.format(".."), "an out is not beside it"),
        ("data/x.dvc", "outs: x", "its outs are not as DVC writes them"),
        ("data/x.dvc", "- 1", "it holds no mapping"),
        ("data/x.dvc", "a: [", "it cannot be read"),
    ],
)
@pytest.mark.parametrize("tracked", [False, True])
def test_what_does_more_is_refused(
    name: str, text: str, reason: str, tracked: bool, root: Path
) -> None:
    put(root, name, text, tracked)
    with pytest.raises(StateError) as caught:
        tracked_files.check(root)
    assert name in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("name", ["data", "rounds/000", "work", "params.yaml", ".dvc/tmp"])
def test_a_link_in_place_of_a_campaigns_own_is_refused(name: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).symlink_to("/tmp")
    subprocess.run(["git", "add", "--force", name], cwd=tmp_path, check=True)
    with pytest.raises(StateError, match=f"{name}"):
        tracked_files.check(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        ".dvc/config.local",
        ".dvc/tmp/btime",
        ".dvc/cache/files/md5/00/11",
    ],
)
def test_what_a_folder_makes_itself_does_not_come_by_git(name: str, root: Path) -> None:
    put(root, name, "", tracked=False)
    tracked_files.check_local(root)
    put(root, name, "")
    with pytest.raises(StateError, match=r"git keeps .*; remove it with `git rm -r -q \.[a-z]"):
        tracked_files.check_local(root)
