"""What a round says of its people: how far they agree, how reliable they are, what they cost."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np

from labelcycle.campaign.campaign_paths import OWNED
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.people_record import (
    Costs,
    LabelMethod,
    PeopleFigures,
    Reliability,
)
from labelcycle.campaign.records.pushed_record import ADJUDICATION, GOLD, SELECTED
from labelcycle.config import Config
from labelcycle.core import agreement, skip_reasons
from labelcycle.core.answer_times import Effort, effort
from labelcycle.core.dawid_skene import Model
from labelcycle.core.metrics import Estimate, wilson
from labelcycle.core.skip_reasons import Skip
from labelcycle.core.valid_answers import Answers
from labelcycle.people import gold, unknown_classes
from labelcycle.rounds import answers as counting
from labelcycle.rounds.answers import CountedAnswer
from labelcycle.rounds.campaign_history import AskedRound, History


def figures(history: History, config: Config) -> PeopleFigures:
    """The value of `people` in `metrics.json`; times in seconds.

    Cost is that of the answers new in this round; alpha and reliability are of the campaign so
    far, `alpha_round` of the samples answered in this round. Skips cost time, too, and so do
    gold tasks, whose answers count nowhere else but under `gold`. What adjudicators say counts
    for labels and skill, but not for alpha and agreement.
    """
    fresh = [answer for answer in history.answers if answer.round == history.number]
    skips = [answer.given for answer in fresh if isinstance(answer.given, Skip)]
    valid, alike = (
        counting.valid(counting.last_words(some), config.classes)
        for some in (counting.on_labels(history.answers), counting.comparable(history.answers))
    )
    model, lacking = counting.learned(valid, config.accept)
    bought = {name: label for name, label in history.labels.items() if label.source != OWNED}
    accepted = {name: label.label for name, label in bought.items() if label.label is not None}
    new = accepted.keys() & _new(history, bought)
    waiting = counting.awaiting(bought.values())
    again = counting.to_settle(bought.values(), history.answers)
    costs = _costs(fresh, accepted, new, _origins(history.rounds), config.accept.longest)
    in_round = [answer.sample for answer in counting.comparable(fresh)]
    votes_of_round = np.isin(np.array(alike.samples, dtype=str), in_round)
    people = {answer.annotator for answer in fresh}
    return PeopleFigures(
        answers=len(fresh),
        skipped=len(skips),
        skips=skip_reasons.counted(skips),
        no_class=unknown_classes.figures(fresh, config.classes),
        adjudicate=len(again),
        unsettled=len(waiting) - len(again),
        method=LabelMethod(model.kind if model else "majority", lacking),
        alpha=agreement.alpha(alike.votes()),
        alpha_round=agreement.alpha(alike.votes()[votes_of_round]),
        seconds=costs.all.seconds,
        seconds_per_answer=costs.all.median,
        seconds_per_label=costs.all.per_label,
        cost=costs,
        gold=gold.figures(history, people, config),
        annotators=_reliability(valid, alike, model, config.evaluate.confidence),
    )


def _new(history: History, bought: Mapping[str, Label]) -> set[str]:
    """The samples whose label this round wrote, and no earlier one: a label is counted once."""
    mark = f"round {history.number}"
    written = {name for name, label in bought.items() if label.source.split(",")[0] == mark}
    return written - history.labelled_before


def _origins(rounds: Iterable[AskedRound]) -> dict[str, str]:
    """Who chose the sample of each task so far, by key: the strategy, or its kind.

    What adjudication costs is part of what its sample's label costs, so it is counted where the
    sample came from.
    """
    origins: dict[str, str] = {}
    first: dict[str, str] = {}
    for asked in rounds:
        for task in asked.tasks:
            origin = asked.picked_by if task.kind == SELECTED else task.kind
            if task.kind == ADJUDICATION:
                origin = first.get(task.sample, origin)
            elif task.kind != GOLD:
                first[task.sample] = origin
            origins[task.key] = origin
    return origins


# --- cost ----------------------------------------------------------------------------------


def _costs(
    fresh: list[CountedAnswer],
    accepted: Mapping[str, str],
    new: Collection[str],
    origins: Mapping[str, str],
    cap: float,
) -> Costs:
    """The effort of all, and of each annotator, strategy and accepted class.

    new : the samples whose label is new in this round
    """

    def cost(answers: list[CountedAnswer], labelled: set[str]) -> Effort:
        seconds = [answer.answer.lead_time_s for answer in answers]
        return effort(seconds, len(labelled.intersection(new)), cap)

    def labelled(answers: Iterable[CountedAnswer]) -> set[str]:
        return {answer.sample for answer in answers}

    people = _groups(fresh, lambda answer: answer.annotator)
    chosen = _groups(fresh, lambda answer: origins[answer.key])
    classes = _groups(fresh, lambda answer: accepted.get(answer.sample, ""))
    return Costs(
        cap=cap,
        all=cost(fresh, labelled(fresh)),
        by_annotator={name: cost(some, _right(some, accepted)) for name, some in people.items()},
        by_strategy={name: cost(some, labelled(some)) for name, some in chosen.items()},
        by_class={name: cost(some, labelled(some)) for name, some in classes.items() if name},
        without_label=cost(classes.get("", []), set()),
    )


def _groups(
    answers: list[CountedAnswer], name: Callable[[CountedAnswer], str]
) -> dict[str, list[CountedAnswer]]:
    groups: dict[str, list[CountedAnswer]] = defaultdict(list)
    for answer in answers:
        groups[name(answer)].append(answer)
    return groups


def _right(answers: list[CountedAnswer], accepted: Mapping[str, str]) -> set[str]:
    """The samples whose accepted label is what these answers say."""
    return {a.sample for a in answers if a.given == (accepted.get(a.sample),)}


# --- reliability ---------------------------------------------------------------------------


def _reliability(
    answers: Answers, alike: Answers, model: Model | None, confidence: float
) -> dict[str, Reliability]:
    """What is known of each annotator, with intervals.

    alike : those of the answers that are compared
    """
    counts = np.bincount(answers.annotator, minlength=len(answers.annotators))
    same, compared = (
        dict(zip(alike.annotators, figure.tolist(), strict=True))
        for figure in agreement.with_others(alike)
    )
    reliability = {}
    for person, name in enumerate(answers.annotators):
        skill, recall = _skill(answers.classes, model, person, confidence)
        reliability[name] = Reliability(
            answers=int(counts[person]),
            compared=compared.get(name, 0),
            agreement_with_others=_share(same.get(name, 0), compared.get(name, 0), confidence),
            skill=skill,
            recall=recall,
        )
    return reliability


def _skill(
    classes: tuple[str, ...], model: Model | None, person: int, confidence: float
) -> tuple[Estimate | None, dict[str, Estimate | None] | None]:
    """The share of probably right answers, and of each class where matrices were fitted."""
    if model is None:
        return None, None
    expected = model.expected[person]
    right, met = np.diagonal(expected), expected.sum(axis=1)
    skill = _share(float(right.sum()), float(met.sum()), confidence)
    if model.kind != "per class":
        return skill, None
    recall = {
        name: _share(float(right[c]), float(met[c]), confidence)
        for c, name in enumerate(classes)
        if met[c] >= 1
    }
    return skill, recall


def _share(right: float, n: float, confidence: float) -> Estimate | None:
    """Wilson's interval, None without anything to divide by."""
    return wilson(min(right, n), n, confidence) if n > 0 else None
