"""Whether outputs of stages are as `dvc.lock` records them; DVC is not started for it."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import yaml


def match(root: Path, outs: Iterable[str]) -> bool:
    """True if each of `outs` is in `root`, with the bytes whose digest `dvc.lock` records.

    False for what is missing, is or holds a link, or is recorded by another kind of digest.
    """
    try:
        stages = yaml.safe_load((root / "dvc.lock").read_text(encoding="utf-8"))["stages"]
        entries = [out for stage in stages.values() for out in stage.get("outs", ())]
        recorded = {out["path"]: out["md5"] for out in entries}
        return all(recorded[out] == _digest(root / out) for out in outs)
    except (OSError, KeyError, TypeError, AttributeError, yaml.YAMLError):
        return False


def _digest(path: Path) -> str | None:
    """DVC's digest of a file, or of the list of a folder's files; None where a link is met."""
    if path.is_symlink():
        return None
    if path.is_file():
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest()
    if not path.is_dir():
        return None
    entries = []
    for file in sorted(path.rglob("*"), key=lambda file: file.relative_to(path).as_posix()):
        if file.is_symlink():
            return None
        if file.is_file():
            name = file.relative_to(path).as_posix()
            entries.append({"md5": _digest(file), "relpath": name})
    listed = json.dumps(entries, sort_keys=True).encode()
    return f"{hashlib.md5(listed).hexdigest()}.dir"
