"""The objects that git keeps: which are damaged, what they are of, and good ones in their place."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from labelcycle.adapters import git, programs
from labelcycle.errors import ToolFailed

OBJECT = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")
LOOSE = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{38}(?:[0-9a-f]{24})?)\b")
PACK = re.compile(r"objects/pack/(pack-[0-9a-f]+)\.(?:pack|idx|rev)")
FSCK = ("fsck", "--full", "--no-dangling", "--no-progress")
WORKING_TREE = "the working tree"


@dataclass(frozen=True)
class Fault:
    """An object, or a pack of them, that git cannot read.

    name : the object's id, or the pack's name; empty if git names none
    words : what git says of it, for a fault without a name
    """

    name: str
    state: Literal["damaged", "missing"]
    words: str = ""

    @property
    def pack(self) -> bool:
        """True for a pack of objects."""
        return self.name.startswith("pack-")


Names = Mapping[str, list[tuple[str, str]]]
"""By an object's id: the revisions that need it, each with the file's path or with words."""


def faults(root: Path) -> list[Fault]:
    """What `git fsck` cannot read. It may stop at the first, so ask again after a repair."""
    code, text = programs.attempt(git.command(*FSCK), root)
    if code == 0:
        return []
    packs = [Fault(name, "damaged") for name in dict.fromkeys(PACK.findall(text))]
    ids = [*("".join(parts) for parts in LOOSE.findall(text)), *OBJECT.findall(text)]
    objects = []
    for name in dict.fromkeys(ids):
        if f"pack-{name}" not in [pack.name for pack in packs] and _content(root, name) is None:
            there = bool(packs) or _loose(root, name).exists()
            objects.append(Fault(name, "damaged" if there else "missing"))
    if packs or objects:
        return packs + objects
    words = " | ".join(text.strip().splitlines()[-2:])
    return [Fault("", "damaged", words or f"git fsck ends with code {code}")]


def _content(root: Path, name: str) -> tuple[str, bytes] | None:
    """An object's kind and content; None if it cannot be read, or is another one's."""
    try:
        kind = programs.run(git.command("cat-file", "-t", name), root)
        content = programs.output(git.command("cat-file", kind, name), root)
    except ToolFailed:
        return None
    return (kind, content) if object_id(kind, content, len(name)) == name else None


def object_id(kind: str, content: bytes, digits: int = 40) -> str:
    """The id that git gives to a content; digits : 40, or 64 in a repository of sha256."""
    algorithm = hashlib.sha1 if digits == 40 else hashlib.sha256
    head = f"{kind} {len(content)}\0".encode()
    return algorithm(head + content, usedforsecurity=False).hexdigest()


def _folder(root: Path) -> Path:
    return root / programs.run(git.command("rev-parse", "--git-path", "objects"), root)


def _loose(root: Path, name: str) -> Path:
    return _folder(root) / name[:2] / name[2:]


def names(root: Path, revisions: Iterable[str]) -> Names:
    """What the objects of some revisions are, as far as these can be read."""
    found: dict[str, list[tuple[str, str]]] = {}
    for revision in revisions:
        for name, words in (*_tops(root, revision), *_files(root, revision)):
            found.setdefault(name, []).append((revision, words))
    return found


def _tops(root: Path, revision: str) -> Iterator[tuple[str, str]]:
    """A revision's tag, commit and tree: each names the next."""
    with suppress(ToolFailed):
        name = programs.run(git.command("rev-parse", revision), root)
        kinds = {"object": "the commit", "tree": "the list of files"}
        words = "the tag" if revision != "HEAD" else "the commit"
        while True:
            yield name, f"{words} of {revision}"
            kind = programs.run(git.command("cat-file", "-t", name), root)
            text = programs.output(git.command("cat-file", kind, name), root)
            key, _, name = text.split(b"\n", 1)[0].decode(errors="replace").partition(" ")
            if key not in kinds:
                return
            words = kinds[key]


def _files(root: Path, revision: str) -> Iterator[tuple[str, str]]:
    with suppress(ToolFailed):
        for entry in git.entries(root, revision, folders=True):
            yield entry.id, entry.path


def likely_source(root: Path, names: Names, name: str) -> str:
    """Where a good object may be, in words; empty if nowhere. git's remotes are not asked."""
    if _in_working_tree(root, names, name) is not None:
        return WORKING_TREE
    remotes = git.remotes(root)
    return f"git's remote {remotes[0]}, perhaps" if remotes else ""


def _in_working_tree(root: Path, names: Names, name: str) -> bytes | None:
    """The content of a file that a damaged object is of."""
    for _, path in names.get(name, ()):
        file = root / path
        if file.is_file() and not file.is_symlink():
            content = file.read_bytes()
            if object_id("blob", content, len(name)) == name:
                return content
    return None


def repair(
    root: Path, kept: Path, revisions: Iterable[str], say: Callable[[str, str], None]
) -> list[Fault]:
    """Put good objects in the place of damaged and missing ones; the faults that stay.

    kept : folder for what was damaged; it is removed once git is whole
    say : told of each object that was restored, by its name, and where it was found
    """
    with TemporaryDirectory(dir=kept.parent, prefix="git-") as folder:
        sources = _Sources(root, Path(folder), names(root, revisions))
        tried: set[Fault] = set()
        while left := faults(root):
            packs = [fault for fault in left if fault.pack and fault not in tried]
            # Once a pack is dealt with, fewer objects may be missing.
            todo = packs or [fault for fault in left if fault not in tried and not fault.pack]
            tried.update(todo)
            if not any([_restore(root, fault, kept, sources, say) for fault in todo]):
                return left
            sources.names = names(root, revisions)
    _remove(kept)
    return []


class _Sources:
    """Where a good object may be: the working tree, and git's remotes, cloned when first asked."""

    def __init__(self, root: Path, folder: Path, names: Names) -> None:
        self._root, self._folder = root, folder
        self._clones: dict[str, Path] | None = None
        self.names = names

    def find(self, name: str) -> tuple[str, str, bytes] | None:
        """An object's kind and content, behind the words for where it was found."""
        content = _in_working_tree(self._root, self.names, name)
        if content is not None:
            return WORKING_TREE, "blob", content
        for remote, clone in self._remotes().items():
            found = _content(clone, name)
            if found:
                return f"git's remote {remote}", *found
        return None

    def _remotes(self) -> dict[str, Path]:
        if self._clones is None:
            self._clones = {}
            for number, remote in enumerate(git.remotes(self._root)):
                clone = self._folder / str(number)
                with suppress(ToolFailed):  # it is away, or damaged as well
                    url = programs.run(git.command("remote", "get-url", remote), self._root)
                    words = ("clone", "-q", "--bare", "--", url, str(clone))
                    programs.run(git.command(*words), self._root)
                    self._clones[remote] = clone
        return self._clones


def _restore(
    root: Path, fault: Fault, kept: Path, sources: _Sources, say: Callable[[str, str], None]
) -> bool:
    """True if something was put right; a damaged object stays where it is if nothing can be."""
    if fault.pack:
        return _unpack(root, fault.name, kept)
    found = sources.find(fault.name) if fault.name else None
    if found is None:
        return False
    where, kind, content = found
    loose = _loose(root, fault.name)
    if loose.exists():
        _set_aside(loose, kept)
    words = git.command("hash-object", "-w", "-t", kind, "--stdin")
    programs.output(words, root, given=content)
    if _content(root, fault.name) is None:
        return False
    say(fault.name, where)
    return True


def _unpack(root: Path, name: str, kept: Path) -> bool:
    """Have git read the pack without its damaged index, or else take out of it what is whole."""
    folder = _folder(root) / "pack"
    pack = folder / f"{name}.pack"
    if not pack.exists():
        return False
    kept.mkdir(parents=True, exist_ok=True)
    index = kept / f"{name}.new.idx"
    code, _ = programs.attempt(git.command("index-pack", "-o", str(index), str(pack)), root)
    if code == 0:
        for path in sorted(folder.glob(f"{name}.*")):
            if path != pack:
                _set_aside(path, kept)
        index.replace(folder / f"{name}.idx")
        return True
    index.unlink(missing_ok=True)
    for path in sorted(folder.glob(f"{name}.*")):
        _set_aside(path, kept)
    # git ends with an error, for not all of it can be read
    with suppress(ToolFailed), (kept / pack.name).open("rb") as stream:
        programs.output(git.command("unpack-objects", "-r", "-q"), root, given=stream.read())
    return True


def _set_aside(path: Path, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    name = path.name if path.parent.name == "pack" else path.parent.name + path.name
    path.replace(kept / name)


def _remove(kept: Path) -> None:
    if kept.exists():
        for path in kept.iterdir():
            path.unlink()
        kept.rmdir()
