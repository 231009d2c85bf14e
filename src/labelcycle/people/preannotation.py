"""What showing the model's class does to people: how often they override it, and how it sways them.

A share of the pre-annotations is not shown, at random. If those who see the model's class say the
same more often than those who do not, seeing it is why. Samples were drawn to be shown or blind,
not answers, so samples are what is counted: several answers to one image are no independent draws.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from labelcycle.campaign.records.metrics_record import (
    ErrorShares,
    PreannotationFigures,
    ShownGuesses,
)
from labelcycle.campaign.records.pushed_record import GOLD, SELECTED, PushedTask
from labelcycle.config import Config
from labelcycle.core import consensus
from labelcycle.core.metrics import Estimate, difference, wilson
from labelcycle.rounds import answers
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import History

BySample = dict[str, list[bool]]
"""Of each sample, what is true of which of its answers."""


def figures(history: History, config: Config) -> PreannotationFigures:
    """The value of `preannotation` in `metrics.json`: of the round, and of the campaign so far.

    Classes have the names of now, as in the answers; where the model's was removed since, nobody
    could say it now, and the task is left out.
    """
    predicted = {
        task.key: replace(task, predicted=name)
        for task in history.tasks.values()
        if task.predicted and (name := history.table.get(task.predicted, task.predicted))
    }
    last = [a for a in answers.last_of_each(history.answers) if a.key in predicted]
    own = {task.key for task in history.own_tasks}
    in_round = _shown([a for a in last if a.key in own], predicted, history.truth, config)
    return PreannotationFigures(
        **vars(in_round), campaign=_shown(last, predicted, history.truth, config)
    )


def _shown(
    given: Iterable[CountedAnswer],
    predicted: Mapping[str, PushedTask],
    truth: Mapping[str, str],
    config: Config,
) -> ShownGuesses:
    """Selected samples with a prediction and a valid answer, shown and blind; shares of them.

    Of a sample counts the share of its answers that say the model's class. `bias` is how much more
    often people say it where they see it. `errors` are shares of wrong answers to gold tasks, which
    the model was trained on: they say what seeing a mostly right class does.
    """
    same: dict[bool, BySample] = {True: defaultdict(list), False: defaultdict(list)}
    wrong: dict[bool, BySample] = {True: defaultdict(list), False: defaultdict(list)}
    for answer in given:
        name = consensus.valid_class(answer.given, config.classes)
        task = predicted[answer.key]
        if name is not None and task.kind == SELECTED:
            same[task.shown][task.sample].append(name == task.predicted)
        elif name is not None and task.kind == GOLD and task.sample in truth:
            wrong[task.shown][task.sample].append(name != truth[task.sample])
    confidence = config.evaluate.confidence
    seen, blind = (_share(same[shown], confidence) for shown in (True, False))
    overridden = {sample: [not yes for yes in answers] for sample, answers in same[True].items()}
    return ShownGuesses(
        shown=len(same[True]),
        override_rate=_share(overridden, confidence),
        blind=len(same[False]),
        blind_agreement=blind,
        bias=difference(seen, blind) if seen and blind else None,
        errors=ErrorShares(
            shown=_share(wrong[True], confidence), blind=_share(wrong[False], confidence)
        ),
    )


def _share(by_sample: BySample, confidence: float) -> Estimate | None:
    """The mean over the samples of the share of their answers; None without any."""
    shares = sum(sum(answers) / len(answers) for answers in by_sample.values())
    return wilson(shares, len(by_sample), confidence) if by_sample else None
