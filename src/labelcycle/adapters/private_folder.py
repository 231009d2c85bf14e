"""The folder `.labelcycle`: closed to other accounts, and never taken from somebody else.

It names the servers that the campaign's secrets go to. So a clone must not bring it along.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path

from labelcycle.adapters import git
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.errors import StateError

FOLDER, FILE = 0o700, 0o600


def secure(campaign: Campaign) -> None:
    """Make the folder of a campaign, or close the one that is there to other accounts.

    Raises StateError if git tracks something in it, if it is a link, or if somebody else owns it;
    and likewise for the record of services, which must be readable for its owner alone.
    """
    folder = campaign.private
    if not os.path.lexists(folder):
        if campaign.params.exists():
            folder.mkdir(FOLDER)
        return
    _check_owner(folder, stat.S_ISDIR, "a folder")
    _check_untracked(campaign)
    folder.chmod(FOLDER)
    check_record(campaign)


def check_record(campaign: Campaign) -> None:
    """Raise StateError unless the record of services is ours alone, or is not there."""
    path = campaign.services
    if not os.path.lexists(path):
        return
    mode = stat.S_IMODE(_check_owner(path, stat.S_ISREG, "a file").st_mode)
    if mode & ~FILE:
        raise StateError(
            f"{path} has mode {mode:04o}; wanted {FILE:04o}, as `labelcycle up` writes it: it holds"
            f" passwords and says where they go; if it is yours run `chmod 600 {path}`, else"
            " remove it"
        )


def keep_compiled(folder: Path) -> None:
    """Have torch.compile keep what it makes in a folder that no other account opens.

    torch's own choice is below /tmp, under a name that another account may take first, and torch
    unpickles and loads what lies there. What the environment names already wins.
    """
    for name, place in {
        "TORCHINDUCTOR_CACHE_DIR": "inductor",
        "TRITON_CACHE_DIR": "triton",
    }.items():
        os.environ.setdefault(name, str(folder.absolute() / place))


def closed(folder: Path) -> Path:
    """The folder, made if need be, and closed to other accounts. Raises StateError for a link."""
    if not os.path.lexists(folder):
        folder.mkdir(FOLDER)
    _check_owner(folder, stat.S_ISDIR, "a folder")
    folder.chmod(FOLDER)
    return folder


def _check_owner(path: Path, right: Callable[[int], bool], kind: str) -> os.stat_result:
    """The state of a path. Raises StateError unless it is of that kind, ours and no link."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode) or not right(status.st_mode):
        got = "a link" if stat.S_ISLNK(status.st_mode) else "something else"
        raise StateError(f"{path} is {got}; wanted {kind} that labelcycle made; remove it")
    if status.st_uid != os.geteuid():
        raise StateError(
            f"{path} belongs to the account {status.st_uid}; wanted it to be ours"
            f" ({os.geteuid()}): work as that account, or remove it"
        )
    return status


def _check_untracked(campaign: Campaign) -> None:
    """Raise StateError if git tracks anything of the folder, whatever the case of its name."""
    if not (campaign.root / ".git").exists():
        return
    tracked = git.tracked(campaign.root, f":(icase){campaign.private.name}")
    if tracked:
        raise StateError(
            f"git tracks {tracked[0]!r}, as if services of somebody else were this campaign's;"
            " wanted nothing of .labelcycle in git; whoever sent you this campaign may be after"
            f" your passwords; if not run `git rm -r --cached {campaign.private.name}` and commit"
        )
