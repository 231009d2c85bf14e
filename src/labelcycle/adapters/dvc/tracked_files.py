"""What of DVC's a repository may hold beside the campaign's own pipeline: plain data, no more.

DVC reads every such file of a repository, wherever it lies, and obeys it: another dvc.yaml may
declare a command, a .dvc file may fetch from another repository or write outside the folder.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from labelcycle.adapters import git
from labelcycle.campaign import params_file, yaml_text
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
FOLDERS = (".dvc", "data", "work", "rounds")
FILES = (
    *("params.yaml", "dvc.yaml", "dvc.lock", "code.json", "schema.json", "again.json"),
    "campaign.json",
    *(".gitignore", ".gitattributes", ".gitmodules", ".dvcignore"),
    *(".dvc/config", ".dvc/config.local"),
)
"""What a campaign reads and writes at its top, and in DVC's folder."""
COMMAND = re.compile(r"labelcycle stage [a-z]+")
MADE = re.compile(r"work/[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
"""Where the campaign's stages write."""
KEPT: tuple[Any, ...] = (None, {"cache": False}, {"persist": True})
"""What a stage may say of an out: git has it instead of the cache; it stays while the stage runs.
"""
STAGE = frozenset({"cmd", "deps", "params", "outs", "metrics"})


def check_local(root: Path) -> None:
    """Raise StateError if git brought files that only this folder itself may make, or links."""
    check_links(root)
    found = git.tracked(root, *(f":(icase){place}" for place in UNTOUCHED))
    if found:
        top = _top(found[0])
        raise StateError(
            f"git keeps {found[0]}, but {top} is made by each folder itself and is"
            " believed there: in a clone it may send your keys to somebody; remove it with"
            f" `git rm -r -q {top}`, or, if you added it here by mistake, with"
            f" `git rm -r -q --cached {top}`; then commit"
        )


def check_links(root: Path) -> None:
    """Raise StateError if a file or folder that the campaign owns is a link; git is not asked."""
    for place in (*FOLDERS, *FILES):
        if (root / place).is_symlink():
            raise _link(place)


def check(root: Path) -> None:
    """Raise StateError if DVC would find more here than the campaign's pipeline and plain data."""
    check_data(root)
    reason = _not_ours(root / "dvc.yaml")
    if reason:
        raise StateError(
            f"dvc.yaml is not as labelcycle prints it: {reason}; DVC would obey it; run"
            " `labelcycle init .` to print it anew, look at `git diff dvc.yaml`"
        )


def check_data(root: Path) -> None:
    """Like `check`, but for the campaign's own dvc.yaml, which `init` prints anew."""
    check_local(root)
    own = tuple(f"{place}/" for place in FOLDERS)
    for path in git.not_plain(root):
        if f"{path.casefold()}/".startswith(own) or path.casefold() in FILES:
            raise _link(path)
    for path in git.present(root, *STAGES):
        if path in OWN:
            continue
        if path.endswith(".dvc"):
            reason = _not_plain(root, PurePosixPath(path))
            if reason is None:
                continue
        else:
            reason = "it may declare commands that DVC runs"
        raise StateError(
            f"{path} is no part of the campaign: {reason}; wanted the campaign's own dvc.yaml and"
            " .dvc files that name data beside them; remove it, or keep it in another repository"
        )


def _link(path: str) -> StateError:
    return StateError(
        f"{path} is a symbolic link or a submodule, through which files outside the"
        " campaign would be read and written; wanted a plain file or folder; remove it"
    )


def _top(path: str) -> str:
    """The part of a path that is one of UNTOUCHED, as it is written."""
    low = path.casefold()
    place = next(place for place in UNTOUCHED if f"{low}/".startswith(f"{place}/"))
    return path[: len(place)]


def _not_ours(path: Path) -> str | None:
    """What of the campaign's dvc.yaml no version of labelcycle prints, or None.

    Every stage is one of labelcycle's and writes below work/. So a pull, which obeys it before it
    is compared with what this version prints, brings files to no other place.
    """
    if not path.exists():
        return None
    try:
        content = yaml_text.values(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return f"it cannot be read ({' '.join(str(error).split())[:100]})"
    if not isinstance(content, dict) or set(content) != {"stages"}:
        return "it holds something else than stages"
    stages = content["stages"]
    for name, stage in stages.items() if isinstance(stages, dict) else [("stages", None)]:
        if not isinstance(stage, dict) or not stage.keys() <= STAGE:
            return f"the stage {str(name)!r} has settings of other kinds"
        if not COMMAND.fullmatch(str(stage.get("cmd"))):
            return f"the stage {str(name)!r} runs another command"
        for out in (*_listed(stage, "outs"), *_listed(stage, "metrics")):
            where, cached = (out, None) if isinstance(out, str) else _single(out)
            if cached not in KEPT or not MADE.fullmatch(str(where)):
                return f"the stage {str(name)!r} writes {out!r}"
    return None


def _listed(stage: dict[str, Any], key: str) -> list[Any]:
    found = stage.get(key, [])
    return found if isinstance(found, list) else [None]


def _single(out: Any) -> tuple[Any, Any]:
    return next(iter(out.items())) if isinstance(out, dict) and len(out) == 1 else ("", None)


def _not_plain(root: Path, file: PurePosixPath) -> str | None:
    """What of a .dvc file is more than the name and digest of data beside it, or None."""
    if (root / file).is_symlink():
        return "it is a link"
    try:
        content = yaml.safe_load((root / file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return f"it cannot be read ({' '.join(str(error).split())[:100]})"
    if not isinstance(content, dict):
        return "it holds no mapping"
    more = sorted(map(str, content.keys() - PLAIN))
    if more:
        return f"it has {', '.join(more)}"
    outs = content.get("outs")
    for out in outs if isinstance(outs, list) else [None]:
        reason = _not_plain_out(out) or _not_data(root, file.parent, out)
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


def _not_data(root: Path, folder: PurePosixPath, out: Any) -> str | None:
    """Why an out of a .dvc file in `folder` is no place for a campaign's data, or None.

    Data are below data/, and where the settings name a file of ready-made features. A checkout
    writes what is at that path anew, by bytes that nobody here has seen.
    """
    path = folder / out["path"]
    named = str(path) == _named(root)
    if not named and path.parts[:-1][:1] != ("data",):
        return f"its data are no data of the campaign ({str(path)!r} is not below data/)"
    top = path.parts[0].casefold()
    if any(part.startswith(".") for part in path.parts) or top in (*FOLDERS[2:], *FILES):
        return f"its data have a place of the campaign's own files ({str(path)!r})"
    if path.name.casefold().endswith((".dvc", "dvc.yaml", "dvc.lock")):
        return f"its data are what DVC would obey ({str(path)!r})"
    return None


def _named(root: Path) -> str | None:
    """The file that the encoder's options in params.yaml name, if it is written plainly."""
    try:
        found = params_file.named_file((root / "params.yaml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return None
    return None if found is None else str(PurePosixPath(found[1]))
