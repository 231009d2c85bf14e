"""Whose an answer of Label Studio is, and who wrote it."""

from typing import Any

import pytest

from labelcycle.adapters import label_config, label_tasks

SERVICE = 1


@pytest.mark.parametrize(
    ("completed_by", "updated_by", "annotator", "editor"),
    [
        (2, 2, "2", "2"),
        ({"id": 2}, 3, "2", "3"),
        (2, SERVICE, "2", "2"),
        (2, None, "2", None),
        (None, None, "removed/9", None),
        (None, 3, "removed/9", "3"),
    ],
)
def test_who_is_behind_an_answer(
    completed_by: Any, updated_by: int | None, annotator: str, editor: str | None
) -> None:
    """An account that was removed is empty in both; `completed_by` anybody can empty."""
    annotation = {
        "id": 9, "completed_by": completed_by, "updated_by": updated_by,
        "result": label_config.result("cat"), "was_cancelled": False,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    found = label_tasks.answer({"id": 4, "data": {"key": "k"}}, annotation, SERVICE)
    assert (found.annotator, found.editor) == (annotator, editor)
