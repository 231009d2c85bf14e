"""What a round says of its people: how far they agree, how reliable they are, what they cost."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from labelcycle.campaign import round_states
from labelcycle.campaign.labels import read_all_labels, read_holdout
from labelcycle.campaign.store import OWNED, Label, read_labels
from labelcycle.core import agreement, skip_reasons
from labelcycle.core.answer_times import effort
from labelcycle.core.dawid_skene import Model
from labelcycle.core.metrics import wilson
from labelcycle.core.skip_reasons import Skip
from labelcycle.core.valid_answers import Answers
from labelcycle.people import gold, unknown_classes
from labelcycle.rounds import answers as given
from labelcycle.rounds import pushed_tasks
from labelcycle.rounds.answers import Reply
from labelcycle.rounds.pushed_tasks import ADJUDICATION, GOLD, SELECTED
from labelcycle.rounds.snapshots import Snapshot


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """The value of `people` in `metrics.json`; times in seconds.

    Cost is that of the answers new in this round; alpha and reliability are of the campaign so
    far, `alpha_round` of the samples answered in this round. Skips cost time, too, and so do
    gold tasks, whose answers count nowhere else but under `gold`. What adjudicators say counts
    for labels and skill, but not for alpha and agreement.
    """
    config = snapshot.config
    replies = given.read(snapshot)
    fresh = [reply for reply in replies if reply.round == snapshot.number]
    skipped = [reply.given for reply in fresh if isinstance(reply.given, Skip)]
    answers, alike = (
        given.valid(given.last_words(some), config.classes)
        for some in (given.on_labels(replies), given.comparable(replies))
    )
    model, lacking = given.learned(answers, config.accept)
    accepted = _accepted(snapshot)
    bought = {name: each for name, each in accepted.items() if each.source != OWNED}
    names = {name: each.label for name, each in bought.items() if each.label is not None}
    made = names.keys() & _made(snapshot, bought)
    waiting = given.awaiting(bought.values())
    again = given.to_settle(bought.values(), replies)
    costs = _costs(fresh, names, made, _origins(snapshot), config.accept.longest)
    new = [reply.sample for reply in given.comparable(fresh)]
    heard = np.isin(np.array(alike.samples, dtype=str), new)
    return {
        "answers": len(fresh),
        "skipped": len(skipped),
        "skips": skip_reasons.counted(skipped),
        "no_class": unknown_classes.figures(fresh, config.classes),
        "adjudicate": len(again),
        "unsettled": len(waiting) - len(again),
        "method": {"used": model.kind if model else "majority", "instead": lacking},
        "alpha": agreement.alpha(alike.votes()),
        "alpha_round": agreement.alpha(alike.votes()[heard]),
        "seconds": costs["all"]["seconds"],
        "seconds_per_answer": costs["all"]["median"],
        "seconds_per_label": costs["all"]["per_label"],
        "cost": costs,
        "gold": gold.figures(snapshot, replies, {reply.annotator for reply in fresh}),
        "annotators": _reliability(answers, alike, model, config.evaluate.confidence),
    }


def _accepted(snapshot: Snapshot) -> dict[str, Label]:
    """The latest word on every sample, the hold-out's too."""
    holdout = {label.sample: label for label in read_holdout(snapshot.campaign)}
    return holdout | read_all_labels(snapshot.campaign)


def _made(snapshot: Snapshot, bought: Mapping[str, Label]) -> set[str]:
    """The samples whose label this round wrote, and no earlier one: a label is counted once."""
    mark = f"round {snapshot.number}"
    written = {name for name, each in bought.items() if each.source.split(",")[0] == mark}
    paths = map(snapshot.campaign.label_file, range(snapshot.number))
    earlier = (label for path in paths if path.exists() for label in read_labels(path))
    return written - {label.sample for label in earlier if label.label is not None}


def _origins(snapshot: Snapshot) -> dict[str, str]:
    """Who chose the sample of each task so far, by key: the strategy, or its kind.

    What adjudication costs is part of what its sample's label costs, so it is counted where the
    sample came from.
    """
    found: dict[str, str] = {}
    first: dict[str, str] = {}
    for number in pushed_tasks.pushed_rounds(snapshot):
        strategy = snapshot.record(round_states.PLAN, number)["strategy"]
        if (snapshot.campaign.round(number) / round_states.SELECTION).exists():
            strategy = snapshot.record(round_states.SELECTION, number).get("stood_in") or strategy
        for task in pushed_tasks.tasks(snapshot, number):
            origin = strategy if task.kind == SELECTED else task.kind
            if task.kind == ADJUDICATION:
                origin = first.get(task.sample, origin)
            elif task.kind != GOLD:
                first[task.sample] = origin
            found[task.key] = origin
    return found


# --- cost ----------------------------------------------------------------------------------


def _costs(
    fresh: list[Reply],
    accepted: Mapping[str, str],
    made: Collection[str],
    origins: Mapping[str, str],
    cap: float,
) -> dict[str, Any]:
    """The effort of all, and of each annotator, strategy and accepted class.

    made : the samples whose label is new in this round
    """

    def cost(replies: list[Reply], labelled: set[str]) -> dict[str, Any]:
        seconds = [reply.seconds for reply in replies]
        return asdict(effort(seconds, len(labelled.intersection(made)), cap))

    def labelled(replies: Iterable[Reply]) -> set[str]:
        return {reply.sample for reply in replies}

    people = _groups(fresh, lambda reply: reply.annotator)
    chosen = _groups(fresh, lambda reply: origins[reply.key])
    classes = _groups(fresh, lambda reply: accepted.get(reply.sample, ""))
    return {
        "cap": cap,
        "all": cost(fresh, labelled(fresh)),
        "by_annotator": {name: cost(r, _own(r, accepted)) for name, r in people.items()},
        "by_strategy": {name: cost(r, labelled(r)) for name, r in chosen.items()},
        "by_class": {name: cost(r, labelled(r)) for name, r in classes.items() if name},
        "without_label": cost(classes.get("", []), set()),
    }


def _groups(replies: list[Reply], name: Callable[[Reply], str]) -> dict[str, list[Reply]]:
    found: dict[str, list[Reply]] = defaultdict(list)
    for reply in replies:
        found[name(reply)].append(reply)
    return found


def _own(replies: list[Reply], accepted: Mapping[str, str]) -> set[str]:
    """The samples whose accepted label is what these answers say."""
    return {r.sample for r in replies if r.given == (accepted.get(r.sample),)}


# --- reliability ---------------------------------------------------------------------------


def _reliability(
    answers: Answers, alike: Answers, model: Model | None, confidence: float
) -> dict[str, Any]:
    """What is known of each annotator, with intervals.

    alike : those of the answers that are compared
    """
    counts = np.bincount(answers.annotator, minlength=len(answers.annotators))
    same, compared = (
        dict(zip(alike.annotators, each.tolist(), strict=True))
        for each in agreement.with_others(alike)
    )
    return {
        name: {
            "answers": int(counts[person]),
            "compared": compared.get(name, 0),
            "agreement_with_others": _share(same.get(name, 0), compared.get(name, 0), confidence),
            **_skill(answers.classes, model, person, confidence),
        }
        for person, name in enumerate(answers.annotators)
    }


def _skill(
    classes: tuple[str, ...], model: Model | None, person: int, confidence: float
) -> dict[str, Any]:
    """The share of probably right answers, and of each class where matrices were fitted."""
    if model is None:
        return {"skill": None, "recall": None}
    expected = model.expected[person]
    right, met = np.diagonal(expected), expected.sum(axis=1)
    recall = {
        name: _share(float(right[c]), float(met[c]), confidence)
        for c, name in enumerate(classes)
        if met[c] >= 1
    }
    return {
        "skill": _share(float(right.sum()), float(met.sum()), confidence),
        "recall": recall if model.kind == "per class" else None,
    }


def _share(right: float, n: float, confidence: float) -> dict[str, float] | None:
    """Wilson's interval, None without anything to divide by."""
    return asdict(wilson(min(right, n), n, confidence)) if n > 0 else None
