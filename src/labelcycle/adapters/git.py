"""git, as a campaign uses it: it keeps what is small and readable."""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from labelcycle.adapters import programs
from labelcycle.campaign import layout
from labelcycle.errors import StateError, ToolFailed

OURS = (
    # What git does in the background would hold the campaign's lock after we have ended.
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    # Commits and tags are made by a program, at night too: nobody can give a passphrase, and a
    # hook that refuses or rewrites files would stop a round half way.
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    f"core.hooksPath={os.devnull}",
    # A copied repository may name a program here.
    "core.fsmonitor=false",
    # What is read must not depend on what people like to see.
    "core.quotePath=false",
    "column.ui=never",
    "log.showSignature=false",
)
"""Settings for our calls, whatever people's own are."""

LINK, SUBMODULE = "120000", "160000"
"""Modes in git's index of what is no plain file."""

REBUILT = "rebuilt-"
"""Begins the name of a folder with a temporary clone."""
OLD_S = 7 * 24 * 3600.0
"""A clone that is older was left by a killed process."""


def _git(root: Path, *arguments: str) -> str:
    return programs.run(command(*arguments), root)


def command(*arguments: str) -> list[str]:
    """The words that start git with our settings."""
    return ["git", *(word for setting in OURS for word in ("-c", setting)), *arguments]


def _fields(root: Path, *arguments: str) -> list[str]:
    """What git prints with the option -z, name by name."""
    text = programs.output(command(*arguments), root).decode(errors="surrogateescape")
    return [field for field in text.split("\0") if field]


def init(root: Path) -> None:
    """Make `root` a git repository, unless it is the top of one."""
    if not (root / ".git").exists():
        _git(root, "init", "-q", "-b", "main")


def check_usable(root: Path) -> None:
    """Raise StateError unless `root` is the top of a repository that git works on."""
    if not (root / ".git").exists():
        raise StateError(
            f"{root} is not a campaign: wanted a git repository with params.yaml;"
            " go to a campaign's folder or run `labelcycle init DIR`"
        )
    owners = {root.stat().st_uid, (root / ".git").stat().st_uid}
    if owners != {os.geteuid()}:
        try:
            _git(root, "rev-parse", "--git-dir")
        except ToolFailed as error:
            raise StateError(
                f"git does not work on {root}, which another account owns; work as that account,"
                f" or, if you trust it: git config --global --add safe.directory '{root}'"
            ) from error


def shallow(root: Path) -> bool:
    """True if the repository lacks earlier commits."""
    return _git(root, "rev-parse", "--is-shallow-repository") == "true"


def enclosing(root: Path) -> Path | None:
    """The repository inside which `root` would be another one, or None.

    None, too, if that repository ignores the folder.
    """
    above = next(path for path in (root, *root.parents) if path.exists())
    try:
        top = Path(_git(above, "rev-parse", "--show-toplevel"))
    except ToolFailed:
        return None
    if top.resolve() == root.resolve():
        return None
    try:
        _git(top, "check-ignore", "-q", "--no-index", f"{root}/")
    except ToolFailed:
        return top
    return None


def check_identity(root: Path) -> None:
    """Raise StateError if git does not know in whose name to commit."""
    try:
        _git(root, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
        _git(root, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
    except ToolFailed as error:
        raise StateError(
            "git does not know your name and e-mail address, which every commit needs; run"
            ' `git config --global user.name "..."` and `git config --global user.email "..."`'
        ) from error


def check_head(root: Path, tag: str | None, record: str = "") -> None:
    """Raise StateError unless HEAD is a branch that holds the commit of `tag`.

    record : a file that this commit made and no later one changes. A shallow clone may lack the
        commits between the two, so there the branch is to hold the same file
    """
    try:
        branch = _git(root, "symbolic-ref", "--short", "HEAD")
    except ToolFailed as error:
        raise StateError(
            "git is not on a branch (detached HEAD), where commits would be lost;"
            " run `git switch main`, or the branch you work on"
        ) from error
    if tag is not None:
        try:
            _git(root, "merge-base", "--is-ancestor", tag, "HEAD")
        except ToolFailed as error:
            if record and shallow(root) and committed(root, record) == show(root, tag, record):
                return
            raise StateError(
                f"branch {branch} does not hold {tag}, the last closed round;"
                " switch to the branch that does, or merge it"
            ) from error


def changed(root: Path, path: str) -> bool:
    """True if a tracked file differs from HEAD."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=no", "--", path))


def brought(root: Path, paths: Iterable[str], since: str | None) -> list[str]:
    """Commits after `since` (None: all) that touch `paths` and were not made in this folder.

    A clone or a pull brings commits that the folder's own log does not know as made in it. Empty
    before the first commit. Raises ToolFailed if `since` is no commit here.
    """
    if head_if_any(root) is None:
        return []
    revisions = ["HEAD"] if since is None else ["HEAD", f"^{since}"]
    touching = _git(root, "rev-list", "--full-history", *revisions, "--", *paths).split()
    log = _git(root, "log", "--walk-reflogs", "--format=%H %gs", "HEAD").splitlines()
    commit_steps = ("commit:", "commit (initial):", "commit (amend):")
    entries = (line.partition(" ") for line in log)
    own_commits = {commit for commit, _, how in entries if how.startswith(commit_steps)}
    return [commit for commit in touching if commit not in own_commits]


UNFINISHED = (
    *("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "SQUASH_MSG"),
    *("rebase-merge", "rebase-apply"),
)
"""In git's folder while the files are partly of other commits."""


def unfinished(root: Path) -> bool:
    """True in the middle of a merge, a rebase or the like: files may hold what a pull brought."""
    # Of a worktree or a submodule, .git is a file that names the folder.
    words = [word for name in UNFINISHED for word in ("--git-path", name)]
    paths = _git(root, "rev-parse", *words).splitlines()
    return any((root / path).exists() for path in paths)


def committed(root: Path, path: str) -> bytes | None:
    """Content of a file at HEAD, by no filter of git's; None if it is not there."""
    try:
        return show(root, "HEAD", path)
    except ToolFailed:
        return None


def head_if_any(root: Path) -> str | None:
    """Commit id of HEAD, or None before the first commit."""
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except ToolFailed:
        return None


def dirty(root: Path, besides: Iterable[str]) -> list[str]:
    """Tracked files with uncommitted changes; none whose path starts with one of `besides`."""
    fields = iter(_fields(root, "status", "--porcelain", "-z", "--untracked-files=no"))
    paths = []
    for field in fields:
        paths.append(field[3:])
        if field[0] in "RC":  # the name it had before follows
            next(fields)
    return [path for path in paths if not path.startswith(tuple(besides))]


def tracked(root: Path, *paths: str) -> list[str]:
    """Files that git keeps at or below `paths`."""
    return _fields(root, "ls-files", "-z", "--", *paths)


def not_plain(root: Path) -> list[str]:
    """Symbolic links and submodules that git keeps."""
    entries = (entry.split("\t", 1) for entry in _fields(root, "ls-files", "-z", "--stage"))
    return [path for about, path in entries if about.split()[0] in (LINK, SUBMODULE)]


@dataclass(frozen=True)
class TreeEntry:
    """A file or folder of a revision: its mode, the id of its object, and its path."""

    mode: str
    id: str
    path: str


def entries(root: Path, revision: str, *, folders: bool = False) -> list[TreeEntry]:
    """The files of a revision, with `folders` these too. Raises ToolFailed if it is damaged."""
    how = ("-r", "-t") if folders else ("-r",)
    lines = _fields(root, "ls-tree", *how, "-z", "--full-tree", revision)
    pairs = (line.split("\t", 1) for line in lines)
    return [TreeEntry(about.split()[0], about.split()[2], path) for about, path in pairs]


def blobs(root: Path, ids: Iterable[str]) -> dict[str, bytes]:
    """The content of each blob, by its id. Raises ToolFailed if one cannot be read."""
    wanted = list(dict.fromkeys(ids))
    given = "".join(f"{name}\n" for name in wanted).encode()
    rest = programs.output(command("cat-file", "--batch"), root, given)
    found = {}
    for name in wanted:
        head, _, rest = rest.partition(b"\n")
        words = head.split()
        if len(words) != 3:
            raise ToolFailed(f"git lacks the object {name} in {root}; run `labelcycle check`")
        size = int(words[2])
        found[name], rest = rest[:size], rest[size + 1 :]
    return found


def remotes(root: Path) -> list[str]:
    """Names of git's remotes."""
    return _git(root, "remote").splitlines()


def push_address(root: Path, remote: str) -> str:
    """Where `git push` goes for a remote."""
    return _git(root, "remote", "get-url", "--push", remote)


def has_commit(root: Path, identifier: str) -> bool:
    """Whether HEAD's history holds a commit."""
    try:
        _git(root, "merge-base", "--is-ancestor", identifier, "HEAD")
    except ToolFailed:
        return False
    return True


def present(root: Path, *patterns: str) -> list[str]:
    """Files of the folder whose path fits a pattern, tracked or not, without ignored ones."""
    how = ("--cached", "--others", "--exclude-standard")
    files = _fields(root, "ls-files", "-z", *how, "--", *patterns)
    return sorted({path for path in files if (root / path).exists()})


def commit(root: Path, paths: Iterable[str], message: str) -> str:
    """Commit the present state of `paths` if it differs from HEAD; the id of HEAD then."""
    there = [path for path in paths if (root / path).exists()]
    _git(root, "add", "--all", "--", *there)
    if _git(root, "status", "--porcelain", "--untracked-files=no", "--", *there):
        _git(root, "commit", "-q", "--no-verify", "-m", message, "--", *there)
    return head(root)


def commits_of(root: Path, *paths: str) -> list[str]:
    """Ids of all commits of all branches and tags that change one of `paths`, newest first."""
    return _git(root, "rev-list", "--all", "HEAD", "--full-history", "--", *paths).split()


def content_at(root: Path, commit: str, path: str) -> bytes | None:
    """Content of a file in a commit; None if it is not in it."""
    found = [entry.id for entry in entries(root, commit) if entry.path == path]
    return blobs(root, found)[found[0]] if found else None


def head(root: Path, revision: str = "HEAD") -> str:
    """Commit id of a revision."""
    return _git(root, "rev-parse", f"{revision}^{{commit}}")


def first_commits(root: Path) -> list[str]:
    """Ids of the commits without an earlier one; several if histories were put together."""
    return _git(root, "rev-list", "--max-parents=0", "HEAD").split()


def tags(root: Path) -> frozenset[str]:
    """All tags."""
    return frozenset(_git(root, "tag", "--list").split())


def tag(root: Path, name: str, message: str) -> None:
    """Tag HEAD."""
    _git(root, "tag", "-a", name, "-m", message)


def show(root: Path, revision: str, path: str) -> bytes:
    """Content of a file as committed at a revision."""
    return programs.output(command("cat-file", "blob", f"{revision}:{path}"), root)


def switch(root: Path, revision: str) -> None:
    """Put the files of a clone at a revision."""
    _git(root, "-c", "advice.detachedHead=false", "checkout", "-q", "--force", revision)


@contextmanager
def clone(root: Path, revision: str) -> Iterator[Path]:
    """A temporary clone of the repository at `revision`, removed afterwards.

    It is on the campaign's own disk: /tmp may be small, and DVC can link what it brings there.
    """
    private = root / layout.PRIVATE
    private.mkdir(mode=0o700, exist_ok=True)
    _remove_old_clones(private)
    with TemporaryDirectory(prefix=REBUILT, dir=private) as folder:
        target = Path(folder) / "campaign"
        _git(root, "clone", "-q", "--no-checkout", str(root), str(target))
        switch(target, revision)
        yield target
        shutil.rmtree(target, ignore_errors=True)


def _remove_old_clones(private: Path) -> None:
    """Remove the clones of processes that were killed."""
    for folder in private.glob(f"{REBUILT}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > OLD_S:
                shutil.rmtree(folder, ignore_errors=True)
