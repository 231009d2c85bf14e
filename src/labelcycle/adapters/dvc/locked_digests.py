"""Whether outputs of stages are as `dvc.lock` records them; DVC is not started for it."""

from collections.abc import Iterable
from pathlib import Path

import yaml

from labelcycle.adapters.dvc import object_digests


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
        return object_digests.of_file(path)
    listed = object_digests.list_of_folder(path)
    if listed is None:
        return None
    return object_digests.of_bytes(listed) + object_digests.FOLDER
