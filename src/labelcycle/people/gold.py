"""How reliable people are on gold tasks, whose class was known before anybody was asked."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from labelcycle.campaign.records.people_record import GoldAnswers, GoldFigures
from labelcycle.campaign.records.pushed_record import GOLD
from labelcycle.config import Config
from labelcycle.core.answer_times import effort
from labelcycle.core.counted_nouns import counted
from labelcycle.core.metrics import wilson
from labelcycle.core.skip_reasons import Skip
from labelcycle.rounds import answers
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import History

LEAST = 5
"""Gold answers below which nobody is named, however wrong they are."""


def figures(history: History, present: Collection[str], config: Config) -> GoldFigures:
    """Of each annotator: gold answers so far in the campaign, share right, seconds; who is named.

    present : the annotators of this round; nobody else is named in `below`

    `below` are those whose share of right answers is below `push.gold_alert` with its whole
    interval: with the threshold at 0.7, somebody who is right nine times of ten is hardly ever
    among them, as would be if the share itself were compared. A skip is no answer. Samples whose
    known class was removed since tell nothing, and are left out.
    """
    truth = history.truth
    by_person: dict[str, list[CountedAnswer]] = defaultdict(list)
    known = (a for a in history.answers if a.kind == GOLD and a.sample in truth)
    for answer in answers.last_of_each(known):
        by_person[answer.annotator].append(answer)
    people = {
        name: _person(by_person[name], truth, config.accept.longest, config.evaluate.confidence)
        for name in sorted(by_person)
    }
    below = tuple(
        name
        for name, person in people.items()
        if name in present
        and person.answers >= LEAST
        and person.right is not None
        and person.right.high < config.push.gold_alert
    )
    return GoldFigures(below, people)


def _person(
    given: list[CountedAnswer], truth: Mapping[str, str], longest: float, confidence: float
) -> GoldAnswers:
    valid = [answer for answer in given if not isinstance(answer.given, Skip)]
    right = sum(answer.given == (truth[answer.sample],) for answer in valid)
    seconds = [answer.answer.lead_time_s for answer in given]
    return GoldAnswers(
        answers=len(valid),
        skipped=len(given) - len(valid),
        right=wilson(right, len(valid), confidence) if valid else None,
        seconds=effort(seconds, 0, longest).median,
    )


def names(figures: GoldFigures) -> str:
    """Who is named, as a text."""
    return f"{'annotator' if len(figures.below) == 1 else 'annotators'} {', '.join(figures.below)}"


def summary_lines(figures: GoldFigures) -> list[str]:
    """A line on each annotator who is named."""
    people = [(name, figures.annotators[name]) for name in figures.below]
    return [
        f"Annotator {name}: {right.value:.2f} of {counted(person.answers, 'answer')} to gold"
        f" tasks are right ({right.low:.2f} to {right.high:.2f})."
        for name, person in people
        if (right := person.right)
    ]
