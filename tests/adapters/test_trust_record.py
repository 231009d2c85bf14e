"""Places outside a campaign count once somebody said so in this very folder."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from repositories import git

from labelcycle.adapters import trust_record
from labelcycle.adapters.address_logins import without_login
from labelcycle.adapters.dvc import commands
from labelcycle.errors import StateError
from labelcycle.rounds import trusted_places

USUAL = commands.SETTINGS
REMOTE = f"{USUAL}['remote \"store\"']\n    url = s3://me:SECRET@bucket/x\n    password = SECRET\n"
OTHER = REMOTE.replace("bucket", "other")
FILE = commands.CONFIG


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL"):
        monkeypatch.setenv(f"GIT_{part}", "somebody")


def write(root: Path, text: str) -> None:
    (root / FILE).parent.mkdir(parents=True, exist_ok=True)
    (root / FILE).write_text(text)


def commit(root: Path, text: str) -> None:
    write(root, text)
    git(root, "add", "--all")
    git(root, "commit", "-q", "-m", "settings")


def check(root: Path) -> None:
    trust_record.check(root, FILE, commands.places)


@pytest.fixture
def author(tmp_path: Path) -> Path:
    root = tmp_path / "author"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    commit(root, USUAL)
    (root / ".git" / "info").mkdir()
    (root / ".git" / "info" / "exclude").write_text(".labelcycle\n")
    return root


@pytest.fixture
def clone(author: Path) -> Callable[[], Path]:
    def make() -> Path:
        git(author.parent, "clone", "-q", str(author), "clone")
        return author.parent / "clone"

    return make


def refused(root: Path) -> str:
    with pytest.raises(StateError, match=r"run `labelcycle trust`") as caught:
        check(root)
    return str(caught.value)


def test_what_is_said_in_the_folder_itself_needs_no_question(author: Path) -> None:
    check(author)
    write(author, REMOTE)
    check(author)
    commit(author, OTHER)
    check(author)
    git(author, "commit", "-q", "--amend", "-m", "another text")
    check(author)


def test_what_came_with_a_clone_is_asked_about_once(author: Path, clone) -> None:
    commit(author, REMOTE)
    root = clone()
    told = refused(root)
    assert "url = s3://bucket/x" in told
    assert "SECRET" not in told
    assert "s3://bucket/x" in trust_record.confirm(root, FILE, commands.places)
    check(root)
    commit(root, OTHER)  # of one's own, after what was confirmed
    check(root)


def test_an_edit_does_not_hide_what_came_along(author: Path, clone) -> None:
    commit(author, REMOTE)
    root = clone()
    write(root, REMOTE + "[exp]\n    auto_push = true\n")
    refused(root)
    git(root, "commit", "-q", "-a", "-m", "mine")
    refused(root)


def test_a_remote_that_a_pull_brings_is_asked_about(author: Path, clone) -> None:
    root = clone()
    check(root)
    commit(author, REMOTE)
    git(root, "pull", "-q", "--ff-only")
    refused(root)


def test_in_a_clone_ones_own_remote_needs_no_question_once_the_clone_is_known(clone) -> None:
    root = clone()
    write(root, REMOTE)
    refused(root)  # git may have written this by an attribute, for all that can be seen
    write(root, USUAL)
    check(root)
    write(root, REMOTE)
    check(root)


ATTRIBUTES = {
    "the ends of lines": ("text eol=crlf", REMOTE.replace("\n", "\r\n")),
    "a keyword": ("ident", REMOTE + "# $Id: x$\n"),
}


@pytest.mark.parametrize("kind", ATTRIBUTES)
@pytest.mark.parametrize("own_commit", [False, True])
def test_attributes_do_not_make_what_a_pull_brings_ones_own_change(
    author: Path, clone, kind: str, own_commit: bool
) -> None:
    root = clone()
    check(root)
    attribute, text = ATTRIBUTES[kind]
    (author / ".gitattributes").write_text(f"{FILE} {attribute}\n")
    git(author, "add", "--all")
    blob = author / ".git" / "blob"
    blob.write_bytes(text.encode())
    name = subprocess.run(
        ["git", "hash-object", "-w", "--no-filters", str(blob)],
        cwd=author,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    git(author, "update-index", "--cacheinfo", f"100644,{name},{FILE}")
    git(author, "commit", "-q", "-m", "attributes")
    git(root, "pull", "-q", "--ff-only")
    if own_commit:
        (root / "notes").touch()
        git(root, "add", "--all")
        git(root, "commit", "-q", "-m", "notes, and what git calls changed")
    refused(root)


def test_attributes_that_a_pull_brings_for_a_known_file_are_asked_about(
    author: Path, clone
) -> None:
    root = clone()
    check(root)
    (author / ".dvc" / ".gitattributes").write_text("config ident\n")
    git(author, "add", "--all")
    git(author, "commit", "-q", "-m", "attributes")
    git(root, "pull", "-q", "--ff-only")
    write(root, REMOTE)
    refused(root)


def test_a_change_that_was_pulled_and_taken_back_is_no_reason_to_ask_later(
    author: Path, clone
) -> None:
    root = clone()
    check(root)
    commit(author, f"{USUAL}\n")
    git(root, "pull", "-q", "--ff-only")
    check(root)  # it names what it named before
    write(root, REMOTE)
    check(root)


@pytest.mark.parametrize("how", ["--no-commit", "--squash"])
def test_what_is_half_merged_is_not_ones_own_change(author: Path, clone, how: str) -> None:
    root = clone()
    check(root)
    (root / "notes").touch()
    git(root, "add", "notes")
    git(root, "commit", "-q", "-m", "notes")
    commit(author, REMOTE)
    git(root, "fetch", "-q")
    git(root, "merge", "-q", how, "origin/main")
    refused(root)


def test_a_copy_of_the_folder_is_asked_about_again(author: Path, tmp_path: Path) -> None:
    commit(author, REMOTE)
    trust_record.confirm(author, FILE, commands.places)
    shutil.copytree(author, tmp_path / "copy")
    check(author)
    refused(tmp_path / "copy")


@pytest.mark.parametrize(
    ("config", "places"),
    [
        ("", ()),
        (USUAL, ()),
        (USUAL.replace("    ", "\t"), ()),
        (USUAL + "[cache]\n    dir = /x\n", ("dir = /x",)),
        ("[cache]\n" + USUAL, ("[cache]\n" + USUAL,)),
        (
            USUAL + "['remote \"x\"']\n    bearer_token_command = rm\n",
            ("['remote \"x\"']", "bearer_token_command = rm"),
        ),
    ],
)
def test_every_line_that_a_new_campaign_has_not_counts(config: str, places: tuple) -> None:
    assert commands.places(config) == places


def test_a_file_outside_is_shown_under_either_key() -> None:
    lines = ("pretrain.options.file = ../f.npz", "pretrain.weights = ../w.pth")
    assert trust_record.described(lines) == ", ".join(lines)


def test_values_are_shown_where_they_are_addresses_and_nothing_steers_the_terminal() -> None:
    lines = ("url = https://u:p@h/x", "bearer_token_command = rm -r", "bucket = \x1b[2Js3://b")
    shown = "url = https://h/x, bearer_token_command = ..., bucket =  [2Js3://b"
    assert trust_record.described(lines) == shown


@pytest.mark.parametrize(
    ("params", "places"),
    [
        ("push: {images: media, bucket: s3://b/x}", ()),
        ("push: {images: s3, bucket: s3://b/x}", ("push.bucket = s3://b/x",)),
        ("pretrain: {options: {file: data/f.npz}}", ()),
        ("pretrain: {options: {file: ../f.npz}}", ("pretrain.options.file = ../f.npz",)),
        ("pretrain: {options: {file: /f.npz}}", ("pretrain.options.file = /f.npz",)),
        ("pretrain: {weights: ../w.pth}", ("pretrain.weights = ../w.pth",)),
        ("push: 1\npretrain: []", ()),
        ("a: [", ()),
    ],
)
def test_places_that_the_settings_name(params: str, places: tuple[str, ...]) -> None:
    assert trusted_places.places(params) == places


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:secret@host:8080/a@b?c#d", "https://host:8080/a@b?c#d"),
        ("https://me@host", "https://host"),
        ("http://[::1]:5000/", "http://[::1]:5000/"),
        ("http://u:p@[broken", "http://[broken"),
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("postgresql://u:p@h/db", "postgresql://h/db"),
        ("", ""),
    ],
)
def test_an_address_without_its_login(address: str, shown: str) -> None:
    assert without_login(address) == shown
