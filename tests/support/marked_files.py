"""Only files that can have a test of those asked for are imported.

With `-m service`, the others take twelve seconds of each process, to be left out then. Of the quick
tests, a file of slow tests alone has none.
"""

import re
from functools import cache
from pathlib import Path

import pytest

MARK = "mark.service"
WHOLE = re.compile(r"^pytestmark = .*\bmark\.(slow|service)\b", re.MULTILINE)
"""The mark of all tests of a file."""


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True for a file of tests of which `-m` wants none; None leaves it to others."""
    if not collection_path.match("test_*.py"):
        return None
    return True if unwanted(_text(collection_path), config.option.markexpr) else None


def unwanted(text: str, expression: str) -> bool:
    """True if no test of a file with this text can be one of those that `-m expression` wants."""
    if expression == "service":
        return MARK not in text
    parts = expression.split(" and ")
    return any(f"not {mark}" in parts for mark in WHOLE.findall(text))


def check_marks(items: list[pytest.Item]) -> None:
    """Raise UsageError for a test with the mark in a file that would not be imported."""
    for item in items:
        if item.get_closest_marker("service") and MARK not in _text(item.path):
            raise pytest.UsageError(
                f"{item.nodeid} is a test of services; wanted `{MARK}` in the text of its file,"
                " for `-m service` imports no other"
            )
