"""What a campaign knows of one sample: how it came in, and what each round had to do with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from labelcycle.adapters import git
from labelcycle.campaign import json_files, layout, numpy_files, round_states
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.pushed_record import PushedTask
from labelcycle.campaign.records.selection_record import SelectedSample
from labelcycle.campaign.sample_files import Sample, read_samples
from labelcycle.campaign.sample_lookup import Finder
from labelcycle.core.neighbours import unit_rows32
from labelcycle.cycle import sample_of_task
from labelcycle.cycle.past_rounds import bring, restored
from labelcycle.errors import DataError
from labelcycle.rounds import answer_journal, round_lineage
from labelcycle.rounds.snapshots import Snapshot
from labelcycle.stages.pool_files import read_features

NEIGHBOURS = 5
"""How many of the nearest samples are told."""
CHANCES = 3
"""How many of the classes that a model thinks likeliest are told."""
BLOCK = 65_536
"""Rows of features that are compared at a time."""


@dataclass(frozen=True)
class StrategyPick:
    """How a strategy picked the sample, as one of the `budget` picks of the round."""

    strategy: str
    budget: int
    sample: SelectedSample


@dataclass(frozen=True)
class RoundOfSample:
    """What one round had to do with the sample.

    closed : the round is closed; cancelled : without training
    label : what the round made of the answers, in the class names of its time
    changes : of answers of this round, as far as later looks found any
    learned : the round's model learned from the sample
    standing : False if the round was rolled back; counts : its answers count all the same
    chances : probability of the likeliest classes by the round's model; None for the hold-out, and
        where the model is not on this computer
    """

    round: int
    closed: bool
    cancelled: bool
    choice: StrategyPick | None
    task: PushedTask | None
    answers: tuple[Answer, ...]
    label: Label | None
    changes: tuple[Correction, ...]
    learned: bool
    chances: Mapping[str, float] | None = None
    standing: bool = True
    counts: bool = True


@dataclass(frozen=True)
class NearSample:
    """A sample of the pool with alike features: cosine 1 is the same direction.

    label : the class that counts now, None if there is none
    """

    sample: str
    source: str
    cosine: float
    label: str | None


@dataclass(frozen=True)
class SampleHistory:
    """All of it.

    label : what counts now; owned : what was known before round 0
    same_picture : other samples that show nearly the same
    counts : it is in the pool or hold-out of the round at work; else it waits for the next
    without_model : why some round's word on the sample is not told; empty if all is
    """

    sample: Sample
    label: Label | None
    owned: Label | None
    same_picture: tuple[str, ...]
    near: tuple[NearSample, ...]
    rounds: tuple[RoundOfSample, ...]
    without_model: str = ""
    counts: bool = True

    def as_json(self) -> dict[str, Any]:
        """The history as plain values."""
        return asdict(self)


def find(snapshot: Snapshot, name: str) -> Sample:
    """The sample that is called so: by its id, a path it was found at, or the end of one.

    Raises DataError if there is none, or several.
    """
    finder = Finder(snapshot.campaign, snapshot.records.samples(which="all"))
    found = finder.by_id.get(name) or finder.by_file(name)
    if found is None:
        raise DataError(
            f"{name!r} is no sample: wanted an id of {layout.SAMPLES}, or a path that an image was"
            f" found at{finder.like(name)}{sample_of_task.hint(name)}"
        )
    return found


def history(snapshot: Snapshot, sample: Sample) -> SampleHistory:
    """What the campaign's records say of a sample, and the models of its closed rounds.

    The models are brought from DVC's cache or remote, one round after the other.
    """
    rounds = [_of_round(snapshot, sample, number) for number in range(snapshot.number + 1)]
    trained = [r.round for r in rounds if r.closed and not r.cancelled]
    chances: dict[int, Mapping[str, float]] = {}
    problem = ""
    if sample.split == "pool" and trained:
        try:
            for number, said in _chances_by_round(snapshot, sample, trained):
                chances[number] = said
        except DataError as missing:
            problem = str(missing)
    records = snapshot.records
    labels = {label.sample: label for label in records.holdout()} | records.labels()
    return SampleHistory(
        sample,
        labels.get(sample.id),
        next((label for label in records.owned() if label.sample == sample.id), None),
        tuple(
            other.id
            for other in snapshot.records.samples(which="all")
            if other.picture == sample.picture and other.id != sample.id
        ),
        nearest(snapshot, sample, labels),
        tuple(
            RoundOfSample(**{**vars(r), "chances": chances.get(r.round)})
            for r in rounds
            if _told(r)
        ),
        problem,
        any(each.id == sample.id for each in records.samples()),
    )


def _told(r: RoundOfSample) -> bool:
    """Whether there is anything to say: all closed rounds have at least a model's word."""
    return r.closed or r.choice is not None or r.task is not None


def _of_round(snapshot: Snapshot, sample: Sample, number: int) -> RoundOfSample:
    records, closed = snapshot.records, number in snapshot.closed
    choice = None
    if records.has(number, round_states.SELECTION):
        made = records.selection(number)
        choice = next(
            (
                StrategyPick(made.picked_by, len(made.samples), pick)
                for pick in made.samples
                if pick.sample == sample.id
            ),
            None,
        )
    task = None
    if records.has(number, round_states.PUSHED):
        pushed = records.pushed(number).tasks
        task = next((each for each in pushed if each.sample == sample.id), None)
    return RoundOfSample(
        number,
        closed,
        closed and records.metrics(number).cancelled,
        choice,
        task,
        _answers(snapshot, number, task) if task else (),
        _labelled(snapshot, sample, number),
        _changes(snapshot, task) if task else (),
        closed and _learned(snapshot, sample, number),
        standing=not closed or number in snapshot.lineage.standing,
        counts=not closed or number in snapshot.lineage.counting,
    )


def _answers(snapshot: Snapshot, number: int, task: PushedTask) -> tuple[Answer, ...]:
    """Those that the round recorded; of the open round those that the last look saw."""
    if snapshot.records.has(number, round_states.ANNOTATIONS):
        known = snapshot.records.answers(number)
    elif number == snapshot.number:
        known = list(answer_journal.read(snapshot).latest.values())
    else:
        known = []
    return tuple(answer for answer in known if answer.key == task.key)


def _labelled(snapshot: Snapshot, sample: Sample, number: int) -> Label | None:
    written = snapshot.records.labels_of(number)
    return next((label for label in written if label.sample == sample.id), None)


def _changes(snapshot: Snapshot, task: PushedTask) -> tuple[Correction, ...]:
    found = (c for n in range(snapshot.number + 1) for c in snapshot.records.corrections(n))
    return tuple(change for change in found if change.key == task.key)


def _learned(snapshot: Snapshot, sample: Sample, number: int) -> bool:
    """Whether the last word on the sample, up to that round, was a class."""
    if snapshot.records.metrics(number).cancelled or sample.split != "pool":
        return False
    counting = round_lineage.before(snapshot.records.rollbacks(), number).counting
    for each in (number, *sorted(counting, reverse=True)):
        label = _labelled(snapshot, sample, each)
        if label is not None:
            return label.label is not None
    return any(label.sample == sample.id and label.label for label in snapshot.records.owned())


def _chances_by_round(
    snapshot: Snapshot, sample: Sample, numbers: Sequence[int]
) -> Iterator[tuple[int, Mapping[str, float]]]:
    """What the models of closed rounds say of a sample of the pool, round by round.

    Raises DataError at the first model that neither cache nor remote has.
    """
    needed = (f"{layout.SAMPLES}.dvc", layout.MODEL)
    first, *others = (round_states.round_tag(number) for number in numbers)
    with restored(snapshot, first, needed) as past:
        yield numbers[0], chances_in(past, sample.id)
        for number, tag in zip(numbers[1:], others, strict=True):
            git.switch(past.root, tag)
            bring(snapshot, past, needed)
            yield number, chances_in(past, sample.id)


def chances_in(campaign: Campaign, sample: str) -> Mapping[str, float]:
    """The likeliest classes of a sample by the model in a campaign's folder, best first.

    Empty if that pool lacked the sample. Raises DataError if model and pool do not fit.
    """
    ids = [each.id for each in read_samples(campaign.samples, "pool")]
    classes = json_files.read_json(campaign.model / layout.MODEL_JSON)["classes"]
    rows = numpy_files.read_array(campaign.probabilities)
    if rows.shape != (len(ids), len(classes)):
        raise DataError(
            f"{campaign.probabilities}: wanted {len(ids)} rows of {len(classes)} classes,"
            f" got {' x '.join(map(str, rows.shape))}"
        )
    if sample not in ids:
        return {}
    row = rows[ids.index(sample)]
    best = np.argsort(-row, kind="stable")[:CHANCES]
    return {classes[place]: round(float(row[place]), 4) for place in best}


def nearest(
    snapshot: Snapshot, sample: Sample, labels: Mapping[str, Label]
) -> tuple[NearSample, ...]:
    """The samples of the pool whose features are most alike, nearest first, ties by id.

    Empty while there are no features of the sample, or none of all that count.
    """
    campaign = snapshot.campaign
    if not campaign.split_features("pool").exists():
        return ()
    if not campaign.split_features(sample.split).exists():
        return ()
    try:
        own_ids, own = read_features(campaign, sample.split)
        ids, features = read_features(campaign, "pool")
    except DataError:  # a cohort counts since then, and its features are still to be made
        return ()
    if sample.id not in own_ids:  # it waits for the next round
        return ()
    row = unit_rows32(own[own_ids.index(sample.id)][np.newaxis])[0]
    cosines = np.empty(len(ids), dtype=np.float32)
    for start in range(0, len(ids), BLOCK):
        cosines[start : start + BLOCK] = unit_rows32(features[start : start + BLOCK]) @ row
    others = len(ids)
    if sample.split == "pool":
        cosines[ids.index(sample.id)] = -np.inf
        others -= 1
    order = np.argsort(-cosines, kind="stable")[: min(NEIGHBOURS, others)]
    sources = {each.id: each.source for each in snapshot.records.samples("pool")}
    near = []
    for place in order:
        name = ids[place]
        label = labels.get(name)
        cosine = round(float(cosines[place]), 4)
        near.append(NearSample(name, sources[name], cosine, label.label if label else None))
    return tuple(near)
