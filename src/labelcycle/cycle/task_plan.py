"""The tasks of a round: what was selected, what is mixed in, who is asked and what is shown.

Every draw comes from (campaign seed, round, "push"), so that a push that was killed goes on with
the same tasks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from labelcycle.adapters.ports import Address, Kind, Prediction, TaskSpec
from labelcycle.campaign.numpy_files import read_array
from labelcycle.campaign.records.pushed_record import (
    ADJUDICATION,
    GOLD,
    HOLDOUT,
    SELECTED,
    PushedTask,
)
from labelcycle.core.seeding import derive
from labelcycle.cycle import labelled_neighbours, task_images
from labelcycle.errors import SettingsError
from labelcycle.rounds import answers, campaign_history, pushed_tasks, skipped_samples
from labelcycle.rounds.snapshots import Snapshot


@dataclass(frozen=True)
class Ask:
    """A sample to be asked, before it has a rank."""

    sample: str
    kind: Kind
    wanted: int = 1
    prediction: Prediction | None = None
    shown: bool = True
    near: Sequence[labelled_neighbours.Neighbour] = ()


def tasks(snapshot: Snapshot) -> list[TaskSpec]:
    """The round's tasks by rank: the selection with gold and adjudication mixed in, the hold-out.

    The order of the selection stays. Of the hold-out comes what nobody has answered: all of it in
    round 0, later what a round that was ended early gave back.
    """
    options = snapshot.config.push
    rng = derive(snapshot.config.campaign.seed, snapshot.number, "push")
    for_overlap, for_gold, for_blind, for_order = rng.spawn(4)
    predictions = _predictions(snapshot)
    picks = [pick.sample for pick in snapshot.records.selection(snapshot.number).samples]
    held = _unanswered(snapshot)
    several = share(for_overlap, picks, options.overlap_share)
    several |= share(for_overlap, held, options.overlap_share)
    known = _gold(snapshot, len(picks), for_gold)
    several |= share(for_gold, known, options.overlap_share)  # else the number told them apart
    blind = share(for_blind, [s for s in (*picks, *known) if s in predictions], options.blind_share)

    neighbours = labelled_neighbours.neighbours(
        snapshot, [s for s in (*picks, *known) if s not in blind]
    )

    def to_ask(sample: str, kind: Kind) -> Ask:
        near, wanted = neighbours.get(sample, ()), options.overlap if sample in several else 1
        return Ask(sample, kind, wanted, predictions.get(sample), sample not in blind, near)

    chosen = [to_ask(s, SELECTED) for s in picks]
    extra = [to_ask(s, GOLD) for s in known] + [Ask(s, ADJUDICATION) for s in _unsettled(snapshot)]
    last = [to_ask(s, HOLDOUT) for s in held]
    ranked = [*mixed(for_order, chosen, extra), *last]
    samples = {sample.id: sample for sample in snapshot.records.samples()}
    images = task_images.images(snapshot, [(samples[ask.sample], ask.near) for ask in ranked])
    return [
        replace(_task(snapshot, rank, ask, image), tasks=len(ranked))
        for rank, (ask, image) in enumerate(zip(ranked, images, strict=True))
    ]


def check_gold(snapshot: Snapshot) -> None:
    """Raise SettingsError if gold tasks are wanted and no label is owned."""
    gold_share = snapshot.config.push.gold_share
    if gold_share and not _owned(snapshot):
        raise SettingsError(
            f"push.gold_share is {gold_share:g}; wanted owned labels of the pool to ask people"
            " about, got none; take some in with `labelcycle import-labels` before round 0, or set"
            " it to 0"
        )


def share(rng: np.random.Generator, names: Sequence[str], part: float) -> set[str]:
    """A random `part` in 0..1 of the names.

    A fraction of a name is one with that probability: small rounds have their share in the long
    run.
    """
    count = int(np.floor(part * len(names) + rng.random()))
    return {names[i] for i in rng.permutation(len(names))[:count]}


def mixed(rng: np.random.Generator, chosen: Sequence[Ask], extra: Sequence[Ask]) -> list[Ask]:
    """Both, `chosen` in its order, `extra` in any order at random places."""
    total = len(chosen) + len(extra)
    places = rng.choice(total, size=len(extra), replace=False)
    put = dict(zip(places.tolist(), extra, strict=True))
    rest = iter(chosen)
    return [put[place] if place in put else next(rest) for place in range(total)]


# --- which samples -------------------------------------------------------------------------


def _owned(snapshot: Snapshot) -> list[str]:
    """Samples of the pool whose class was known before round 0, and is still one, by id."""
    truth, classes = campaign_history.truth(snapshot.records.owned()), snapshot.config.classes
    return sorted(sample for sample, label in truth.items() if label in classes)


def _gold(snapshot: Snapshot, budget: int, rng: np.random.Generator) -> list[str]:
    """Known samples to mix in, those asked least so far first, else at random."""
    owned = _owned(snapshot)
    count = len(share(rng, [str(i) for i in range(budget)], snapshot.config.push.gold_share))
    earlier = Counter(task.sample for task in _earlier(snapshot) if task.kind == GOLD)
    drawn = [owned[i] for i in rng.permutation(len(owned))]
    return sorted(drawn, key=lambda sample: earlier[sample])[:count]


def _unsettled(snapshot: Snapshot) -> list[str]:
    """Samples that await adjudication, or were skipped and are asked again, as many as may be.

    Of both the longest waiting first.
    """
    limit = snapshot.config.push.adjudicate
    labels = [*snapshot.records.holdout(), *snapshot.records.labels().values()]
    most = snapshot.config.query.budget if limit is None else limit
    waiting = answers.to_settle(labels, answers.read(snapshot))
    return list(dict.fromkeys([*waiting, *skipped_samples.waiting(snapshot)]))[:most]


def _unanswered(snapshot: Snapshot) -> list[str]:
    """Samples of the hold-out of which nobody has said anything in a closed round, by id."""
    heard = {label.sample for label in snapshot.records.holdout()}
    held = snapshot.records.samples("holdout")
    return [sample.id for sample in held if sample.id not in heard]


def _earlier(snapshot: Snapshot) -> Iterable[PushedTask]:
    for number in pushed_tasks.pushed_rounds(snapshot):
        if number < snapshot.number:
            yield from pushed_tasks.tasks(snapshot, number)


# --- what is shown -------------------------------------------------------------------------


def task_key(snapshot: Snapshot, number: int, sample: str) -> str:
    """What makes a task unique in the campaign."""
    return f"{snapshot.key}/{number:03d}/{sample}"


def _task(snapshot: Snapshot, rank: int, ask: Ask, image: Path | Address) -> TaskSpec:
    return TaskSpec(
        key=task_key(snapshot, snapshot.number, ask.sample),
        sample=ask.sample,
        image=image,
        rank=rank,
        round=snapshot.number,
        kind=ask.kind,
        wanted=ask.wanted,
        prediction=ask.prediction,
        shown=ask.shown,
    )


def guesses(snapshot: Snapshot) -> bool:
    """Whether the round has guesses of a model; not in round 0, nor where they are switched off.

    Nor of a model that knows one class only: it says that class of every image, and is sure of it.
    """
    if not (snapshot.config.push.preannotate and snapshot.number > 0):
        return False
    known = {x.label for x in snapshot.records.labels().values() if x.label is not None}
    return len(known) > 1


def _predictions(snapshot: Snapshot) -> Mapping[str, Prediction]:
    """The current model's answer for each pool sample; none where the round has no guesses."""
    campaign, config = snapshot.campaign, snapshot.config
    if not guesses(snapshot):
        return {}
    probabilities = read_array(campaign.probabilities)
    best = np.argmax(probabilities, axis=1)
    names = [sample.id for sample in snapshot.records.samples("pool")]
    model = f"round-{snapshot.lineage.last or 0:03d}"  # trained on all labels that count
    return {
        name: Prediction(config.classes[c], float(probabilities[row, c]), model)
        for row, (name, c) in enumerate(zip(names, best, strict=True))
    }
