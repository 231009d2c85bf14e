"""Which label the answers of people make."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from labelcycle import options
from labelcycle.core import skip_reasons
from labelcycle.core.skip_reasons import Skip

TIE = 1e-9
"""Confidences that differ by less are equal."""


class Options(options.Options):
    """How the answers of people become labels, and what one of them may cost."""

    method: Literal["majority", "dawid_skene"] = Field(
        "majority",
        description="majority of the votes, or dawid_skene: answers weigh by how reliable each"
        " person proved in the campaign (majority until that can be told)",
    )
    confidence: float = Field(
        0.6,
        ge=0,
        le=1,
        description="a less sure label is not accepted but awaits adjudication: share of the votes"
        " (2 of 3 are 0.67), or probability with dawid_skene (0.8 is sound)",
    )
    longest: float = Field(
        300.0,
        gt=0,
        description="seconds that one answer can cost; a longer time, somebody was away, counts so",
    )


@dataclass(frozen=True)
class Verdict:
    """The label accepted for a sample, or why there is none.

    votes : class name -> number of valid answers for it
    confidence : of the class that leads, accepted or not; None without a valid answer
    adjudicate : people did answer, but a further one has to decide
    """

    label: str | None
    reason: str | None = None
    votes: dict[str, int] = field(default_factory=dict)
    confidence: float | None = None
    adjudicate: bool = False


Given = tuple[str, ...] | Skip
"""What one person said of a sample: the class names chosen, or that it was skipped."""


def accept(
    answers: Sequence[Given],
    classes: Collection[str],
    least: float = 0.0,
    beliefs: Mapping[str, float] | None = None,
    people_wanted: int = 1,
) -> Verdict:
    """The class that leads among the valid answers; a tie, or less than `least`, is no label.

    Nor is a single valid answer where several were wanted, however sure it looks.

    answers : one entry a person, at least one. An answer is valid if it names exactly one of
        `classes`. Ties are not broken: a coin is no evidence.
    beliefs : probability of each class; by default its share of the valid answers. A class that
        nobody named is never accepted, however probable.
    people_wanted : how many people were to answer
    """
    valid = (valid_class(answer, classes) for answer in answers)
    votes = Counter(name for name in valid if name is not None)
    if not votes:
        return Verdict(None, _objection(answers, classes))
    counts = dict(sorted(votes.items()))
    total = votes.total()
    sure = {name: beliefs[name] if beliefs else n / total for name, n in counts.items()}
    best = max(sure.values())
    leading = [name for name in counts if sure[name] >= best - TIE]
    if total == 1 < people_wanted:
        reason = f"1 valid answer of {people_wanted} wanted"
        return Verdict(None, reason, counts, best, adjudicate=True)
    if len(leading) > 1:
        return Verdict(None, f"tie between {', '.join(leading)}", counts, best, adjudicate=True)
    if best < least:
        reason = f"{leading[0]} with confidence {best:.2f}, below {least:g}"
        return Verdict(None, reason, counts, best, adjudicate=True)
    return Verdict(leading[0], None, counts, best)


def valid_class(answer: Given, classes: Collection[str]) -> str | None:
    """The class of a valid answer, else None."""
    if isinstance(answer, Skip) or len(answer) != 1 or answer[0] not in classes:
        return None
    return answer[0]


LONGEST_NAME = 40
"""Characters of a name that is no class of the campaign: anybody may send one of a megabyte."""


def cut(name: str) -> str:
    """A name that somebody sent, for people to read."""
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}..."


def unknown_class(name: str) -> str:
    """Why an answer with a class that is none is not valid."""
    return f"unknown class {cut(name)!r}"


def _objection(answers: Sequence[Given], classes: Collection[str]) -> str:
    """Why the last of the answers is not valid; of a skip, the reason that most skips name."""
    answer = answers[-1]
    if isinstance(answer, Skip):
        return skip_reasons.worded(
            skip_reasons.common([each for each in answers if isinstance(each, Skip)])
        )
    if not answer:
        return "empty answer"
    unknown = sorted(set(answer) - set(classes))
    if unknown:
        return unknown_class(unknown[0])
    return f"several classes: {', '.join(answer)}"  # of the campaign, so few and known
