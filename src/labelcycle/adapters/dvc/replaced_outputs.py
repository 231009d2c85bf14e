"""Has DVC's records name other objects than they did, as after samples were withdrawn."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from labelcycle.adapters import git
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.adapters.dvc.recorded_outputs import LOCK
from labelcycle.campaign.atomic_files import write_bytes

Objects = Mapping[str, str]
"""From the digest of an object to that of what stands for it; empty if nothing does."""


def replace(
    root: Path, objects: Objects, files: Callable[[str], int | None] = lambda _: None
) -> None:
    """Rewrite the .dvc files and dvc.lock of the folder `root` that name one of the objects.

    files : how many files a folder's list has, by its digest; None if that is not known

    What a stage needed stays as it was: with other inputs, DVC runs the stage again. A stage one of
    whose outs nothing stands for is taken out, as if it had never run.
    """
    for name in git.present(root, "*.dvc"):
        record = _read(root / name)
        if any([_changed(out, objects, files) for out in record["outs"]]):
            _write(root / name, record)
    lock = root / LOCK
    if not lock.exists():
        return
    record = _read(lock)
    stages = record.get("stages", {})
    changed = False
    for name, stage in list(stages.items()):
        if any(objects.get(out.get("md5")) == "" for out in stage.get("outs", ())):
            del stages[name]
            changed = True
        else:
            changed |= any([_changed(out, objects, files) for out in stage.get("outs", ())])
    if changed:
        _write(lock, record)


def _changed(out: dict[str, Any], objects: Objects, files: Callable[[str], int | None]) -> bool:
    """Whether an out names another object than before; then without its size, which may lack."""
    new = objects.get(str(out.get("md5")))
    if not new:
        return False
    out["md5"] = new
    out.pop("size", None)
    out.pop("nfiles", None)
    count = files(new) if new.endswith(FOLDER) else None
    if count is not None:
        out["nfiles"] = count
    return True


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _write(path: Path, record: Any) -> None:
    write_bytes(path, yaml.safe_dump(record, sort_keys=False, allow_unicode=True).encode())
