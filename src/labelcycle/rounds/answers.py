"""From the answers of people to labels. All answers of a campaign count, in whatever round."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.pushed_record import ADJUDICATION, GOLD, Kind, PushedTask
from labelcycle.core import consensus, dawid_skene
from labelcycle.core.class_migrations import Table
from labelcycle.core.consensus import Given, Verdict
from labelcycle.core.dawid_skene import Model
from labelcycle.core.skip_reasons import Skip
from labelcycle.core.valid_answers import Answers, gather
from labelcycle.rounds import corrections, pushed_tasks
from labelcycle.rounds.corrections import PulledRound, RecordedAnswer
from labelcycle.rounds.snapshots import Snapshot

MOST_ADJUDICATIONS = 2
"""A sample that so many further answers did not settle stays rejected, for its reason."""

Words = Mapping[str, Mapping[str, Given]]
"""Sample -> annotator -> that person's last word on it."""


@dataclass(frozen=True)
class CountedAnswer:
    """An answer that counts, in the class names of now, and the task it is about.

    round : the number of the round whose file it is in
    """

    round: int
    task: PushedTask
    answer: Answer

    @property
    def key(self) -> str:
        """What names its task in the campaign."""
        return self.task.key

    @property
    def sample(self) -> str:
        """The sample it is about."""
        return self.task.sample

    @property
    def kind(self) -> Kind:
        """Why the sample was asked."""
        return self.task.kind

    @property
    def annotator(self) -> str:
        """Whose answer it is."""
        return self.answer.annotator

    @property
    def given(self) -> Given:
        """What the person said."""
        return Skip(self.answer.reason) if self.answer.skipped else self.answer.labels


def read(snapshot: Snapshot, pending: PulledRound | None = None) -> list[CountedAnswer]:
    """Every answer of the campaign so far, this round's included, as corrected since.

    pending : stands for the files of the round at work, before they are written
    """
    rounds = [*corrections.pulled(snapshot), *([pending] if pending else ())]
    tasks, table = pushed_tasks.tasks_by_key(snapshot), snapshot.records.table()
    return counted(corrections.corrected(rounds), tasks, table)


def counted(
    recorded: Iterable[RecordedAnswer], tasks: Mapping[str, PushedTask], table: Table
) -> list[CountedAnswer]:
    """Recorded answers with their tasks, in the class names of now; those without a task go.

    tasks : by key
    table : what earlier class names count as. A page that was opened before a change of the
        classes still sends the old names.
    """
    return [
        CountedAnswer(number, tasks[answer.key], _as_now(answer, table))
        for number, answer in recorded
        if answer.key in tasks
    ]


def _as_now(answer: Answer, table: Table) -> Answer:
    """An answer in the class names of now, where an old one counts as a class."""
    if not table:
        return answer
    names = dict.fromkeys(table.get(name) or name for name in answer.labels)
    return replace(answer, labels=tuple(names))


def on_labels(answers: Iterable[CountedAnswer]) -> list[CountedAnswer]:
    """The answers that labels are made of: all but those to gold tasks."""
    return [answer for answer in answers if answer.kind != GOLD]


def comparable(answers: Iterable[CountedAnswer]) -> list[CountedAnswer]:
    """Those that agreement can be read off: adjudication is asked only where people disagreed."""
    return [answer for answer in on_labels(answers) if answer.kind != ADJUDICATION]


def last_of_each(answers: Iterable[CountedAnswer]) -> list[CountedAnswer]:
    """What each person said last to each task."""
    last = {(answer.key, answer.annotator): answer for answer in _in_time(answers)}
    return list(last.values())


def last_words(answers: Iterable[CountedAnswer]) -> dict[str, dict[str, Given]]:
    """What each person said last of each sample: nobody counts twice, in however many rounds."""
    words: dict[str, dict[str, Given]] = defaultdict(dict)
    for answer in _in_time(answers):
        words[answer.sample][answer.annotator] = answer.given
    return words


def _in_time(answers: Iterable[CountedAnswer]) -> list[CountedAnswer]:
    return sorted(answers, key=lambda counted: (counted.answer.updated, counted.answer.annotation))


def valid(words: Words, classes: Sequence[str]) -> Answers:
    """The valid answers among the last words, as arrays."""
    triples = (
        (sample, annotator, name)
        for sample, people in words.items()
        for annotator, given in people.items()
        if (name := consensus.valid_class(given, classes)) is not None
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
    judged = {}
    for sample in sorted(set(samples) & words.keys()):
        said = list(words[sample].values())
        belief = believed.get(sample)
        by_name = dict(zip(classes, belief, strict=True)) if belief else None
        judged[sample] = consensus.accept(
            said, classes, options.confidence, by_name, wanted.get(sample, 1)
        )
    return judged


def labels(
    number: int,
    answers: Iterable[CountedAnswer],
    wanted: Mapping[str, int],
    samples: Collection[str],
    classes: Sequence[str],
    options: consensus.Options,
) -> list[Label]:
    """The labels of those of `samples` that anybody answered or skipped in round `number`.

    answers : of the whole campaign; wanted : as in `pushed_tasks.people_wanted`

    All answers of the campaign are weighed, but nothing is said anew of a sample that was not
    asked again: what earlier rounds accepted stays.
    """
    on_samples = on_labels(answers)
    heard = {answer.sample for answer in on_samples if answer.round == number} & set(samples)
    judged = verdicts(last_words(on_samples), wanted, heard, classes, options)
    return [label(sample, verdict, f"round {number}") for sample, verdict in judged.items()]


def label(sample: str, verdict: Verdict, source: str) -> Label:
    """The label that a verdict makes."""
    sure = None if verdict.confidence is None else round(verdict.confidence, 6)
    return Label(
        sample, verdict.label, verdict.reason, verdict.votes, source, sure, verdict.adjudicate
    )


def awaiting(labels: Iterable[Label]) -> list[str]:
    """The samples that await adjudication: they were answered, but no label is sure enough."""
    return [label.sample for label in labels if label.adjudicate]


def to_settle(labels: Iterable[Label], answers: Iterable[CountedAnswer]) -> list[str]:
    """Those of them that are to be asked again, first those asked again least, else in order."""
    settling = {(a.sample, a.key) for a in answers if a.kind == ADJUDICATION}
    again = Counter(sample for sample, _ in settling)
    waiting = [s for s in awaiting(labels) if again[s] < MOST_ADJUDICATIONS]
    return sorted(waiting, key=lambda sample: again[sample])
