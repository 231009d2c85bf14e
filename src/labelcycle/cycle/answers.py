"""From the answers of people to labels. All answers of a campaign count, in whatever round."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labelcycle import rounds
from labelcycle.core import consensus, dawid_skene
from labelcycle.core.answers import Answers, gather
from labelcycle.core.consensus import Verdict
from labelcycle.core.dawid_skene import Model
from labelcycle.cycle.standing import Standing
from labelcycle.labels import answers_as_now
from labelcycle.store import Label, read_jsonl

Given = tuple[str, ...] | None
"""The class names somebody chose, or consensus.SKIPPED."""
Words = Mapping[str, Mapping[str, Given]]
"""Sample -> annotator -> that person's last word on it."""


@dataclass(frozen=True)
class Reply:
    """What a round's file keeps of one answer, and the sample it is about."""

    round: int
    key: str
    annotation: int
    sample: str
    annotator: str
    given: Given
    updated: str
    seconds: float | None


def read(standing: Standing) -> list[Reply]:
    """Every answer of the campaign so far, this round's included, by round."""
    samples: dict[str, str] = {}
    found = []
    for number in range(standing.number + 1):
        folder = standing.campaign.round(number)
        if (folder / rounds.PUSHED).exists():
            tasks = standing.record(rounds.PUSHED, number)["tasks"]
            samples |= {task["key"]: task["sample"] for task in tasks}
        if (folder / rounds.ANNOTATIONS).exists():
            records = read_jsonl(folder / rounds.ANNOTATIONS)
            for record in answers_as_now(standing.campaign, records):
                if record["key"] in samples:
                    found.append(_reply(record, number, samples[record["key"]]))
    return found


def _reply(record: Mapping[str, Any], number: int, sample: str) -> Reply:
    return Reply(
        round=number,
        key=record["key"],
        annotation=record["annotation"],
        sample=sample,
        annotator=record["annotator"],
        given=consensus.SKIPPED if record["skipped"] else tuple(record["labels"]),
        updated=record["updated"],
        seconds=record["lead_time_s"],
    )


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
    words: Words, samples: Collection[str], classes: Sequence[str], options: consensus.Options
) -> dict[str, Verdict]:
    """What becomes of `samples`, by all the words; those nobody said a word of are left out."""
    answers = valid(words, classes)
    model, _ = learned(answers, options)
    beliefs = dawid_skene.posterior(model, answers).tolist() if model else []
    believed = dict(zip(answers.samples, beliefs, strict=False))
    found = {}
    for sample in sorted(set(samples) & words.keys()):
        given = list(words[sample].values())
        belief = believed.get(sample)
        by_name = dict(zip(classes, belief, strict=True)) if belief else None
        found[sample] = consensus.accept(given, classes, options.confidence, by_name)
    return found


def labels(standing: Standing, samples: Collection[str]) -> list[Label]:
    """The labels of those of `samples` that anybody answered or skipped in this round.

    All answers of the campaign are weighed, but nothing is said anew of a sample that was not
    asked again: what earlier rounds accepted stays.
    """
    replies = read(standing)
    heard = {r.sample for r in replies if r.round == standing.number} & set(samples)
    config = standing.config
    judged = verdicts(last_words(replies), heard, config.classes, config.accept)
    source = f"round {standing.number}"
    return [_label(sample, verdict, source) for sample, verdict in judged.items()]


def _label(sample: str, verdict: Verdict, source: str) -> Label:
    sure = None if verdict.confidence is None else round(verdict.confidence, 6)
    return Label(
        sample, verdict.label, verdict.reason, verdict.votes, source, sure, verdict.adjudicate
    )


def awaiting(found: Iterable[Label]) -> list[str]:
    """The samples that await adjudication: they were answered, but no label is sure enough."""
    return [label.sample for label in found if label.adjudicate]
