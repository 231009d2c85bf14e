"""Which files `-m service` imports."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import service_files


@pytest.mark.parametrize(
    ("expression", "text", "ignored"),
    [
        ("service", "pytestmark = pytest.mark.service", None),
        ("service", "def test_one(): ...", True),
        ("not service", "def test_one(): ...", None),
        ("", "def test_one(): ...", None),
    ],
)
def test_only_files_with_the_mark(
    tmp_path: Path, expression: str, text: str, ignored: bool | None
) -> None:
    config = cast(Any, SimpleNamespace(option=SimpleNamespace(markexpr=expression)))
    (tmp_path / "test_some.py").write_text(text)
    (tmp_path / "helper.py").write_text("")
    assert service_files.pytest_ignore_collect(tmp_path / "test_some.py", config) is ignored
    assert service_files.pytest_ignore_collect(tmp_path / "helper.py", config) is None


def test_a_mark_that_came_another_way_is_named(tmp_path: Path) -> None:
    path = tmp_path / "test_some.py"
    path.write_text("from elsewhere import pytestmark")
    item: Any = SimpleNamespace(
        path=path, nodeid="test_some.py::test_one", get_closest_marker=lambda name: object()
    )
    with pytest.raises(pytest.UsageError, match=r"wanted `mark.service` in the text of its file"):
        service_files.check_marks([item])
