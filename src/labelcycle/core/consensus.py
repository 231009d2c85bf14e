"""Which label the answers of people make."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verdict:
    """The label accepted for a sample, or why there is none.

    votes : class name -> number of valid answers for it
    """

    label: str | None
    reason: str | None = None
    votes: dict[str, int] = field(default_factory=dict)


SKIPPED = None
"""Stands for a person's skip among the answers."""


def accept(answers: Sequence[tuple[str, ...] | None], classes: Collection[str]) -> Verdict:
    """The majority of the valid answers; a tie, or no valid answer, is no label.

    answers : one entry a person, at least one: the class names chosen, or SKIPPED. An answer is
        valid if it names exactly one of `classes`. Ties are not broken: a coin is no evidence.
    """
    votes = Counter(a[0] for a in answers if a is not None and len(a) == 1 and a[0] in classes)
    if not votes:
        return Verdict(None, _objection(answers[-1], classes))
    ranked = votes.most_common()
    counts = dict(sorted(votes.items()))
    if len(ranked) > 1 and ranked[0][1] == ranked[1][1]:
        tied = sorted(name for name, count in ranked if count == ranked[0][1])
        return Verdict(None, f"tie between {', '.join(tied)}", counts)
    return Verdict(ranked[0][0], None, counts)


def _objection(answer: tuple[str, ...] | None, classes: Collection[str]) -> str:
    if answer is None:
        return "skipped"
    if not answer:
        return "empty answer"
    unknown = sorted(set(answer) - set(classes))
    if unknown:
        return f"unknown class {unknown[0]!r}"
    return f"several classes: {', '.join(answer)}"
