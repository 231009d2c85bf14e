"""Writes settings into `.dvc/config.local`.

`dvc config` cannot: DVC 3.67 reads its settings as UTF-8 and writes them as ASCII, so it fails once
a folder's name has an umlaut.
"""

from pathlib import Path

from configobj import ConfigObj, ConfigObjError  # type: ignore[import-untyped]

from labelcycle.campaign.atomic_files import write_bytes
from labelcycle.errors import ToolFailed


def put(root: Path, section: str, key: str, value: str) -> None:
    """Set one setting; the others stay. Raises ToolFailed if the file cannot be read."""
    path = root / ".dvc" / "config.local"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        settings = ConfigObj(text.splitlines(), interpolation=False)
        settings.setdefault(section, {})[key] = value
        lines = settings.write()
    except ConfigObjError as error:
        raise ToolFailed(f"{path}: {error}; mend it, then run the same command") from error
    write_bytes(path, "".join(f"{line}\n" for line in lines or ()).encode(), mode=0o600)
