"""What showing the model's class does to people: how often they override it, and how it sways them.

A share of the pre-annotations is not shown, at random. If those who see the model's class say the
same more often than those who do not, seeing it is why. Samples were drawn to be shown or blind,
not answers, so samples are what is counted: several answers to one image are no independent draws.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any

from labelcycle.campaign.labels import read_migrations
from labelcycle.core import consensus
from labelcycle.core.class_migrations import counted_as
from labelcycle.core.metrics import Estimate, difference, wilson
from labelcycle.people import gold
from labelcycle.rounds import answers, pushed_tasks
from labelcycle.rounds.answers import Reply
from labelcycle.rounds.pushed_tasks import GOLD, SELECTED, Asked
from labelcycle.rounds.snapshots import Snapshot

Found = dict[str, list[bool]]
"""Of each sample, what is true of which of its answers."""


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """The value of `preannotation` in `metrics.json`: of the round, and of the campaign so far.

    Classes have the names of now, as in the answers; where the model's was removed since, nobody
    could say it now, and the task is left out.
    """
    table = counted_as(read_migrations(snapshot.campaign))
    predicted = {
        task.key: replace(task, predicted=now)
        for number in pushed_tasks.pushed_rounds(snapshot)
        for task in pushed_tasks.tasks(snapshot, number)
        if task.predicted and (now := table.get(task.predicted, task.predicted))
    }
    replies = [r for r in answers.last_replies(answers.read(snapshot)) if r.key in predicted]
    own = {task.key for task in pushed_tasks.tasks(snapshot)}
    known = gold.truth(snapshot)
    return {
        **_block(snapshot, [r for r in replies if r.key in own], predicted, known),
        "campaign": _block(snapshot, replies, predicted, known),
    }


def _block(
    snapshot: Snapshot,
    replies: Iterable[Reply],
    predicted: Mapping[str, Asked],
    known: Mapping[str, str],
) -> dict[str, Any]:
    """Selected samples with a prediction and a valid answer, shown and blind; shares of them.

    Of a sample counts the share of its answers that say the model's class. `bias` is how much more
    often people say it where they see it. `errors` are shares of wrong answers to gold tasks, which
    the model was trained on: they say what seeing a mostly right class does.
    """
    same: dict[bool, Found] = {True: defaultdict(list), False: defaultdict(list)}
    wrong: dict[bool, Found] = {True: defaultdict(list), False: defaultdict(list)}
    for reply in replies:
        said = consensus.said(reply.given, snapshot.config.classes)
        task = predicted[reply.key]
        if said is not None and task.kind == SELECTED:
            same[task.shown][task.sample].append(said == task.predicted)
        elif said is not None and task.kind == GOLD and task.sample in known:
            wrong[task.shown][task.sample].append(said != known[task.sample])
    seen, blind = (_share(same[shown], snapshot) for shown in (True, False))
    overridden = {name: [not each for each in found] for name, found in same[True].items()}
    return {
        "shown": len(same[True]),
        "override_rate": _plain(_share(overridden, snapshot)),
        "blind": len(same[False]),
        "blind_agreement": _plain(blind),
        "bias": _plain(difference(seen, blind) if seen and blind else None),
        "errors": {
            "shown": _plain(_share(wrong[True], snapshot)),
            "blind": _plain(_share(wrong[False], snapshot)),
        },
    }


def _share(found: Found, snapshot: Snapshot) -> Estimate | None:
    """The mean over the samples of the share of their answers; None without any."""
    shares = sum(sum(each) / len(each) for each in found.values())
    return wilson(shares, len(found), snapshot.config.evaluate.confidence) if found else None


def _plain(estimate: Estimate | None) -> dict[str, float] | None:
    return asdict(estimate) if estimate else None
