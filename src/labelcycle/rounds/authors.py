"""Whether an answer is its author's own word. Pure: answers in, verdict out.

Label Studio Community lets every account change, delete and forge everybody's answers. It lets
nobody forge who wrote the last version of one.
"""

import datetime

from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import UNKNOWN

REMOVED = "removed/"
"""Begins the name of an annotator whose account is gone.

Label Studio forgets of all its answers whose they are and who wrote them. Whatever else it did to
the answers of others looks the same then: who vouches for them is gone.
"""


def same(before: Answer, after: Answer) -> bool:
    """True if both say the same: what of an answer counts is as it was.

    Not whose it is: Label Studio forgets that of all answers of an account that is removed.
    """
    return (before.labels, before.skipped, before.reason) == (
        after.labels,
        after.skipped,
        after.reason,
    )


def removed(answer: Answer) -> bool:
    """True if the account whose answer it is was removed."""
    return answer.annotator.startswith(REMOVED)


def misled(after: Answer, until: str | None) -> bool:
    """True if the answer may have been given while its task showed something else.

    until : moment up to which somebody may have seen that; None if it never did
    """
    return until is not None and _moment(after.updated) <= _moment(until)


def _moment(text: str) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)


def claimed(before: Answer | None, after: Answer) -> bool:
    """True if somebody made the answer another person's; a removed account is no person."""
    if before is None:
        return False
    return before.annotator != after.annotator and not (removed(before) or removed(after))


def own(before: Answer | None, after: Answer | None) -> bool:
    """True if the change from `before` to `after` is surely the author's own.

    before : the last version that was its author's own, None where there is none

    A deletion never is: Label Studio does not tell who deleted an answer. Nor is what an answer of
    a removed account says anew: anybody may have taken it over before.
    """
    if after is None or removed(after):
        return False
    return after.editor == after.annotator and not claimed(before, after)


def by(after: Answer | None, touched: str | None = None) -> str:
    """Who made a change, as a name; with a question mark where everybody could have forged it.

    touched : who did the last thing to the task, where there is no answer any more
    """
    if after is None:
        return UNKNOWN if touched is None else f"{touched}?"
    return UNKNOWN if after.editor is None else after.editor


def named(who: str) -> str:
    """A name as `by` gives it, in words."""
    if who == UNKNOWN:
        return "somebody unknown"
    return f"probably annotator {who[:-1]}" if who.endswith("?") else f"annotator {who}"
