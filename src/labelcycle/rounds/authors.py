"""Whether an answer is its author's own word. Pure: records in, verdict out.

Label Studio Community lets every account change, delete and forge everybody's answers. It lets
nobody forge who wrote the last version of one.
"""

import datetime
from typing import Any

Record = dict[str, Any]
"""An answer as a line of `annotations.jsonl` has it."""

REMOVED = "removed/"
"""Begins the name of an annotator whose account is gone.

Label Studio forgets of all its answers whose they are and who wrote them. Whatever else it did to
the answers of others looks the same then: who vouches for them is gone.
"""

UNKNOWN = "unknown"
"""Stands for somebody of whom Label Studio does not tell who it was."""

COUNTS = ("labels", "skipped", "reason")
"""What of an answer counts: where these are as they were, nothing was changed.

Not whose it is: Label Studio forgets that of all answers of an account that is removed.
"""


def same(before: Record, after: Record) -> bool:
    """True if both say the same."""
    # a tuple here is a list in the file
    return all(_plain(before[name]) == _plain(after[name]) for name in COUNTS)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def removed(record: Record) -> bool:
    """True if the account whose answer it is was removed."""
    return str(record["annotator"]).startswith(REMOVED)


def misled(after: Record, until: str | None) -> bool:
    """True if the answer may have been given while its task showed something else.

    until : moment up to which somebody may have seen that; None if it never did
    """
    return until is not None and _moment(after["updated"]) <= _moment(until)


def _moment(text: str) -> datetime.datetime:
    found = datetime.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=datetime.UTC)


def claimed(before: Record | None, after: Record) -> bool:
    """True if somebody made the answer another person's; a removed account is no person."""
    if before is None:
        return False
    return bool(before["annotator"] != after["annotator"]) and not (
        removed(before) or removed(after)
    )


def own(before: Record | None, after: Record | None) -> bool:
    """True if the change from `before` to `after` is surely the author's own.

    before : the last version that was its author's own, None where there is none

    A deletion never is: Label Studio does not tell who deleted an answer. Nor is what an answer of
    a removed account says anew: anybody may have taken it over before.
    """
    if after is None or removed(after):
        return False
    return after["editor"] == after["annotator"] and not claimed(before, after)


def by(after: Record | None, touched: str | None = None) -> str:
    """Who made a change, as a name; with a question mark where everybody could have forged it.

    touched : who did the last thing to the task, where there is no answer any more
    """
    if after is None:
        return UNKNOWN if touched is None else f"{touched}?"
    return UNKNOWN if after["editor"] is None else str(after["editor"])


def named(who: str) -> str:
    """A name as `by` gives it, in words."""
    if who == UNKNOWN:
        return "somebody unknown"
    return f"probably annotator {who[:-1]}" if who.endswith("?") else f"annotator {who}"
