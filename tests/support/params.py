"""A campaign's params.yaml with other settings: the one way in which tests change it."""

from pathlib import Path
from typing import Any

import yaml


def set_params(root: Path, **sections: dict[str, Any]) -> None:
    """Set settings of `root`/params.yaml, by section; the others stay, and comments go.

    A file that is not there is made. Values may be wrong ones: whoever reads the file checks them.
    """
    path = root / "params.yaml"
    before = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    changed = {name: before.get(name, {}) | options for name, options in sections.items()}
    path.write_text(yaml.safe_dump(before | changed, allow_unicode=True), encoding="utf-8")
