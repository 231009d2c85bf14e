"""What a round is, its states and the steps that are legal in each. Pure: names in, names out.

A round is its files. They are written in a fixed order, each once and whole, so the first one
that is missing says where the round is, and a kill at any instant costs nothing.
"""

from collections.abc import Collection
from enum import StrEnum

PLAN = "plan.json"
SELECTION = "selection.json"
PUSHED = "pushed.json"
ENDING = "ending.json"
"""Written only when a round is ended early: how (`incomplete`, `deadline` or `cancel`), when."""
CORRECTIONS = "corrections.jsonl"
"""What was changed in the answers of closed rounds; written just before this round's answers."""
ANNOTATIONS = "annotations.jsonl"
LABELS = "labels"
"""Stands for `data/labels/NNN.jsonl`, the one file of a round outside its folder."""
METRICS = "metrics.json"


class State(StrEnum):
    """Where a round is; each state names what has been done last."""

    DUE = "due"
    PLANNED = "planned"
    SELECTED = "selected"
    PUSHED = "pushed"
    OPEN = "open"
    ENDING = "ending"
    PULLED = "pulled"
    LABELED = "labeled"
    MEASURED = "measured"
    CLOSED = "closed"


NEXT = dict.fromkeys(State, "go on with `labelcycle run`") | {
    State.DUE: "open it with `labelcycle open`",
    State.OPEN: "when the annotators are done, `labelcycle run`",
}
"""What a person does next in each state."""

BEFORE_OPEN = (State.DUE, State.PLANNED, State.SELECTED, State.PUSHED)
"""States in which the round is yet to be opened."""

CANCELLABLE = (State.PLANNED, State.SELECTED, State.OPEN, State.ENDING)
"""States in which a round can be given up."""


def open_tag(number: int) -> str:
    """Tag of the commit in which round `number` was handed to people."""
    return f"open/{number:03d}"


def round_tag(number: int) -> str:
    """Tag that closes round `number`."""
    return f"round/{number:03d}"


def current(tags: Collection[str]) -> int:
    """Number of the round at work: the count of closed ones."""
    number = 0
    while round_tag(number) in tags:
        number += 1
    return number


def missing_tag(number: int, files: Collection[str], tags: Collection[str]) -> str | None:
    """A tag that must be there and is not, as in a clone without tags; None if all are.

    number : the round at work, going by the tags that are there
    """
    later = [tag for tag in tags if tag.startswith("round/") and tag > round_tag(number)]
    if later:
        return round_tag(number)
    answered = any(name in files for name in (ANNOTATIONS, LABELS, METRICS))
    return open_tag(number) if answered and open_tag(number) not in tags else None


def state(number: int, files: Collection[str], tags: Collection[str]) -> State:
    """State of round `number`, given the names of its files and the repository's tags."""
    if round_tag(number) in tags:
        return State.CLOSED
    for name, reached in (
        (METRICS, State.MEASURED),
        (LABELS, State.LABELED),
        (ANNOTATIONS, State.PULLED),
    ):
        if name in files:
            return reached
    if open_tag(number) in tags:
        return State.ENDING if ENDING in files else State.OPEN
    if PUSHED in files:
        return State.PUSHED
    if SELECTION in files:
        return State.SELECTED
    return State.PLANNED if PLAN in files else State.DUE
