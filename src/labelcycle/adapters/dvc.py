"""DVC: decides whether a stage runs, keeps what is big."""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import yaml

from labelcycle.adapters import programs
from labelcycle.errors import DataError, ToolFailed
from labelcycle.store import write_bytes

# Images are written once and never rewritten, so links are safe and save a copy.
SETTINGS = """\
[core]
    analytics = false
    check_update = false
    autostage = false
[cache]
    type = "reflink,hardlink,copy"
"""


# Somebody's `dvc status` beside us is waited for.
PROGRAM = (sys.executable, "-m", "labelcycle.adapters.dvc_program", "--wait-for-lock")


def _dvc(root: Path, *arguments: str) -> str:
    return programs.run([*PROGRAM, *arguments], root)


def init(root: Path) -> None:
    """Make `root` a DVC repository, unless it is one."""
    if not (root / ".dvc").exists():
        _dvc(root, "init")
    config = root / ".dvc" / "config"
    if not config.read_text(encoding="utf-8").strip():
        write_bytes(config, SETTINGS.encode())


def add(root: Path, paths: Iterable[str]) -> None:
    """Put files or folders under DVC, in their present state."""
    _dvc(root, "add", *paths)


def repro(root: Path, stage: str) -> None:
    """Bring one stage, and what it needs, up to date; what is up to date already is skipped.

    The stage speaks to the user on standard error, and so does DVC about what went wrong.
    """
    try:
        programs.show([*PROGRAM, "repro", stage], root)
    except ToolFailed as error:
        raise ToolFailed(
            f"stage {stage} failed; its own message stands above; mend that, then run the same"
            " command again"
        ) from error


def has_remote(root: Path) -> bool:
    """True if there is a remote to push to."""
    return bool(_dvc(root, "remote", "list"))


def push(root: Path) -> None:
    """Copy everything tracked to the remote."""
    _dvc(root, "push")


def restore(root: Path, origin: Path, targets: Iterable[str]) -> None:
    """Bring `targets` into the clone `root`, from the cache of `origin` or else from the remote.

    Raises DataError that names the target that neither has.
    """
    cache = _dvc(origin, "cache", "dir")
    own = origin / ".dvc" / "config.local"  # addresses and credentials of the remote
    if own.exists():
        shutil.copy(own, root / ".dvc" / "config.local")
    _dvc(root, "config", "--local", "cache.dir", str((origin / cache).resolve()))
    for target in targets:  # given several, `dvc checkout` brings only one of them
        try:
            _dvc(root, "checkout", target)
        except ToolFailed as missing:
            if not has_remote(root):
                raise DataError(
                    f"{target} as of this round is not in the campaign's cache, and there is no"
                    f" remote to fetch it from ({missing}); add one: dvc remote add -d NAME ADDRESS"
                ) from missing
            _dvc(root, "pull", target)


def recorded(root: Path, path: str) -> str:
    """DVC's digest of a file or folder that it keeps, as recorded in `root`; "none" if it does not.

    A hold-out that nobody has answered yet is no file.
    """
    record = root / f"{path}.dvc"
    if not record.exists():
        return "none"
    (out,) = yaml.safe_load(record.read_text(encoding="utf-8"))["outs"]
    return str(out["md5"])
