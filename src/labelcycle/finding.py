"""The files that a user means by the paths given to `labelcycle ingest`."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from labelcycle.errors import DataError


def find(paths: Sequence[str], base: Path) -> list[Path]:
    """The files that `paths` mean, absolute, each once, sorted.

    A path, relative to `base`, is one of
    - a file, taken whatever its name is;
    - a folder, taken with all folders below it; links are followed, each folder is entered once;
    - a pattern with `*`, `?`, `[...]` or `**`, where no file has that very name;
    - `@LIST`, a text file in UTF-8 with the path of one file or folder a line, relative to it.

    Hidden files and folders (a leading dot) are left out unless they are named. A file or folder
    that is there but cannot be read is in the answer: reading it tells why.

    Raises DataError if a path means nothing, or all of them no file.
    """
    found: set[Path] = set()
    for text in paths:
        for path in _meant(text, base.resolve()):
            found.update(_files(path))
    if not found:
        raise DataError(
            f"no images: {_listed(paths)} holds no file; wanted image files, folders of them,"
            " patterns or @LIST; check the path (hidden files are left out)"
        )
    return sorted(found)


def _meant(text: str, base: Path) -> list[Path]:
    """The files and folders that one path means, absolute; links are not resolved."""
    if text.startswith("@"):
        return _of_list(_absolute(base, text[1:]))
    path = _absolute(base, text)
    if os.path.lexists(path):
        return [path]
    if glob.has_magic(text):
        # Path.glob takes no absolute pattern, and finds hidden files.
        matches = glob.glob(text, root_dir=base, recursive=True)  # noqa: PTH207
        if matches:
            return [_absolute(base, match) for match in matches]
    raise DataError(
        f"no images: {text!r} is no file, no folder and no pattern that matches; wanted image"
        f" files, folders of them, patterns or @LIST; check the spelling (looked in {base})"
    )


def _of_list(path: Path) -> list[Path]:
    """What the lines of a list name; a missing one is kept, to be reported when it is read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"no images: cannot read the list {path}: {error}; wanted text in UTF-8 with the path"
            " of a file or folder a line"
        ) from error
    return [_absolute(path.parent, line) for line in lines if line.strip()]


def _files(path: Path) -> Iterator[Path]:
    """The files at or below `path`."""
    if not path.is_dir():
        yield path
        return
    entered: set[str] = set()
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=unreadable.append, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:  # a link led back to where we were
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in names if not name.startswith("."))
    yield from (Path(error.filename) for error in unreadable)


def _absolute(base: Path, text: str) -> Path:
    return Path(os.path.abspath(base / text))  # noqa: PTH100  resolve() would follow links


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(repr(path) for path in paths) or "an empty list of paths"
