"""The files and addresses that a user means by the paths given to `labelcycle ingest`."""

import glob
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from labelcycle.core import csv_tables
from labelcycle.core.one_line_warnings import Advice
from labelcycle.errors import DataError

ADDRESSES = ("http://", "https://", "s3://")
"""What an address starts with."""

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")
"""The start of any address, known or not; one letter would be a drive of Windows."""

OTHERS = {
    "gs": "a bucket of Google is read as S3, by its HMAC keys: set AWS_ENDPOINT_URL to Google's"
    " address for that, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and write s3://",
    "ftp": "fetch the images with a program of FTP, and give their folder",
}
"""What to do for addresses of other kinds, where it is not only to copy the images."""

COLUMN = "url"
"""Of a list in CSV: where the addresses or paths stand."""


def find(paths: Sequence[str], base: Path, *, follow_links: bool = False) -> list[Path | str]:
    """The files that `paths` mean, absolute, then the addresses, each once, sorted.

    A path, relative to `base`, is one of
    - a file, taken whatever its name is;
    - a folder, taken with all folders below it, each entered once; links within it are followed;
    - a pattern with `*`, `?`, `[...]` or `**`, where no file has that very name;
    - an address: `https://...` of an image, `s3://bucket/...` of an object or of all below it,
      or `file:///...` of a file or folder;
    - `@LIST`, a text file in UTF-8 with an address, or the path of a file or folder relative to
      it, a line; of `@LIST.csv` the column `url` is read.

    Hidden files and folders (a leading dot) are left out unless they are named. A file or folder
    that is there but cannot be read is in the answer: reading it tells why.

    follow_links : links that lead out of a folder are followed too; otherwise an `Advice` counts
        them. A path that is itself a link is meant, and always followed.

    Raises DataError if a path means nothing, or all of them no file.
    """
    files: set[Path] = set()
    out: set[Path] = set()
    addresses: set[str] = set()
    for text in paths:
        for meant in named(text, base.resolve()):
            if isinstance(meant, str):
                addresses.add(meant)
                continue
            links: list[Path] = []
            files.update(_files(meant, None if follow_links else links))
            out.update(links)
    out -= files
    if out:
        many = f"{len(out)} links lead" if len(out) > 1 else "a link leads"
        left = f"{many} out of the folder given, such as {min(out)}; --follow-links takes them"
        if not files and not addresses:
            raise DataError(f"no images: {left}")
        warnings.warn(f"left out: {left}", Advice, stacklevel=2)
    if not files and not addresses:
        raise DataError(
            f"no images: {_listed(paths)} holds no file; wanted image files, folders of them,"
            " patterns, addresses or @LIST; check the path (hidden files are left out)"
        )
    return [*sorted(files), *sorted(addresses)]


def named(text: str, base: Path) -> list[Path | str]:
    """The files, folders and addresses that one path means; links are not resolved.

    Raises DataError as `find` does.
    """
    if not text.strip():
        raise DataError(
            "no images: wanted a path, got an empty text: a variable of the shell that is not set?"
            " Write . if this folder is meant"
        )
    if text.startswith("@") and len(text) > 1:
        return _of_list(absolute(base, text[1:]))
    if SCHEME.match(text):
        return [_address(text)]
    path = absolute(base, text)
    if os.path.lexists(path):
        return [path]
    if is_pattern(base, text):
        # Path.glob takes no absolute pattern, and finds hidden files.
        matches = glob.glob(text, root_dir=base, recursive=True)  # noqa: PTH207
        if matches:
            return [absolute(base, match) for match in matches]
    raise DataError(
        f"no images: {text!r} is no file, no folder and no pattern that matches; wanted image"
        f" files, folders of them, patterns or @LIST; check the spelling (looked in {base})"
    )


def _address(text: str) -> Path | str:
    """An address, however it was spelt. Raises DataError if it cannot be one."""
    scheme = text.partition("://")[0].lower()
    if scheme == "file":
        return _of_file(text)
    if scheme in ("http", "https"):
        from labelcycle.adapters import web_images

        return web_images.normal(text)
    if scheme != "s3":
        other = OTHERS.get(scheme, "copy the images to a folder and give that")
        raise DataError(
            f"no images: {text!r}: wanted a path, or an address that starts with"
            f" {', '.join(ADDRESSES)} or file://, got {scheme}://; {other}"
        )
    if not text[5:].partition("/")[0]:
        raise DataError(f"no images: wanted s3://bucket or s3://bucket/prefix, got {text!r}")
    return f"s3://{text[5:]}"


def _of_file(text: str) -> Path:
    """The path that a `file:` address names, as a browser or a file manager writes it."""
    url = urlsplit(text)
    if url.netloc not in ("", "localhost") or not url.path:
        raise DataError(
            f"no images: wanted file:///the/whole/path on this computer, got {text!r}; a name with"
            " # or ? in it has %23 or %3F there"
        )
    path = Path(unquote(url.path, errors="surrogateescape"))
    if not os.path.lexists(path):
        raise DataError(f"no images: {text!r}: there is no {path}; check the spelling")
    return path


def _of_list(path: Path) -> list[Path | str]:
    """What the lines of a list name; a missing file is kept, to be reported when it is read."""
    if path.suffix.lower() == ".csv":
        lines = [row.cells[COLUMN] for row in csv_tables.read(path, ((COLUMN,),))]
    else:
        lines = _lines(path)
    return [_entry(path, line) for line in lines if line.strip()]


def grouped(path: Path, column: str) -> Iterator[tuple[Path | str, str, int]]:
    """What the lines of a list in CSV name, the cell of a column, and the number of the line.

    Raises DataError if the list has no such column.
    """
    name = csv_tables.column_name(column)
    for row in csv_tables.read(path, ((COLUMN,), (name,))):
        line = row.cells[COLUMN]
        if line.strip():
            yield _entry(path, line), row.cells[name].strip(), row.line


def _entry(path: Path, line: str) -> Path | str:
    """What one line of a list names."""
    text = line.strip()
    return _address(text) if SCHEME.match(text) else absolute(path.parent, line)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"no images: cannot read the list {path}: {error}; wanted text in UTF-8 with an"
            " address or the path of a file or folder a line"
        ) from error


def _files(path: Path, out: list[Path] | None) -> Iterator[Path]:
    """The files at or below `path`; `out` gets the links that lead out of it, None: follow them."""
    if not path.is_dir():
        yield path
        return
    root = os.path.realpath(path)
    entered: set[str] = set()
    unreadable: list[OSError] = []

    def stays(folder: str, name: str) -> bool:
        """Whether an entry is below `path`, or may be elsewhere."""
        whole = Path(folder, name)
        if out is None or not whole.is_symlink():
            return True
        real = os.path.realpath(whole)
        if os.path.commonpath([root, real]) == root:
            return True
        out.append(whole)
        return False

    for folder, folders, names in os.walk(path, onerror=unreadable.append, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:  # a link led back to where we were
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(n for n in folders if not n.startswith(".") and stays(folder, n))
        yield from (Path(folder, n) for n in names if not n.startswith(".") and stays(folder, n))
    yield from (Path(error.filename) for error in unreadable)


def is_pattern(base: Path, text: str) -> bool:
    """Whether a text is a pattern, and not the very name of a file or folder."""
    return glob.has_magic(text) and not os.path.lexists(absolute(base, text))


def absolute(base: Path, text: str) -> Path:
    """The path that a text means; links are not resolved."""
    return Path(os.path.abspath(base / text))  # noqa: PTH100  resolve() would follow links


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(repr(path) for path in paths) or "an empty list of paths"
