"""From the answers of people to labels. All answers of a campaign count, in whatever round."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelcycle.adapters.ports import Kind
from labelcycle.campaign.labels import answers_as_now
from labelcycle.campaign.store import Label
from labelcycle.core import consensus, dawid_skene
from labelcycle.core.consensus import Given, Verdict
from labelcycle.core.dawid_skene import Model
from labelcycle.core.skip_reasons import Skip
from labelcycle.core.valid_answers import Answers, gather
from labelcycle.rounds import corrections, pushed_tasks
from labelcycle.rounds.corrections import Pending
from labelcycle.rounds.pushed_tasks import ADJUDICATION, GOLD, SELECTED, Asked
from labelcycle.rounds.snapshots import Snapshot

MOST_ADJUDICATIONS = 2
"""A sample that so many further answers did not settle stays rejected, for its reason."""

Words = Mapping[str, Mapping[str, Given]]
"""Sample -> annotator -> that person's last word on it."""


@dataclass(frozen=True)
class Reply:
    """What a round's file keeps of one answer, and the sample it is about.

    kind : why the sample was asked
    """

    round: int
    key: str
    annotation: int
    sample: str
    annotator: str
    given: Given
    updated: str
    seconds: float | None
    kind: Kind = SELECTED


def read(snapshot: Snapshot, pending: Pending | None = None) -> list[Reply]:
    """Every answer of the campaign so far, this round's included, as corrected since.

    pending : as in `corrections.corrected`
    """
    known: dict[str, Asked] = {}
    for number in pushed_tasks.pushed_rounds(snapshot):
        known |= {task.key: task for task in pushed_tasks.tasks(snapshot, number)}
    records = answers_as_now(snapshot.campaign, corrections.corrected(snapshot, pending))
    return [_reply(record, known[record["key"]]) for record in records if record["key"] in known]


def on_labels(replies: Iterable[Reply]) -> list[Reply]:
    """The answers that labels are made of: all but those to gold tasks."""
    return [reply for reply in replies if reply.kind != GOLD]


def comparable(replies: Iterable[Reply]) -> list[Reply]:
    """Those that agreement can be read off: adjudication is asked only where people disagreed."""
    return [reply for reply in on_labels(replies) if reply.kind != ADJUDICATION]


def _reply(record: Mapping[str, Any], task: Asked) -> Reply:
    return Reply(
        round=record["round"],
        key=record["key"],
        annotation=record["annotation"],
        sample=task.sample,
        annotator=record["annotator"],
        given=Skip(record["reason"]) if record["skipped"] else tuple(record["labels"]),
        updated=record["updated"],
        seconds=record["lead_time_s"],
        kind=task.kind,
    )


def last_replies(replies: Iterable[Reply]) -> list[Reply]:
    """What each person said last to each task."""
    last = {
        (r.key, r.annotator): r for r in sorted(replies, key=lambda r: (r.updated, r.annotation))
    }
    return list(last.values())


def last_words(replies: Iterable[Reply]) -> dict[str, dict[str, Given]]:
    """What each person said last of each sample: nobody counts twice, in however many rounds."""
    words: dict[str, dict[str, Given]] = defaultdict(dict)
    for reply in sorted(replies, key=lambda r: (r.updated, r.annotation)):
        words[reply.sample][reply.annotator] = reply.given
    return words


def valid(words: Words, classes: Sequence[str]) -> Answers:
    """The valid answers among the last words, as arrays."""
    triples = (
        (sample, annotator, name)
        for sample, people in words.items()
        for annotator, given in people.items()
        if (name := consensus.said(given, classes)) is not None
    )
    return gather(triples, classes)


def learned(answers: Answers, options: consensus.Options) -> tuple[Model | None, str | None]:
    """What is known of the people, or None: the majority decides; then why, if it was not asked."""
    if options.method == "majority":
        return None, None
    lacking = dawid_skene.lacking(answers)
    return (None, lacking) if lacking else (dawid_skene.fit(answers), None)


def verdicts(
    words: Words,
    wanted: Mapping[str, int],
    samples: Collection[str],
    classes: Sequence[str],
    options: consensus.Options,
) -> dict[str, Verdict]:
    """What becomes of `samples`, by all the words; those nobody said a word of are left out.

    wanted : how many people were to answer each of them
    """
    answers = valid(words, classes)
    model, _ = learned(answers, options)
    beliefs = dawid_skene.posterior(model, answers).tolist() if model else []
    believed = dict(zip(answers.samples, beliefs, strict=False))
    found = {}
    for sample in sorted(set(samples) & words.keys()):
        given = list(words[sample].values())
        belief = believed.get(sample)
        by_name = dict(zip(classes, belief, strict=True)) if belief else None
        found[sample] = consensus.accept(
            given, classes, options.confidence, by_name, wanted.get(sample, 1)
        )
    return found


def labels(snapshot: Snapshot, samples: Collection[str]) -> list[Label]:
    """The labels of those of `samples` that anybody answered or skipped in this round.

    All answers of the campaign are weighed, but nothing is said anew of a sample that was not
    asked again: what earlier rounds accepted stays.
    """
    replies = on_labels(read(snapshot))
    heard = {r.sample for r in replies if r.round == snapshot.number} & set(samples)
    config = snapshot.config
    judged = verdicts(
        last_words(replies), pushed_tasks.wanted(snapshot), heard, config.classes, config.accept
    )
    source = f"round {snapshot.number}"
    return [label(sample, verdict, source) for sample, verdict in judged.items()]


def label(sample: str, verdict: Verdict, source: str) -> Label:
    """The label that a verdict makes."""
    sure = None if verdict.confidence is None else round(verdict.confidence, 6)
    return Label(
        sample, verdict.label, verdict.reason, verdict.votes, source, sure, verdict.adjudicate
    )


def awaiting(found: Iterable[Label]) -> list[str]:
    """The samples that await adjudication: they were answered, but no label is sure enough."""
    return [label.sample for label in found if label.adjudicate]


def to_settle(found: Iterable[Label], replies: Iterable[Reply]) -> list[str]:
    """Those of them that are to be asked again, first those asked again least, else in order."""
    again = Counter(sample for sample, _ in {(r.sample, r.key) for r in replies if _settles(r)})
    waiting = [s for s in awaiting(found) if again[s] < MOST_ADJUDICATIONS]
    return sorted(waiting, key=lambda sample: again[sample])


def _settles(reply: Reply) -> bool:
    return reply.kind == ADJUDICATION
