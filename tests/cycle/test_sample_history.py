"""What `labelcycle explain` tells of a sample: from a played campaign, and by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from squares import make_images
from watched import WatchedFiles

from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.numpy_files import read_array, write_array
from labelcycle.campaign.records.answer_record import Answer
from labelcycle.campaign.records.correction_record import Correction
from labelcycle.campaign.records.pushed_record import ADJUDICATION, PushedTask
from labelcycle.campaign.records.selection_record import SelectedSample
from labelcycle.campaign.sample_files import Sample, read_samples, write_samples
from labelcycle.cycle import new_campaign, sample_history, sample_history_text
from labelcycle.cycle.sample_history import NearSample, RoundOfSample, SampleHistory, StrategyPick
from labelcycle.errors import DataError
from labelcycle.rounds import snapshots
from labelcycle.rounds.snapshots import Snapshot


@pytest.fixture
def _own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaign's folder stands for its past: without DVC there is nothing to bring."""

    @contextmanager
    def restored(snapshot: Snapshot, *asked: object) -> Iterator[Campaign]:
        yield snapshot.campaign

    monkeypatch.setattr(sample_history, "restored", restored)


def told(campaign: Campaign, name: str) -> SampleHistory:
    snapshot = snapshots.read(campaign.root)
    return sample_history.history(snapshot, sample_history.find(snapshot, name))


def picked(campaign: Campaign) -> str:
    """The best pick of round 0."""
    return snapshots.read(campaign.root).records.selection(0).samples[0].sample


@pytest.mark.usefixtures("_own_models")
def test_a_chosen_sample(closed: Campaign, truth: dict[str, str]) -> None:
    name = picked(closed)
    known = told(closed, name)
    assert known.label == Label(
        name, truth[name], votes={truth[name]: 1}, source="round 0", confidence=1
    )
    assert (known.owned, known.without_model) == (None, "")
    (first,) = known.rounds
    assert (first.round, first.closed, first.cancelled, first.learned) == (0, True, False, True)
    choice, task, chances = first.choice, first.task, first.chances
    assert None not in (choice, task, chances)
    assert (choice.strategy, choice.sample.rank, choice.budget) == ("typiclust", 0, 4)
    assert choice.sample.why  # the numbers of TypiClust
    assert [answer.labels for answer in first.answers] == [(truth[name],)]
    assert first.label == known.label
    assert next(iter(chances)) == truth[name]


@pytest.mark.usefixtures("_own_models")
def test_a_sample_that_nobody_was_asked_about(closed: Campaign) -> None:
    asked = {task.sample for task in snapshots.read(closed.root).records.pushed(0).tasks}
    pool = read_samples(closed.samples, "pool")
    name = next(sample.id for sample in pool if sample.id not in asked)
    (first,) = told(closed, name).rounds
    assert (first.choice, first.task, first.answers, first.label) == (None, None, (), None)
    assert not first.learned
    assert first.chances  # the model has a word on all of the pool


def test_the_hold_out_teaches_nothing(closed: Campaign, truth: dict[str, str]) -> None:
    name = read_samples(closed.samples, "holdout")[0].id
    known = told(closed, name)
    (first,) = known.rounds
    assert known.label is not None
    assert known.label.label == truth[name]
    assert first.task is not None
    assert first.task.kind == "holdout"
    assert (first.choice, first.learned, first.chances) == (None, False, None)


def test_an_open_round_has_the_answers_that_were_seen(
    opened: Campaign, flows, backend: WatchedFiles, truth: dict[str, str]
) -> None:
    name = picked(opened)
    (first,) = told(opened, name).rounds
    assert (first.closed, first.answers) == (False, ())
    key = next(key for key, task in backend.tasks.items() if task.sample == name)
    backend.answer(key, truth[name])
    flows.collect(str(opened.root))
    (first,) = told(opened, name).rounds
    assert [answer.labels for answer in first.answers] == [(truth[name],)]


def test_before_the_first_round_there_is_the_image(campaign: Campaign) -> None:
    sample = read_samples(campaign.samples)[0]
    known = told(campaign, sample.source)
    assert known == SampleHistory(sample, None, None, (), (), ())


@pytest.mark.usefixtures("_own_models")
def test_the_nearest_are_those_of_the_features(closed: Campaign) -> None:
    pool = [sample.id for sample in read_samples(closed.samples, "pool")]
    path = closed.split_features("pool")
    rows = np.array(read_array(path))
    rows[:] = np.eye(len(rows), rows.shape[1])
    rows[3], rows[5] = 2 * rows[0], rows[0] + rows[1]
    path.unlink()
    write_array(path, rows)
    near = told(closed, pool[0]).near
    assert [(each.sample, each.cosine) for each in near[:2]] == [
        (pool[3], 1.0),
        (pool[5], pytest.approx(0.7071, abs=1e-4)),
    ]
    assert len(near) == sample_history.NEIGHBOURS


def test_a_sample_that_waits_for_the_next_round_is_known(opened: Campaign, tmp_path: Path) -> None:
    make_images(tmp_path / "images", 5, 1)
    new_campaign.add_images(opened.root, [str(tmp_path / "images")], lambda step: None)
    waiting = next(s for s in read_samples(opened.samples, which="all") if s.cohort == 1)
    known = told(opened, waiting.source)
    assert known.sample == waiting
    assert (known.near, known.rounds, known.counts) == ((), (), False)
    waits = "  it waits: it counts from the next round on"
    assert waits in sample_history_text.as_text(known).splitlines()


def test_a_twin_of_an_earlier_cohort_is_named_on_both_sides(campaign: Campaign) -> None:
    old, other, *_ = read_samples(campaign.samples)
    new = replace(other, group=old.id)
    others = read_samples(campaign.samples)[2:]
    write_samples(campaign.samples, [old, new, *others])
    assert told(campaign, old.id).same_picture == (new.id,)
    assert told(campaign, new.id).same_picture == (old.id,)


def test_features_that_lack_a_cohort_have_no_neighbours(closed: Campaign) -> None:
    path = closed.split_features("pool")
    rows = np.array(read_array(path))
    path.unlink()
    write_array(path, rows[:-1])
    snapshot = snapshots.read(closed.root)
    assert sample_history.nearest(snapshot, read_samples(closed.samples)[0], {}) == ()


def test_a_model_that_is_not_there_is_said(
    closed: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def restored(*asked: object) -> Iterator[Campaign]:
        raise DataError("work/model as of this round is not in the campaign's cache")
        yield

    monkeypatch.setattr(sample_history, "restored", restored)
    known = told(closed, picked(closed))
    assert known.without_model == "work/model as of this round is not in the campaign's cache"
    assert known.rounds[0].chances is None
    assert "not told: work/model" in sample_history_text.as_text(known)


def test_probabilities_of_another_pool_are_refused(closed: Campaign) -> None:
    closed.probabilities.unlink()
    write_array(closed.probabilities, np.ones((3, 2), "f4"))
    with pytest.raises(DataError, match=r"wanted 24 rows of 2 classes, got 3 x 2"):
        sample_history.chances_in(closed, picked(closed))


def test_a_name_of_no_sample_is_named(closed: Campaign) -> None:
    snapshot = snapshots.read(closed.root)
    with pytest.raises(DataError, match=r"^'cat.png' is no sample: wanted an id"):
        sample_history.find(snapshot, "cat.png")


def test_the_text_by_hand() -> None:
    answer = Answer(1, 9, "k/0/ab", "ann", "ann", ("cat",), False, "", 3.21, "T1", "T1")
    skip = Answer(2, 9, "k/0/ab", "bob", "eve", (), True, "cannot be judged", None, "T2", "T3")
    why = {"cluster": 4, "typicality": 1.5}
    known = SampleHistory(
        sample=Sample("ab", "ab.png", "photos/1.png", "pool", 32, 24, ("turned",), ("copy.png",)),
        label=Label("ab", "cat", votes={"cat": 2, "dog": 1}, confidence=0.9),
        owned=Label("ab", "dog"),
        same_picture=("cd",),
        near=(
            NearSample("cd", "photos/2.png", 0.98765, "cat"),
            NearSample("ef", "photos/3.png", 0.5, None),
        ),
        rounds=(
            RoundOfSample(
                0,
                True,
                False,
                StrategyPick("typiclust", 25, SelectedSample("ab", 2, 0.123456, why)),
                PushedTask("k/0/ab", "ab", 6, 9, wanted=2, predicted="dog", shown=True),
                (answer, skip),
                Label("ab", None, "no majority", {"cat": 1}, adjudicate=True),
                (Correction(0, "k/0/ab", 1, "edited", answer, skip, "eve", "waits"),),
                learned=False,
                chances={"cat": 0.75, "dog": 0.25},
            ),
            RoundOfSample(1, True, True, None, None, (), None, (), learned=False),
            RoundOfSample(
                *(2, False, False, None, PushedTask("k/2/ab", "ab", 0, 12, ADJUDICATION)),
                *((), None, ()),
                learned=False,
            ),
        ),
    )
    assert sample_history_text.as_text(known).splitlines() == [
        "ab: photos/1.png",
        "  32 x 24 pixels, in the pool by cohort 0, stored as ab.png",
        "  also found at copy.png",
        "  turned",
        "  nearly the same picture: cd",
        "  known before round 0: dog",
        "  counts as: cat (2 for cat, 1 for dog; confidence 0.90)",
        "",
        "round 0, closed",
        "  chosen by typiclust: place 3 of 25, score 0.1235; cluster 4, typicality 1.5",
        "  asked because it was chosen, as image 7 of the round, task 9; 2 people wanted",
        "  the model of the time thought dog; shown to them",
        "  ann: cat in 3.2 s, T1",
        "  bob: skipped: cannot be judged, T2, changed T3, written by eve",
        "  later edited by eve: cat, then skipped: cannot be judged; it waits for a decision",
        "  label: no class (no majority)",
        "  its model says cat 0.75, dog 0.25",
        "",
        "round 1, cancelled",
        "  nothing to do with this sample",
        "",
        "round 2, open",
        "  asked again, for the answers so far made no label, as image 1 of the round, task 12",
        "  no answer seen yet",
        "",
        "nearest in the pool, by today's features:",
        "  cd  cosine 0.988  cat  photos/2.png",
        "  ef  cosine 0.500  -  photos/3.png",
    ]


@pytest.mark.usefixtures("_own_models")
def test_plain_values(closed: Campaign) -> None:
    known = told(closed, picked(closed)).as_json()
    assert known["sample"]["id"] == picked(closed)
    assert known["rounds"][0]["choice"]["strategy"] == "typiclust"
