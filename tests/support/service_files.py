"""With `-m service`, only the files that have such tests are imported.

The others take twelve seconds of each process, to be left out then.
"""

from functools import cache
from pathlib import Path

import pytest

MARK = "mark.service"


@cache
def _has_mark(path: Path) -> bool:
    return MARK in path.read_text(encoding="utf-8")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for a file of tests without the mark; None leaves it to others."""
    if config.option.markexpr != "service" or not collection_path.match("test_*.py"):
        return None
    return None if _has_mark(collection_path) else True


def check_marks(items: list[pytest.Item]) -> None:
    """Raise UsageError for a test with the mark in a file that would not be imported."""
    for item in items:
        if item.get_closest_marker("service") and not _has_mark(item.path):
            raise pytest.UsageError(
                f"{item.nodeid} is a test of services; wanted `{MARK}` in the text of its file,"
                " for `-m service` imports no other"
            )
