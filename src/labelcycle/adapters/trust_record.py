"""Places outside the campaign count once somebody said so in this folder.

A clone brings settings along: a remote that data are pushed to, a bucket that images go to, a
program that DVC runs for a password. What was confirmed stands in `.labelcycle/trusted.json`,
which git does not hold and which is bound to this folder: in a copy it counts no more.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from labelcycle.adapters import git
from labelcycle.adapters.address_logins import without_login
from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.json_files import dump_json, read_json, value_digest
from labelcycle.errors import DataError, StateError, ToolFailed

SHOWN = ("url", "remote", "bucket", "file", "dir", "weights", "source")
"""Settings whose value is shown; others may be secret, or text that means to mislead."""

ATTRIBUTES = ":(glob)**/.gitattributes"

ReadPlaces = Callable[[str], tuple[str, ...]]
"""From a file's text to its lines that name other places."""


def check(root: Path, file: str, places: ReadPlaces) -> None:
    """Raise StateError if `file` names places that came along and that nobody here confirmed.

    What names none, and what was changed in this very folder, counts without a question.
    """
    lines = places(_text(root, file))
    known = _read(root)
    before, mine = known.get(file), value_digest(lines)
    if before and before["places"] == mine:
        _advance(root, file, before)
        return
    if lines and not _changed_here(root, file, places, before):
        raise StateError(
            f"{file} names places outside this folder, and it came from elsewhere or was changed"
            f" before labelcycle knew it: {described(lines)}; look at the file, then run"
            " `labelcycle trust` if this is where your data may go"
        )
    _keep(root, file, mine)


def confirm(root: Path, file: str, places: ReadPlaces) -> str:
    """Let what `file` names count from now on; the places in words, empty if there are none."""
    lines = places(_text(root, file))
    _keep(root, file, value_digest(lines))
    return described(lines)


def forget(root: Path, file: str) -> None:
    """Have what `file` names confirmed anew, as in a clone: it is no longer what was confirmed."""
    known = _read(root)
    if known.pop(file, None) is not None:
        _write(root, known)


def described(lines: tuple[str, ...]) -> str:
    """The lines as one text for people, without secrets and control characters."""
    shown = []
    for line in lines:
        key, equals, value = (part.strip() for part in line.partition("="))
        if equals:
            line = (
                f"{key} = {without_login(value)}" if key.split(".")[-1] in SHOWN else f"{key} = ..."
            )
        shown.append("".join(c if c.isprintable() else " " for c in line)[:200])
    return ", ".join(shown)


def _changed_here(
    root: Path, file: str, places: ReadPlaces, before: Mapping[str, Any] | None
) -> bool:
    """True if all that happened to the file since it was known was done in this folder.

    A file that is not known yet counts if HEAD names no places, and all of it was committed here.

    A file that differs from HEAD says nothing: attributes, which a pull may bring, have git write
    another text than the commit's. So commits alone count: one from elsewhere that touches the
    file, or any attributes, since the file was known makes it somebody else's.
    """
    if git.unfinished(root):
        return False
    if not before and places((git.committed(root, file) or b"").decode(errors="replace")):
        return False
    paths = (file, ATTRIBUTES)
    try:
        return not git.brought(root, paths, before["commit"] if before else None)
    except ToolFailed:  # the history was written anew
        return False


def _advance(root: Path, file: str, known: Mapping[str, Any]) -> None:
    """Note that what is known holds for HEAD, too, if the file is just as HEAD has it."""
    head = git.head_if_any(root)
    if head == known["commit"] or git.unfinished(root):
        return
    path = root / file
    if (path.read_bytes() if path.exists() else None) == git.committed(root, file):
        _keep(root, file, known["places"])


def _text(root: Path, file: str) -> str:
    path = root / file
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _folder(root: Path) -> int:
    private = Campaign(root).private
    private.mkdir(mode=0o700, parents=True, exist_ok=True)
    return private.stat().st_ino


def _read(root: Path) -> dict[str, Any]:
    """What was confirmed in this very folder: by file the digest of its places, and the commit."""
    try:
        record = read_json(Campaign(root).trusted)
        confirmed: Mapping[str, Any] = record["files"] if record["folder"] == _folder(root) else {}
    except (DataError, KeyError, TypeError):
        return {}
    return {name: entry for name, entry in confirmed.items() if isinstance(entry, dict)}


def _keep(root: Path, file: str, places: str) -> None:
    """What `file` names counts, as of HEAD."""
    _write(root, _read(root) | {file: {"places": places, "commit": git.head_if_any(root)}})


def _write(root: Path, files: Mapping[str, Any]) -> None:
    record = {"folder": _folder(root), "files": files}
    write_bytes(Campaign(root).trusted, dump_json(record).encode(), mode=0o600)
