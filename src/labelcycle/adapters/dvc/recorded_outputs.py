"""What DVC is to keep of a revision, read from what git has of it: nothing is checked out."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from labelcycle.adapters import git
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.campaign import yaml_text
from labelcycle.errors import DataError

LOCK, STAGES = "dvc.lock", "dvc.yaml"


@dataclass(frozen=True, order=True)
class Output:
    """A file or folder that DVC keeps.

    path : below the campaign's folder
    oid : DVC's digest, the md5 in hex digits; of a folder it ends with .dir
    """

    path: str
    oid: str

    @property
    def folder(self) -> bool:
        """True for a folder."""
        return self.oid.endswith(FOLDER)


def at(root: Path, revision: str) -> list[Output]:
    """The outputs of a revision. Raises ToolFailed or DataError if git or a file is damaged."""
    files = {
        entry.path: entry.id
        for entry in git.entries(root, revision)
        if entry.path.endswith(".dvc") or entry.path in (LOCK, STAGES)
    }
    contents = git.blobs(root, files.values())
    return of_texts({path: contents[name] for path, name in files.items()}, revision)


def here(root: Path) -> list[Output]:
    """The outputs that the files in the folder record now."""
    paths = [*git.present(root, "*.dvc"), LOCK, STAGES]
    files = {path: root / path for path in paths if (root / path).is_file()}
    return of_texts({path: file.read_bytes() for path, file in files.items()}, "this folder")


def of_texts(texts: Mapping[str, bytes], where: str) -> list[Output]:
    """The outputs that .dvc files and dvc.lock record, by their paths and contents."""
    try:
        uncached = set(_uncached(_values(texts.get(STAGES, b""))))
        found = set()
        for path, text in texts.items():
            if path == STAGES:
                continue
            entries = _locked(_values(text)) if path == LOCK else _values(text)["outs"]
            folder = PurePosixPath("." if path == LOCK else path).parent
            for out in entries:
                name = str(folder / out["path"])
                # What DVC 2 kept has no `hash`, another digest, and lies elsewhere.
                if out.get("hash") == "md5" and name not in uncached:
                    found.add(Output(name, str(out["md5"])))
    except (KeyError, TypeError, AttributeError, ValueError, yaml.YAMLError) as error:
        raise DataError(
            f"what DVC keeps in {where} cannot be read: {error!r:.200}; restore its .dvc files"
            " and dvc.lock with git"
        ) from error
    return sorted(found)


def _values(text: bytes) -> Any:
    return yaml_text.values(text.decode()) or {}


def _locked(lock: Any) -> Iterator[Any]:
    for stage in lock.get("stages", {}).values():
        yield from stage.get("outs", ())


def _uncached(declared: Any) -> Iterator[str]:
    """Paths that a stage writes and git keeps."""
    for stage in declared.get("stages", {}).values():
        for out in (*stage.get("outs", ()), *stage.get("metrics", ())):
            if isinstance(out, dict):
                yield from (path for path, how in out.items() if how.get("cache") is False)


def listed(content: bytes) -> list[tuple[str, str]]:
    """Path and digest of each file of a folder, from DVC's list of them.

    Raises DataError for a list that cannot be read, or with a name that leads out of the folder.
    """
    try:
        files = [(str(entry["relpath"]), str(entry["md5"])) for entry in json.loads(content)]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"a folder's list of files is not as DVC writes it: {error!r}") from error
    for name, _ in files:
        if leads_out(name):
            raise DataError(
                f"a folder's list of files names {name!r}, which leads out of the folder;"
                " do not use data of whoever made it"
            )
    return files


def leads_out(name: str) -> bool:
    """True for a name that is not one of a file below its folder."""
    parts = name.replace("\\", "/").split("/")
    return bool({"", ".", "..", ".git"} & set(parts)) or "\0" in name
