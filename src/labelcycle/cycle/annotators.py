"""What a round says of its people: how far they agree, how reliable they are, what they cost."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from labelcycle import rounds
from labelcycle.core import agreement
from labelcycle.core.answers import Answers
from labelcycle.core.dawid_skene import Model
from labelcycle.core.effort import effort
from labelcycle.core.metrics import wilson
from labelcycle.cycle import answers as given
from labelcycle.cycle import asked, gold
from labelcycle.cycle.answers import Reply
from labelcycle.cycle.asked import SELECTED
from labelcycle.cycle.standing import Standing
from labelcycle.labels import read_all_labels, read_holdout
from labelcycle.store import OWNED, Label


def figures(standing: Standing) -> dict[str, Any]:
    """The value of `people` in `metrics.json`; times in seconds.

    Cost is that of the answers new in this round; alpha and reliability are of the campaign so
    far, `alpha_round` of the samples that this round asked for. Skips cost time, too, and so do
    gold tasks, whose answers count nowhere else but under `gold`.
    """
    config = standing.config
    replies = given.read(standing)
    fresh = _fresh(replies, standing.number)
    on_labels = given.on_labels(replies)
    answers = given.valid(given.last_words(on_labels), config.classes)
    model, lacking = given.learned(answers, config.accept)
    accepted = _accepted(standing)
    bought = {name: each for name, each in accepted.items() if each.source != OWNED}
    names = {name: each.label for name, each in bought.items() if each.label is not None}
    waiting = given.awaiting(bought.values())
    again = given.to_settle(bought.values(), replies)
    costs = _costs(fresh, names, _origins(standing), config.accept.longest)
    heard = np.isin(np.array(answers.samples, dtype=str), [r.sample for r in fresh])
    return {
        "answers": len(fresh),
        "skipped": sum(reply.given is None for reply in fresh),
        "adjudicate": len(again),
        "unsettled": len(waiting) - len(again),
        "method": {"used": model.kind if model else "majority", "instead": lacking},
        "alpha": agreement.alpha(answers.votes()),
        "alpha_round": agreement.alpha(answers.votes()[heard]),
        "seconds": costs["all"]["seconds"],
        "seconds_per_answer": costs["all"]["median"],
        "seconds_per_label": costs["all"]["per_label"],
        "cost": costs,
        "gold": gold.figures(standing, replies, {reply.annotator for reply in fresh}),
        "annotators": _reliability(answers, names, model, config.evaluate.confidence),
    }


def _fresh(replies: Iterable[Reply], number: int) -> list[Reply]:
    """The answers of a round that no earlier round has: late tasks are read more than once."""
    seen: set[tuple[str, int]] = set()
    found = []
    for reply in replies:
        name = reply.key, reply.annotation
        if reply.round == number and name not in seen:
            found.append(reply)
        seen.add(name)
    return found


def _accepted(standing: Standing) -> dict[str, Label]:
    """The latest word on every sample, the hold-out's too."""
    holdout = {label.sample: label for label in read_holdout(standing.campaign)}
    return holdout | read_all_labels(standing.campaign)


def _origins(standing: Standing) -> dict[str, str]:
    """Who chose the sample of each task so far, by key: the strategy, or its kind."""
    found = {}
    for number in asked.pushed_rounds(standing):
        strategy = standing.record(rounds.PLAN, number)["strategy"]
        if (standing.campaign.round(number) / rounds.SELECTION).exists():
            strategy = standing.record(rounds.SELECTION, number).get("stood_in") or strategy
        for task in asked.tasks(standing, number):
            found[task.key] = strategy if task.kind == SELECTED else task.kind
    return found


# --- cost ----------------------------------------------------------------------------------


def _costs(
    fresh: list[Reply], accepted: Mapping[str, str], origins: Mapping[str, str], cap: float
) -> dict[str, Any]:
    """The effort of all, and of each annotator, strategy and accepted class."""

    def cost(replies: list[Reply], made: set[str]) -> dict[str, Any]:
        return asdict(effort([reply.seconds for reply in replies], len(made), cap))

    def labelled(replies: Iterable[Reply]) -> set[str]:
        return {reply.sample for reply in replies if reply.sample in accepted}

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
    answers: Answers, accepted: Mapping[str, str], model: Model | None, confidence: float
) -> dict[str, Any]:
    """What is known of each annotator, with intervals."""
    place = {name: number for number, name in enumerate(answers.classes)}
    labels = [place.get(accepted.get(sample, ""), -1) for sample in answers.samples]
    right, compared = agreement.with_accepted(answers, np.array(labels, dtype=np.int64))
    counts = np.bincount(answers.annotator, minlength=len(answers.annotators))
    return {
        name: {
            "answers": int(counts[person]),
            "compared": int(compared[person]),
            "agreed": _share(float(right[person]), float(compared[person]), confidence),
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
