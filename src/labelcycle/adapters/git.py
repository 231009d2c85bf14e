"""git, as a campaign uses it: it keeps what is small and readable."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from labelcycle.adapters import programs
from labelcycle.errors import StateError, ToolFailed

# What git does in the background would hold the campaign's lock after we have ended.
QUIET = ("-c", "gc.autoDetach=false", "-c", "maintenance.autoDetach=false")


def _git(root: Path, *arguments: str) -> str:
    return programs.run(["git", *QUIET, *arguments], root)


def init(root: Path) -> None:
    """Make `root` a git repository, unless it is the top of one."""
    if not (root / ".git").exists():
        _git(root, "init", "-q", "-b", "main")


def check_usable(root: Path) -> None:
    """Raise StateError unless `root` is the top of a repository."""
    if not (root / ".git").exists():
        raise StateError(
            f"{root} is not a campaign: wanted a git repository with params.yaml;"
            " go to a campaign's folder or run `labelcycle init DIR`"
        )


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


def check_head(root: Path, tag: str | None) -> None:
    """Raise StateError unless HEAD is a branch that holds the commit of `tag`."""
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
            raise StateError(
                f"branch {branch} does not hold {tag}, the last closed round;"
                " switch to the branch that does, or merge it"
            ) from error


def changed(root: Path, path: str) -> bool:
    """True if a tracked file differs from HEAD."""
    return bool(_git(root, "status", "--porcelain", "--untracked-files=no", "--", path))


def tracked(root: Path, pattern: str) -> list[str]:
    """The files that git tracks, or is about to, and that match a pathspec."""
    names = programs.output(["git", *QUIET, "ls-files", "-z", "--", pattern], root)
    return [name.decode(errors="replace") for name in names.split(b"\0") if name]


def dirty(root: Path, own: Iterable[str]) -> list[str]:
    """Tracked files with uncommitted changes, besides those whose path starts with one of `own`."""
    lines = _git(root, "status", "--porcelain", "--untracked-files=no").splitlines()
    paths = [line.strip().split(maxsplit=1)[1].split(" -> ")[-1].strip('"') for line in lines]
    return [path for path in paths if not path.startswith(tuple(own))]


def commit(root: Path, paths: Iterable[str], message: str) -> str:
    """Commit the present state of `paths` if it differs from HEAD; the id of HEAD then."""
    present = [path for path in paths if (root / path).exists()]
    _git(root, "add", "--all", "--", *present)
    if _git(root, "status", "--porcelain", "--untracked-files=no", "--", *present):
        _git(root, "commit", "-q", "--no-verify", "-m", message, "--", *present)
    return head(root)


def head(root: Path, revision: str = "HEAD") -> str:
    """Commit id of a revision."""
    return _git(root, "rev-parse", f"{revision}^{{commit}}")


def root_commit(root: Path) -> str:
    """Id of the first commit: it names the campaign in Label Studio and MLflow, in every clone."""
    return _git(root, "rev-list", "--max-parents=0", "HEAD").splitlines()[-1]


def tags(root: Path) -> frozenset[str]:
    """All tags."""
    return frozenset(_git(root, "tag", "--list").split())


def tag(root: Path, name: str, message: str) -> None:
    """Tag HEAD."""
    _git(root, "tag", "-a", name, "-m", message)


def show(root: Path, revision: str, path: str) -> bytes:
    """Content of a file as committed at a revision."""
    return programs.output(["git", "cat-file", "blob", f"{revision}:{path}"], root)


def switch(root: Path, revision: str) -> None:
    """Put the files of a clone at a revision."""
    _git(root, "-c", "advice.detachedHead=false", "checkout", "-q", "--force", revision)


@contextmanager
def clone(root: Path, revision: str) -> Iterator[Path]:
    """A temporary clone of the repository at `revision`, removed afterwards."""
    with TemporaryDirectory(prefix="labelcycle-") as folder:
        target = Path(folder) / "campaign"
        _git(root, "clone", "-q", "--no-checkout", str(root), str(target))
        switch(target, revision)
        yield target
        shutil.rmtree(target, ignore_errors=True)
