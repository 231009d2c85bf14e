"""A task as Label Studio lists it, and what is asked for in its list."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TASK_FIELDS = (
    "id,data,meta,total_annotations,cancelled_annotations,overlap,is_labeled,updated_at,updated_by"
)


@dataclass(frozen=True)
class ListedTask:
    """A task, without the answers themselves.

    key : the campaign's own name for it, None for a task that somebody else made
    answers, skips : how many annotations it has of either kind
    overlap : how many different people are asked; served : it is still shown to further ones
    updated : when it was touched last, as the server says; touched_by : by which account
    """

    id: int
    key: str | None
    answers: int
    skips: int
    meta: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    overlap: int = 1
    served: bool = True
    updated: str = ""
    touched_by: int | None = None

    @property
    def touches(self) -> int:
        """How many annotations it has."""
        return self.answers + self.skips

    @property
    def mark(self) -> str:
        """Another text after an answer was given, changed or deleted."""
        return f"{self.updated} {self.answers} {self.skips}"

    @property
    def untouched(self) -> bool:
        """True if nobody has answered or skipped it."""
        return self.touches == 0


def as_task(task: Mapping[str, Any]) -> ListedTask:
    """A task of the server's list. Raises if it has no id or data."""
    key, meta = task["data"].get("key"), task.get("meta")
    return ListedTask(
        id=int(task["id"]),
        key=key if isinstance(key, str) else None,
        answers=int(task.get("total_annotations") or 0),
        skips=int(task.get("cancelled_annotations") or 0),
        meta=meta if isinstance(meta, dict) else {},
        data=task["data"],
        overlap=int(task.get("overlap") or 1),
        served=not task.get("is_labeled"),
        updated=str(task.get("updated_at") or ""),
        touched_by=_account(task.get("updated_by")),
    )


def _account(people: Any) -> int | None:
    """Who touched a task last: the list names at most one."""
    first = next(iter(people or ()), None)
    return None if first is None else int(first["user_id"])
