"""Places outside the campaign count once somebody said so in this folder.

A clone brings settings along: a remote that data are pushed to, a bucket that images go to, a
program that DVC runs for a password. What was confirmed stands in `.labelcycle/trusted.json`,
which git does not hold and which is bound to this folder: in a copy it counts no more.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labelcycle.adapters import git
from labelcycle.adapters.addresses import bare
from labelcycle.campaign.store import Campaign, digest, dump_json, read_json, write_bytes
from labelcycle.errors import DataError, StateError, ToolFailed

RECORD = "trusted.json"
SHOWN = ("url", "remote", "bucket", "file", "dir")
"""Settings whose value is shown; others may be secret, or text that means to mislead."""

Reader = Callable[[str], tuple[str, ...]]
"""From a file's text to its lines that name other places."""


def check(root: Path, file: str, places: Reader) -> None:
    """Raise StateError if `file` names places that came along and that nobody here confirmed.

    What names none, and what was changed in this very folder, counts without a question.
    """
    said = places(_text(root, file))
    known = _read(root)
    mine = digest(dump_json(said).encode())
    if known.get(file) == mine:
        return
    if said and not _changed_here(root, file, places, file in known):
        raise StateError(
            f"{file} came with this folder from elsewhere and names places outside it:"
            f" {described(said)}; look at the file, then run `labelcycle trust` if this is"
            " where your data may go"
        )
    _write(root, known | {file: mine})


def confirm(root: Path, file: str, places: Reader) -> str:
    """Let what `file` names count from now on; the places in words, empty if there are none."""
    said = places(_text(root, file))
    _write(root, _read(root) | {file: digest(dump_json(said).encode())})
    return described(said)


def described(lines: tuple[str, ...]) -> str:
    """The lines as one text for people, without secrets and control characters."""
    shown = []
    for line in lines:
        key, equals, value = (part.strip() for part in line.partition("="))
        if equals:
            line = f"{key} = {bare(value)}" if key.split(".")[-1] in SHOWN else f"{key} = ..."
        shown.append("".join(c if c.isprintable() else " " for c in line)[:200])
    return ", ".join(shown)


def _changed_here(root: Path, file: str, places: Reader, known: bool) -> bool:
    """True if somebody changed the file in this folder, after nothing else or what was known."""
    try:
        before = git.show(root, "HEAD", file).decode(errors="replace")
    except ToolFailed:  # not committed yet
        before = ""
    return git.changed_here(root, file) and (known or not places(before))


def _text(root: Path, file: str) -> str:
    path = root / file
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _folder(root: Path) -> int:
    private = Campaign(root).private
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    return private.stat().st_ino


def _read(root: Path) -> dict[str, Any]:
    """What was confirmed in this very folder."""
    try:
        record = read_json(Campaign(root).private / RECORD)
        found: Mapping[str, Any] = record["files"] if record["folder"] == _folder(root) else {}
    except (DataError, KeyError, TypeError):
        return {}
    return dict(found)


def _write(root: Path, files: Mapping[str, str]) -> None:
    record = {"folder": _folder(root), "files": dict(files)}
    write_bytes(Campaign(root).private / RECORD, dump_json(record).encode(), mode=0o600)
