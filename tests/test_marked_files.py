"""Which files of tests are imported for which `-m`."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import marked_files
import pytest


@pytest.mark.parametrize(
    ("expression", "text", "ignored"),
    [
        ("service", "pytestmark = pytest.mark.service", None),
        ("service", "def test_one(): ...", True),
        ("not service", "def test_one(): ...", None),
        ("not service", "pytestmark = pytest.mark.slow", None),
        ("not service and not slow", "pytestmark = pytest.mark.slow  # minutes", True),
        ("not service and not slow", "x = 1\npytestmark = [pytest.mark.slow, X]", True),
        ("not service and not slow", "@pytest.mark.slow\ndef test_one(): ...", None),
        ("slow", "pytestmark = pytest.mark.slow", None),
        ("not slow or service", "pytestmark = pytest.mark.slow", None),
        ("", "def test_one(): ...", None),
    ],
)
def test_only_files_with_the_mark(
    tmp_path: Path, expression: str, text: str, ignored: bool | None
) -> None:
    config = cast(Any, SimpleNamespace(option=SimpleNamespace(markexpr=expression)))
    (tmp_path / "test_some.py").write_text(text)
    (tmp_path / "helper.py").write_text("")
    assert marked_files.pytest_ignore_collect(tmp_path / "test_some.py", config) is ignored
    assert marked_files.pytest_ignore_collect(tmp_path / "helper.py", config) is None


def test_a_mark_that_came_another_way_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test_some.py"
    path.write_text("from elsewhere import pytestmark")
    item: Any = SimpleNamespace(
        path=path, nodeid="test_some.py::test_one", get_closest_marker=lambda name: object()
    )
    with pytest.raises(pytest.UsageError, match=r"wanted `mark.service` in the text of its file"):
        marked_files.check_marks([item])
