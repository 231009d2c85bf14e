"""Campaigns under the git settings and in the folders that people have."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_records import metrics
from squares import SETTINGS

from labelcycle import config
from labelcycle.adapters import git
from labelcycle.adapters.dvc import commands
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.identity_record import Identity
from labelcycle.cli.main import cli
from labelcycle.cycle import new_campaign
from labelcycle.errors import DataError, StateError, ToolFailed
from labelcycle.rounds import snapshots

pytestmark = pytest.mark.usefixtures("without_dvc")


@pytest.fixture
def globally(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Sets one of a person's global settings of git."""
    file = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(file))

    def put(key: str, value: str) -> None:
        subprocess.run(["git", "config", "--file", str(file), key, value], check=True)

    return put


def made(folder: Path) -> Campaign:
    return new_campaign.init(folder, config.parse(SETTINGS))


def run(folder: Path, *words: str) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True)


def test_neither_a_missing_key_nor_a_hook_stops_our_commits(tmp_path: Path, globally) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "prepare-commit-msg", "post-commit", "reference-transaction"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    for key, value in {
        "core.hooksPath": str(hooks),
        "commit.gpgSign": "true",
        "tag.gpgSign": "true",
        "gpg.program": "/bin/false",
        "column.ui": "always",
        "log.showSignature": "true",
    }.items():
        globally(key, value)
    campaign = made(tmp_path / "campaign")
    for name in ("open/000", "round/000", "open/001"):
        git.tag(campaign.root, name, name)
    assert git.tags(campaign.root) == {"open/000", "round/000", "open/001"}
    assert not git.brought(campaign.root, ["params.yaml"], None)
    assert snapshots.read(campaign.root).number == 1


def test_files_keep_their_bytes_where_git_turns_the_ends_of_lines(tmp_path: Path, globally) -> None:
    globally("core.autocrlf", "true")
    campaign = made(tmp_path / "campaign")
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", str(campaign.root), str(clone))
    for name in ("params.yaml", "dvc.yaml", "schema.json"):
        assert (clone / name).read_bytes() == (campaign.root / name).read_bytes()
        assert b"\r" not in (clone / name).read_bytes()


def test_files_keep_their_bytes_where_git_lfs_has_attributes_for_all(
    tmp_path: Path, globally
) -> None:
    """git-lfs is not installed, so a file that went through its filter would be an error."""
    attributes = tmp_path / "attributes"
    attributes.write_text("* text=auto ident\n*.json filter=lfs diff=lfs merge=lfs -text\n")
    globally("core.attributesFile", str(attributes))
    globally("filter.lfs.clean", "false")
    globally("filter.lfs.smudge", "false")
    globally("filter.lfs.required", "true")
    campaign = made(tmp_path / "campaign")
    content = b'{"a": "$Id$"}\r\n'
    (campaign.root / "odd.json").write_bytes(content)
    git.commit(campaign.root, ["odd.json"], "Odd")
    assert git.committed(campaign.root, "odd.json") == content
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", str(campaign.root), str(clone))
    assert (clone / "odd.json").read_bytes() == content


def test_a_campaign_as_a_worktree_and_as_a_submodule(tmp_path: Path, globally) -> None:
    """Both have a file .git, and their repository elsewhere."""
    campaign = with_rounds(tmp_path / "campaign")
    globally("protocol.file.allow", "always")
    run(campaign.root, "git", "worktree", "add", "-q", "-b", "beside", str(tmp_path / "tree"))
    run(tmp_path, "git", "init", "-q", "company")
    company = tmp_path / "company"
    run(company, "git", "submodule", "-q", "add", str(campaign.root), "labels")
    for folder in (tmp_path / "tree", company / "labels"):
        assert (folder / ".git").is_file()
        before, after = snapshots.read(campaign.root), snapshots.read(folder)
        assert (after.number, after.key, after.state) == (3, before.key, before.state)
        git.check_head(folder, "round/002")
        (folder / "notes.txt").write_text(str(folder))
        git.commit(folder, ["notes.txt"], "Notes")
        assert not git.unfinished(folder)
        run(folder, "git", "tag", "before-merge")
        run(folder, "git", "switch", "-q", "-c", "other", "HEAD~1")
        (folder / "notes.txt").write_text("in conflict")
        git.commit(folder, ["notes.txt"], "Other notes")
        subprocess.run(["git", "merge", "-q", "before-merge"], cwd=folder, check=False)
        assert git.unfinished(folder)
        run(folder, "git", "merge", "--abort")
        assert not git.unfinished(folder)
        run(folder, "git", "tag", "-d", "before-merge")


def test_a_submodule_without_a_branch_is_told(tmp_path: Path, globally) -> None:
    campaign = with_rounds(tmp_path / "campaign")
    run(campaign.root, "git", "checkout", "-q", "--detach")
    with pytest.raises(StateError, match=r"not on a branch .* run `git switch main`"):
        git.check_head(campaign.root, "round/002")


def test_a_past_round_is_not_rebuilt_in_a_small_tmp(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = with_rounds(tmp_path / "campaign")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))  # nothing can be made in it
    left, fresh = (campaign.private / f"rebuilt-{name}" for name in ("left", "fresh"))
    for folder in (left, fresh):
        folder.mkdir(parents=True)
    long_ago = time.time() - 30 * 24 * 3600
    os.utime(left, (long_ago, long_ago))
    with git.clone(campaign.root, "round/001") as rebuilt:
        assert rebuilt.is_relative_to(campaign.private)
        assert (rebuilt / "rounds" / "001").exists()
        assert not (rebuilt / "rounds" / "002").exists()
        assert not git.dirty(campaign.root, ())
    assert [path.name for path in campaign.private.glob("rebuilt-*")] == ["rebuilt-fresh"]


@pytest.mark.parametrize("where", ["config", "config.local"])
def test_links_in_the_place_of_files_are_refused(where: str, tmp_path: Path) -> None:
    campaign = made(tmp_path / "campaign")
    folder = campaign.root / ".dvc"
    folder.mkdir()
    (folder / "config").write_text(commands.SETTINGS)
    commands.check_links(campaign.root)
    (folder / where).write_text("[cache]\n    type = hardlink,symlink\n")
    with pytest.raises(StateError, match=r"cache\.type has 'symlink': wanted reflink, hardlink"):
        commands.check_links(campaign.root)


def test_a_folder_of_another_account_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = made(tmp_path / "my campaign")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)
    remedy = rf"git config --global --add safe.directory '{campaign.root}'"
    with pytest.raises(StateError, match=remedy):
        snapshots.read(campaign.root)


def with_rounds(folder: Path) -> Campaign:
    """A campaign with three closed rounds, and a commit after them."""
    campaign = made(folder)
    for number in range(3):
        git.tag(campaign.root, f"open/{number:03d}", "open")
        metrics(round=number).write(campaign.round(number) / "metrics.json")
        git.commit(campaign.root, ["rounds"], "Close")
        git.tag(campaign.root, f"round/{number:03d}", "closed")
    (campaign.root / "notes.txt").write_text("read me")
    git.commit(campaign.root, ["notes.txt"], "Notes")
    return campaign


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "remedy"),
    [
        (("--depth", "1"), "lacks the tag open/000, .* `git fetch --tags`"),
        (("--no-tags",), "lacks the tag open/000, .* `git fetch --tags`"),
    ],
)
def test_a_clone_that_lacks_tags_is_not_worked_on(
    how: tuple[str, ...], remedy: str, tmp_path: Path
) -> None:
    campaign = with_rounds(tmp_path / "campaign")
    address, clone = f"file://{campaign.root}", tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", *how, address, str(clone))
    with pytest.raises(StateError, match=remedy):
        snapshots.read(clone)
    for words in (["schema"], ["serve"]):
        told = CliRunner().invoke(cli, ["-C", str(clone), *words])
        assert re.search(remedy, str(told.exception)), words
    run(clone, "git", "fetch", "-q", "--tags")
    before, after = snapshots.read(campaign.root), snapshots.read(clone)
    assert (before.number, before.key) == (after.number, after.key)
    assert before.number == 3


@pytest.mark.slow
@pytest.mark.parametrize("depth", ["1", "2"])
def test_a_shallow_clone_with_tags_is_the_same_campaign(depth: str, tmp_path: Path) -> None:
    campaign = with_rounds(tmp_path / "campaign")
    run(tmp_path, "git", "clone", "-q", "--bare", str(campaign.root), "server")
    address, clone = f"file://{tmp_path / 'server'}", tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", "--depth", depth, address, str(clone))
    run(clone, "git", "fetch", "-q", "--depth", depth, "--tags")
    assert git.shallow(clone)
    with pytest.raises(StateError, match=r"campaign\.json names .* came from elsewhere"):
        snapshots.check_safe(Campaign(clone))
    told = CliRunner().invoke(cli, ["-C", str(clone), "trust"])
    assert snapshots.read(campaign.root).key in told.output
    snapshots.check_safe(Campaign(clone))
    before, after = snapshots.read(campaign.root), snapshots.read(clone)
    assert (before.number, before.key) == (after.number, after.key)
    git.check_head(clone, "round/002", "rounds/002/metrics.json")
    with git.clone(clone, "open/002") as rebuilt:  # as `verify` does
        assert (rebuilt / "rounds" / "001" / "metrics.json").exists()
    (clone / "notes.txt").write_text("read it")
    git.commit(clone, ["notes.txt"], "Notes")
    git.tag(clone, "open/003", "open")
    run(clone, "git", "push", "-q", "origin", "main", "--tags")
    run(campaign.root, "git", "pull", "-q", str(tmp_path / "server"), "main")
    assert git.head(campaign.root) == git.head(clone)


@pytest.mark.slow
def test_a_shallow_clone_of_another_branch_is_told(tmp_path: Path) -> None:
    campaign = with_rounds(tmp_path / "campaign")
    run(campaign.root, "git", "branch", "old", "round/001")
    address, clone = f"file://{campaign.root}", tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", "--depth", "1", "-b", "old", address, str(clone))
    run(clone, "git", "fetch", "-q", "--depth", "1", "--tags")
    with pytest.raises(StateError, match="branch old does not hold round/002"):
        git.check_head(clone, "round/002", "rounds/002/metrics.json")


def test_the_key_is_that_of_the_first_commit_and_no_other_one(tmp_path: Path) -> None:
    campaign = made(tmp_path / "campaign")
    key = snapshots.read(campaign.root).key
    (first,) = git.first_commits(campaign.root)
    assert first.startswith(key)
    assert git.tracked(campaign.root, "campaign.json") == ["campaign.json"]
    Identity("0123456789ab").write(campaign.identity)
    with pytest.raises(DataError, match=rf"wanted the key '{key}', .* names another campaign"):
        _ = snapshots.read(campaign.root).key
    campaign.identity.write_text('{"version": 1, "key": "../another"}')
    with pytest.raises(DataError, match=r"key: wanted 12 hex digits, got '\.\./another'"):
        _ = snapshots.read(campaign.root).key
    campaign.identity.unlink()  # made before there was this file
    assert snapshots.read(campaign.root).key == key
    made(campaign.root)
    assert Identity.read(campaign.identity).key == key


def test_a_campaign_inside_another_repository_is_refused_unless_that_one_ignores_it(
    tmp_path: Path,
) -> None:
    run(tmp_path, "git", "init", "-q", ".")
    folder = tmp_path / "sub" / "campaign"
    start = rf"^{folder} is inside the git repository {tmp_path}: wanted a folder outside of it"
    with pytest.raises(StateError, match=rf"{start}.* write /sub/campaign/ into {tmp_path}/.gitig"):
        made(folder)
    assert not folder.parent.exists()
    (tmp_path / ".gitignore").write_text("/sub/campaign/\n")
    assert snapshots.read(made(folder).root).number == 0
    assert made(folder)  # again, to print the pipeline anew


def test_the_variables_of_a_hook_of_another_repository_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path, "git", "init", "-q", "other")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other" / ".git" / "index"))
    campaign = made(tmp_path / "campaign")
    assert (campaign.root / ".git" / "HEAD").exists()
    assert not (tmp_path / "other" / ".git" / "index").exists()


def test_blanks_and_umlauts_in_names(tmp_path: Path) -> None:
    campaign = made(tmp_path / "Kühe & Käse")
    (campaign.root / "an ä.txt").write_text("1")
    git.commit(campaign.root, ["an ä.txt"], "notes")
    (campaign.root / "an ä.txt").write_text("2")
    run(campaign.root, "git", "mv", "schema.json", "ein schöner Name")
    assert git.dirty(campaign.root, ("params.yaml",)) == ["an ä.txt", "ein schöner Name"]


def test_a_umask_that_lets_nobody_in_is_kept(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        campaign = made(tmp_path / "campaign")
        snapshots.read(campaign.root)
    finally:
        os.umask(before)
    for path in (campaign.params, campaign.schema, campaign.holdout, campaign.data):
        assert path.stat().st_mode & 0o077 == 0


def test_what_belongs_to_one_folder_is_closed_to_others_under_any_umask(tmp_path: Path) -> None:
    campaign = made(tmp_path / "campaign")
    assert campaign.params.stat().st_mode & 0o777 == 0o644
    assert campaign.private.stat().st_mode & 0o777 == 0o700


@pytest.mark.slow
@pytest.mark.parametrize("there", [False, True])
def test_a_failed_init_leaves_nothing_and_can_be_run_again(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "new" / "campaign"
    if there:
        folder.mkdir(parents=True)

    def fail(root: Path, paths: list[str]) -> None:
        raise ToolFailed("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(commands, "add", fail)
        with pytest.raises(ToolFailed):
            made(folder)
    if there:
        assert list(folder.iterdir()) == []
    else:
        assert not folder.parent.exists()
    assert git.head(made(folder).root)


@pytest.mark.parametrize("left", [(), (".dvc",), (".dvc", ".dvcignore", ".gitignore")])
def test_a_killed_init_can_be_run_again(left: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    folder.mkdir()
    run(folder, "git", "init", "-q")
    for name in left:
        path = folder / name / "config" if name == ".dvc" else folder / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    campaign = made(folder)
    assert git.head(campaign.root)
    shutil.rmtree(campaign.data)
    campaign.root.joinpath("notes.txt").touch()
    assert git.head(made(folder).root)  # killed later: params.yaml stands, labels do not
