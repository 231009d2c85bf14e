"""The files and addresses that a user means by the paths given to `labelcycle ingest`."""

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from labelcycle import tables
from labelcycle.errors import DataError

ADDRESSES = ("http://", "https://", "s3://")
"""What an address starts with."""

COLUMN = "url"
"""Of a list in CSV: where the addresses or paths stand."""


def find(paths: Sequence[str], base: Path) -> list[Path | str]:
    """The files that `paths` mean, absolute, then the addresses, each once, sorted.

    A path, relative to `base`, is one of
    - a file, taken whatever its name is;
    - a folder, taken with all folders below it; links are followed, each folder is entered once;
    - a pattern with `*`, `?`, `[...]` or `**`, where no file has that very name;
    - an address: `https://...` of an image, or `s3://bucket/...` of an object or of all below it;
    - `@LIST`, a text file in UTF-8 with an address, or the path of a file or folder relative to
      it, a line; of `@LIST.csv` the column `url` is read.

    Hidden files and folders (a leading dot) are left out unless they are named. A file or folder
    that is there but cannot be read is in the answer: reading it tells why.

    Raises DataError if a path means nothing, or all of them no file.
    """
    files: set[Path] = set()
    addresses: set[str] = set()
    for text in paths:
        for meant in _meant(text, base.resolve()):
            if isinstance(meant, str):
                addresses.add(meant)
            else:
                files.update(_files(meant))
    if not files and not addresses:
        raise DataError(
            f"no images: {_listed(paths)} holds no file; wanted image files, folders of them,"
            " patterns, addresses or @LIST; check the path (hidden files are left out)"
        )
    return [*sorted(files), *sorted(addresses)]


def _meant(text: str, base: Path) -> list[Path | str]:
    """The files, folders and addresses that one path means; links are not resolved."""
    if text.startswith("@"):
        return _of_list(_absolute(base, text[1:]))
    if text.lower().startswith(ADDRESSES):
        return [_address(text)]
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


def _address(text: str) -> str:
    """An address, however it was spelt. Raises DataError if it cannot be one."""
    if not text.lower().startswith("s3://"):
        from labelcycle.adapters import web

        return web.normal(text)
    if not text[5:].partition("/")[0]:
        raise DataError(f"no images: wanted s3://bucket or s3://bucket/prefix, got {text!r}")
    return f"s3://{text[5:]}"


def _of_list(path: Path) -> list[Path | str]:
    """What the lines of a list name; a missing file is kept, to be reported when it is read."""
    if path.suffix.lower() == ".csv":
        lines = [row.cells[COLUMN] for row in tables.read(path, ((COLUMN,),))]
    else:
        lines = _lines(path)
    return [
        _address(line.strip())
        if line.strip().lower().startswith(ADDRESSES)
        else _absolute(path.parent, line)
        for line in lines
        if line.strip()
    ]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"no images: cannot read the list {path}: {error}; wanted text in UTF-8 with an"
            " address or the path of a file or folder a line"
        ) from error


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
