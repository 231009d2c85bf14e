"""DVC's cache and its remote as folders of objects that are named by their digest.

DVC itself trusts what is there: an object that is read-only is never read before it is used, and
one that can be written is deleted if it is damaged, without a look at where else it may be.
"""

import secrets
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from labelcycle.adapters.dvc import commands, object_digests
from labelcycle.adapters.dvc.object_digests import FOLDER
from labelcycle.errors import DataError, ServiceDown, ToolFailed

if TYPE_CHECKING:
    from dvc_objects.db import ObjectDB
    from dvc_objects.fs.base import FileSystem

StoreKind = Literal["cache", "remote"]
OBJECTS = ("files", "md5")
"""Folders of a cache or remote below which DVC 3 keeps objects."""
HALF = ".tmp"
"""Ends the hidden name of a file that DVC is writing."""
STILL_S = 600
"""Seconds without a write from which nobody is taken to be writing it."""
ASIDE = "damaged"
"""Folder beside them for what is damaged and has no good copy yet."""
READ_ONLY = 0o444
"""Mode of what DVC's cache has."""


def wanted_digest(oid: str) -> str:
    """The md5 that an object's bytes have, by its name."""
    return oid.removesuffix(FOLDER)


class ObjectStore:
    """The cache or the remote of a campaign. A digest is read once; `forget` has it read again.

    All methods raise ServiceDown if the remote does not answer, and DataError if the cache cannot
    be written.
    """

    def __init__(self, kind: StoreKind, files: "FileSystem", folder: str) -> None:
        self.kind = kind
        self.folder = folder
        self._files = files
        self._read: dict[str, str | None] = {}

    def place(self, oid: str) -> str:
        """Where an object lies."""
        return str(self._files.join(self.folder, *OBJECTS, oid[:2], oid[2:]))

    def present(self, oids: Collection[str]) -> set[str]:
        """Those of `oids` that are there, good or damaged."""
        if self._files.protocol == "local":
            return {oid for oid in oids if Path(self.place(oid)).is_file()}
        with _Told(self.kind):
            return set(self._objects().oids_exist(oids))  # type: ignore[no-untyped-call]

    def all(self) -> list[str]:
        """Every object that is there, of whichever campaign."""
        with _Told(self.kind):
            return list(self._objects().all())  # type: ignore[no-untyped-call]

    def remove(self, oids: Collection[str]) -> int:
        """Delete objects, and what was set aside or half written of them; how many were there."""
        there = self.present(oids)
        objects = self._objects()
        with _Told(self.kind):
            for oid in sorted(there):
                objects.delete(oid)
                self.forget(oid)
            aside = self._files.join(self.folder, ASIDE)
            if self._files.exists(aside):
                for path in self._files.ls(aside, detail=False):
                    if str(self._files.name(path)).rpartition("-")[0] in oids:
                        self._files.remove(path)
            if self._files.protocol == "local":
                for part in {oid[:2] for oid in oids}:
                    _sweep(Path(self.folder, *OBJECTS, part))
        return len(there)

    def _objects(self) -> "ObjectDB":
        from dvc_objects.db import ObjectDB

        return ObjectDB(self._files, self._files.join(self.folder, *OBJECTS))

    def digest(self, oid: str) -> str | None:
        """The md5 of an object as it is; None if it is not there, empty if it cannot be read."""
        if oid not in self._read:
            self._read[oid] = self._digest(oid)
        return self._read[oid]

    def good(self, oid: str) -> bool:
        """Whether the object is there, with the bytes that it is named by."""
        return self.digest(oid) == wanted_digest(oid)

    def _digest(self, oid: str) -> str | None:
        try:
            with self._files.open(self.place(oid), "rb") as stream:
                return object_digests.of_stream(stream)
        except FileNotFoundError:
            return None
        except Exception as error:  # each kind of remote has errors of its own
            if self._files.protocol == "local":  # a bad sector, or no right to read
                return ""
            raise _away(self.kind, error) from error

    def forget(self, oid: str) -> None:
        """Have an object read again."""
        self._read.pop(oid, None)

    def fetch(self, oid: str, to: Path) -> None:
        """Copy an object into a file."""
        with _Told(self.kind):
            self._files.get_file(self.place(oid), str(to))

    def read(self, oid: str) -> bytes:
        """The bytes of an object."""
        with _Told(self.kind):
            content: bytes = self._files.cat_file(self.place(oid))
            return content

    def put(self, oid: str, file: Path) -> bool:
        """Put the bytes of a file in an object's place; True once they can be read there.

        What was there is kept aside until then.
        """
        aside = self.set_aside(oid)
        with _Told(self.kind):
            self._files.put_file(str(file), self.place(oid))
        if self.kind == "cache":
            with suppress(OSError):  # a file system without modes
                Path(self.place(oid)).chmod(READ_ONLY)
        self.forget(oid)
        if not self.good(oid):
            return False
        if aside:
            with _Told(self.kind):
                self._files.remove(aside)
        return True

    def set_aside(self, oid: str) -> str | None:
        """Move a damaged object to where DVC does not find it; its new place, None if none was."""
        self.forget(oid)
        place = self.place(oid)
        aside = str(self._files.join(self.folder, ASIDE, f"{oid}-{secrets.token_hex(4)}"))
        with _Told(self.kind):
            if not self._files.exists(place):
                return None
            self._files.makedirs(self._files.parent(aside), exist_ok=True)
            self._files.mv(place, aside)
        return aside

    def same_file(self, oid: str, path: Path) -> bool:
        """Whether a file is the object itself, by a link."""
        if self._files.protocol != "local":
            return False
        try:
            return path.samefile(self.place(oid))
        except OSError:
            return False


def _sweep(folder: Path) -> None:
    """Remove what a killed DVC left there. Its name does not tell which object it is of."""
    for path in folder.glob(f".*{HALF}"):
        if time.time() - path.stat().st_mtime > STILL_S:
            path.unlink(missing_ok=True)


class _Told:
    """Turns what a file system raises into an error of ours."""

    def __init__(self, kind: StoreKind) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            raise _away(self._kind, error) from error


def _away(kind: StoreKind, error: Exception) -> ServiceDown | DataError:
    words = " ".join(str(error).split())[:200] or type(error).__name__
    if kind == "remote":
        return ServiceDown(
            f"DVC's remote cannot be used: {words}; see that it can be reached, with"
            " `dvc push`, then run the same command again"
        )
    return DataError(
        f"DVC's cache cannot be used: {words}; free some space or mend the folder, then run the"
        " same command again"
    )


def cache(root: Path) -> ObjectStore:
    """The cache of the campaign in `root`, wherever DVC's settings have it."""
    from dvc.fs import LocalFileSystem  # type: ignore[import-untyped]

    return ObjectStore("cache", LocalFileSystem(), str(commands.cache_folder(root)))


def remote(root: Path) -> ObjectStore | None:
    """The remote that DVC pushes to by itself; None if there is none.

    Raises StateError for one that came along and nobody confirmed, ToolFailed for settings that
    cannot be used, and for a remote that keeps files by their names and versions.
    """
    from dvc.exceptions import DvcException  # type: ignore[import-untyped]
    from dvc.fs import get_cloud_fs

    settings = commands.settings(root)
    name = settings.get("core", {}).get("remote")
    if not name:
        return None
    try:
        kind, options, folder = get_cloud_fs(settings, name=name)
        if options.pop("worktree", False) or options.get("version_aware"):
            raise ToolFailed(
                f"DVC's remote {name!r} keeps files by versions of its own (version_aware):"
                " labelcycle cannot read it back; use a remote without that setting"
            )
        return ObjectStore("remote", kind(**options), folder)
    except DvcException as error:
        raise ToolFailed(f"DVC's remote {name!r} cannot be used: {error}") from error
