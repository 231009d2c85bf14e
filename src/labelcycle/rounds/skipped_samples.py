"""What becomes of skips: how many there are, whether a class is missing, which are asked again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from labelcycle.campaign import store
from labelcycle.campaign.labels import read_all_labels, read_holdout
from labelcycle.campaign.round_states import State
from labelcycle.campaign.store import Campaign, Label
from labelcycle.core.skip_reasons import NONE, REASONS, reason_of
from labelcycle.rounds.snapshots import Snapshot

LEAST = 3
"""So few images without a class say nothing about the classes."""


@dataclass(frozen=True)
class Request:
    """That skipped samples are to be asked again.

    round : the first round that asks them: what it or a later one said of a sample holds
    reasons : of the skips that are meant; empty for a plain one
    at : when it was requested, ISO 8601
    """

    round: int
    reasons: tuple[str, ...]
    at: str


def requests(campaign: Campaign) -> list[Request]:
    """The requests so far, in order."""
    if not campaign.again.exists():
        return []
    records = store.read_json(campaign.again)["requests"]
    return [Request(**{**record, "reasons": tuple(record["reasons"])}) for record in records]


def ask_again(snapshot: Snapshot, reasons: Collection[str], at: str) -> list[str]:
    """Request that samples skipped for these reasons are asked again; all that wait now.

    at : the present time, ISO 8601

    For the holder of the campaign's lock. The next open commits the request. Nothing is written if
    no sample was skipped so.
    """
    number = snapshot.number + (snapshot.state is not State.DUE)
    request = Request(number, tuple(sorted(reasons)), at)
    campaign = snapshot.campaign
    if _meant(_latest(campaign), [request]):
        made = [*requests(campaign), request]
        store.write_json(campaign.again, {"requests": [asdict(each) for each in made]})
    return waiting(campaign)


def waiting(campaign: Campaign) -> list[str]:
    """The samples that are to be asked again and were not yet, the longest waiting first."""
    return _meant(_latest(campaign), requests(campaign))


def _latest(campaign: Campaign) -> list[Label]:
    return [*read_holdout(campaign), *read_all_labels(campaign).values()]


def _meant(labels: Iterable[Label], asked: Iterable[Request]) -> list[str]:
    found = []
    made = list(asked)
    for label in labels:
        reason = reason_of(label.reason or "")
        number = _round(label)
        if reason is None or number is None:
            continue
        if any(number < request.round and reason in request.reasons for request in made):
            found.append((number, label.sample))
    return [sample for _, sample in sorted(found)]


def _round(label: Label) -> int | None:
    """Number of the round that said it; None for an owned label."""
    number = label.source.removeprefix("round ").partition(",")[0]
    return int(number) if number.isdigit() else None


# --- what is said --------------------------------------------------------------------------


def told(people: Mapping[str, Any] | None, share: float) -> list[str]:
    """Lines on a round's skips, and on a class that seems to be missing.

    people : the figures of its people; share : more answers of none of the classes say so
    """
    skips = (people or {}).get("skips") or {}
    if not people or not skips:
        return []
    lines = ["Skips: " + ", ".join(f"{name} {count}" for name, count in skips.items())]
    count = skips.get(NONE, 0)
    if count >= LEAST and count > share * people["answers"]:
        lines.append(
            f"{count} of {people['answers']} answers say {NONE!r}: a class may be missing; look at"
            " these images (`labelcycle export - --rejected`), add it with `labelcycle schema add`,"
            f' then `labelcycle ask-again --reason "{NONE}"`'
        )
    return lines


WORDS = (*REASONS, "no reason")
"""How the reasons are called on the command line; a plain skip has none."""


def reasons_of(words: Iterable[str]) -> tuple[str, ...]:
    """The reasons that these words name; all of them without words."""
    named = list(words) or list(WORDS)
    return tuple("" if word == "no reason" else word for word in named)
