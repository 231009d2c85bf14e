"""What becomes of skips: how many there are, whether a class is missing, which are asked again."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.people_record import PeopleFigures
from labelcycle.campaign.records.record_files import Record
from labelcycle.campaign.round_states import State
from labelcycle.core.counted_nouns import counted
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


@dataclass(frozen=True)
class Requests(Record):
    """The content of `again.json`: the requests so far, in order."""

    requests: tuple[Request, ...]


def requests(campaign: Campaign) -> tuple[Request, ...]:
    """The requests so far, in order."""
    return Requests.read(campaign.again).requests if campaign.again.exists() else ()


def ask_again(snapshot: Snapshot, reasons: Collection[str], at: str) -> list[str]:
    """Request that samples skipped for these reasons are asked again; all that wait now.

    at : the present time, ISO 8601

    For the holder of the campaign's lock. The next open commits the request. Nothing is written if
    no sample was skipped so.
    """
    number = snapshot.number + (snapshot.state is not State.DUE)
    request = Request(number, tuple(sorted(reasons)), at)
    campaign = snapshot.campaign
    if _requested(_latest(snapshot), [request]):
        Requests((*requests(campaign), request)).write(campaign.again)
    return waiting(snapshot)


def waiting(snapshot: Snapshot) -> list[str]:
    """The samples that are to be asked again and were not yet, the longest waiting first."""
    return _requested(_latest(snapshot), requests(snapshot.campaign))


def _latest(snapshot: Snapshot) -> list[Label]:
    return [*snapshot.records.holdout(), *snapshot.records.labels().values()]


def _requested(labels: Iterable[Label], requests: Collection[Request]) -> list[str]:
    """The samples that the requests mean, the longest waiting first."""
    waiting = []
    for label in labels:
        reason = reason_of(label.reason or "")
        number = _round(label)
        if reason is None or number is None:
            continue
        if any(number < request.round and reason in request.reasons for request in requests):
            waiting.append((number, label.sample))
    return [sample for _, sample in sorted(waiting)]


def _round(label: Label) -> int | None:
    """Number of the round that said it; None for an owned label."""
    number = label.source.removeprefix("round ").partition(",")[0]
    return int(number) if number.isdigit() else None


# --- what is said --------------------------------------------------------------------------


def summary_lines(people: PeopleFigures, share: float) -> list[str]:
    """Lines on a round's skips, and on a class that seems to be missing.

    people : the figures of its people; share : more answers of none of the classes say so
    """
    skips = people.skips
    if not skips:
        return []
    reasons = ", ".join(f"{count} {name}" for name, count in skips.items())
    lines = [f"Skips: {sum(skips.values())} of {counted(people.answers, 'answer')} ({reasons})"]
    count = skips.get(NONE, 0)
    if count >= LEAST and count > share * people.answers:
        lines.append(
            f"{count} of {people.answers} answers say {NONE!r}: a class may be missing; look at"
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
