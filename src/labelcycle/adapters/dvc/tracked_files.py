"""What of DVC's a repository may hold beside the campaign's own pipeline: plain data, no more.

DVC reads every such file of a repository, wherever it lies, and obeys it: another dvc.yaml may
declare a command, a .dvc file may fetch from another repository or write outside the folder.
"""

from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from labelcycle.adapters import git
from labelcycle.errors import StateError

OWN = frozenset({"dvc.yaml", "dvc.lock"})
STAGES = ("dvc.yaml", "dvc.lock", "*/dvc.yaml", "*/dvc.lock", "*.dvc")
PLAIN = frozenset({"outs", "md5", "desc", "meta"})
"""Keys of a .dvc file that only says which data are meant."""
PLAIN_OUT = frozenset(
    {"path", "md5", "hash", "size", "nfiles", "isexec", "desc", "type", "labels", "meta"}
)
UNTOUCHED = (".dvc/config.local", ".dvc/tmp", ".dvc/cache")
"""What belongs to one folder alone and is believed there; git never has it of ours."""
PLACES = (".dvc", "data", "work", "rounds", "params.yaml", "dvc.yaml", "dvc.lock", "code.json")


def check_local(root: Path) -> None:
    """Raise StateError if git brought files that only this folder itself may make."""
    found = git.tracked(root, *UNTOUCHED)
    if found:
        raise StateError(
            f"git keeps {found[0]}, but {_top(found[0])} is made by each folder itself and is"
            " believed there: in a clone it may send your keys to somebody; remove it with"
            f" `git rm -r -q {_top(found[0])}`, or, if you added it here by mistake, with"
            f" `git rm -r -q --cached {_top(found[0])}`; then commit"
        )


def check(root: Path) -> None:
    """Raise StateError if DVC would find more here than the campaign's pipeline and plain data."""
    check_local(root)
    for path in git.not_plain(root):
        if path.startswith(tuple(f"{place}/" for place in PLACES)) or path in PLACES:
            raise StateError(
                f"{path} is a symbolic link or a submodule, through which files outside the"
                " campaign would be read and written; wanted a plain file or folder; remove it"
            )
    for path in git.present(root, *STAGES):
        if path in OWN:
            continue
        if path.endswith(".dvc"):
            reason = _not_plain(root / path)
            if reason is None:
                continue
        else:
            reason = "it may declare commands that DVC runs"
        raise StateError(
            f"{path} is no part of the campaign: {reason}; wanted the campaign's own dvc.yaml and"
            " .dvc files that name data beside them; remove it, or keep it in another repository"
        )


def _top(path: str) -> str:
    return next(place for place in UNTOUCHED if path == place or path.startswith(f"{place}/"))


def _not_plain(path: Path) -> str | None:
    """What of a .dvc file is more than the name and digest of data beside it, or None."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return f"it cannot be read ({' '.join(str(error).split())[:100]})"
    if not isinstance(content, dict):
        return "it holds no mapping"
    more = sorted(map(str, content.keys() - PLAIN))
    if more:
        return f"it has {', '.join(more)}"
    outs = content.get("outs")
    for out in outs if isinstance(outs, list) else [None]:
        reason = _not_plain_out(out)
        if reason:
            return reason
    return None


def _not_plain_out(out: Any) -> str | None:
    if not isinstance(out, dict) or not isinstance(out.get("path"), str):
        return "its outs are not as DVC writes them"
    more = sorted(map(str, out.keys() - PLAIN_OUT))
    if more:
        return f"an out has {', '.join(more)}"
    name = out["path"]
    if PurePosixPath(name).name != name or name in (".", ".."):
        return f"an out is not beside it ({name!r})"
    return None
