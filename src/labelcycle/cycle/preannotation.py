"""What showing the model's class does to people: how often they override it, and how it sways them.

A share of the pre-annotations is not shown, at random. If those who see the model's class say the
same more often than those who do not, seeing it is why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from labelcycle.core import consensus
from labelcycle.core.metrics import Estimate, difference, wilson
from labelcycle.core.migrations import counted_as
from labelcycle.cycle import answers, asked, gold
from labelcycle.cycle.answers import Reply
from labelcycle.cycle.asked import GOLD, SELECTED, Asked
from labelcycle.cycle.standing import Standing
from labelcycle.labels import read_migrations


def figures(standing: Standing) -> dict[str, Any]:
    """The value of `preannotation` in `metrics.json`: of the round, and of the campaign so far."""
    table = counted_as(read_migrations(standing.campaign))  # answers count in today's names, too
    predicted = {
        task.key: replace(task, predicted=table.get(task.predicted) or task.predicted)
        for number in asked.pushed_rounds(standing)
        for task in asked.tasks(standing, number)
        if task.predicted is not None
    }
    replies = [r for r in answers.last_replies(answers.read(standing)) if r.key in predicted]
    own = {task.key for task in asked.tasks(standing)}
    known = gold.truth(standing)
    return {
        **_block(standing, [r for r in replies if r.key in own], predicted, known),
        "campaign": _block(standing, replies, predicted, known),
    }


def _block(
    standing: Standing,
    replies: Iterable[Reply],
    predicted: Mapping[str, Asked],
    known: Mapping[str, str],
) -> dict[str, Any]:
    """Valid answers to selected samples with a prediction, shown and blind; shares of them.

    `bias` is how much more often people say the model's class where they see it. `errors` are
    shares of wrong answers to gold tasks, which the model was trained on: they say what seeing a
    mostly right class does.
    """
    same: dict[bool, list[bool]] = {True: [], False: []}
    wrong: dict[bool, list[bool]] = {True: [], False: []}
    for reply in replies:
        said = consensus.said(reply.given, standing.config.classes)
        task = predicted[reply.key]
        if said is not None and task.kind == SELECTED:
            same[task.shown].append(said == task.predicted)
        elif said is not None and task.kind == GOLD:
            wrong[task.shown].append(said != known.get(reply.sample))
    shares = {shown: _share(found, standing) for shown, found in same.items()}
    seen, blind = shares[True], shares[False]
    overridden = [not each for each in same[True]]
    return {
        "shown": len(same[True]),
        "overridden": sum(overridden),
        "override_rate": _plain(_share(overridden, standing)),
        "blind": len(same[False]),
        "blind_agreement": _plain(blind),
        "bias": _plain(difference(seen, blind) if seen and blind else None),
        "errors": {
            "shown": _plain(_share(wrong[True], standing)),
            "blind": _plain(_share(wrong[False], standing)),
        },
    }


def _share(found: list[bool], standing: Standing) -> Estimate | None:
    return wilson(sum(found), len(found), standing.config.evaluate.confidence) if found else None


def _plain(estimate: Estimate | None) -> dict[str, float] | None:
    return asdict(estimate) if estimate else None
