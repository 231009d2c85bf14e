"""One small text at a ref of git's remote that only one of several writers can replace.

A push with `--force-with-lease` compares the ref with what the writer knows and replaces it in one
step, on any server that git can push to. The text is that of a commit without files.
"""

import os
from pathlib import Path

from labelcycle.adapters import git, programs
from labelcycle.adapters.address_logins import text_without_logins
from labelcycle.errors import ServiceDown

REF = "refs/labelcycle/lease"
TIMEOUT_S = 30.0
NOBODY = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oConnectTimeout=10",
}
"""A flow at night has nobody who types a password."""
IDENTITY = ("-c", "user.name=labelcycle", "-c", "user.email=labelcycle@localhost")
NONE = ""
"""The id of a ref that is not there."""


def address(root: Path) -> str | None:
    """Where the ref is: git's remote that the branch follows, else `origin`, else the only one.

    None without such a remote, and if it is a file: nothing can be pushed to a bundle.
    """
    names = git.remotes(root)
    if not names:
        return None
    _, branch = _attempt(root, "symbolic-ref", "--quiet", "--short", "HEAD")
    code, followed = _attempt(root, "config", f"branch.{branch}.remote")
    name = followed if code == 0 else "origin"
    if name not in names:
        if len(names) > 1:
            return None
        name = names[0]
    url = git.push_address(root, name)
    return None if (root / url).is_file() else url


def read(root: Path, url: str) -> str:
    """Id of what the ref holds now, `NONE` if nothing. Raises ServiceDown.

    One short question, whoever holds it.
    """
    code, said = _attempt(root, "ls-remote", "--", url, REF)
    if code != 0:
        raise _away(url, said)
    ids = [line.split()[0] for line in said.splitlines() if line.endswith(f"\t{REF}")]
    return ids[0] if ids else NONE


def text(root: Path, url: str, identifier: str) -> str:
    """The text with that id. Raises ServiceDown, also if another one was written meanwhile."""
    how = ("--quiet", "--no-tags", "--no-write-fetch-head")
    if _attempt(root, "cat-file", "-e", identifier)[0] != 0:
        code, said = _attempt(root, "fetch", *how, "--", url, REF)
        if code != 0:
            raise _away(url, said)
    code, said = _attempt(root, "show", "--no-patch", "--format=%B", identifier)
    if code != 0:
        raise _away(url, said)
    return said


def replace(root: Path, url: str, known: str, new: str) -> str | None:
    """Write `new` in the place of the text with the id `known`; the new id.

    known : `NONE` if the ref is not to be there

    None if something else is there: somebody was faster. Raises ServiceDown, also where the remote
    lets nobody push; it may be written all the same, if only the answer was lost.
    """
    tree = programs.run(git.command("mktree"), root)
    identifier = programs.run(git.command(*IDENTITY, "commit-tree", tree, "-m", new), root)
    lease = f"--force-with-lease={REF}:{known}"
    how = ("--quiet", "--no-verify", "--porcelain", lease)
    code, said = _attempt(root, "push", *how, "--", url, f"{identifier}:{REF}")
    if code == 0:
        return identifier
    present = read(root, url)
    if present == identifier:
        return identifier
    if present != known:
        return None
    raise _away(url, said)


def _attempt(root: Path, *words: str) -> tuple[int, str]:
    variables = _variables(root) if words[0] in ("ls-remote", "fetch", "push") else {}
    code, said = programs.attempt(git.command(*words), root, variables, TIMEOUT_S)
    return code, said.strip()


def _variables(root: Path) -> dict[str, str]:
    """The variables, but none that would come before a person's own setting."""
    variables = {name: value for name, value in NOBODY.items() if name not in os.environ}
    if programs.attempt(git.command("config", "core.sshCommand"), root)[0] == 0:
        variables.pop("GIT_SSH_COMMAND", None)
    return variables


def _away(url: str, said: str) -> ServiceDown:
    words = " | ".join(line.strip() for line in said.splitlines()[-2:])[:300]
    shown = text_without_logins(f"{url} does not answer as it should: {words or 'nothing'}")
    return ServiceDown(f"git's remote {shown}")
