"""A simulated campaign is the real one, but for the people."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelcycle.campaign import json_files, label_files, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import OWNED, Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.sample_files import Sample
from labelcycle.core import clusterers, strategies
from labelcycle.core.seeding import derive
from labelcycle.nn import learners
from labelcycle.simulate.comparison import Data, LabelSet, Problem, pool_rows
from labelcycle.simulate.play_trial import clustered, initial_labels, play
from labelcycle.simulate.plug_in_choice import choice
from labelcycle.simulate.trial import Trial, needs
from labelcycle.stages import cluster, query, train

CLASSES = ("cat", "dog", "bird")
LINEAR, KMEANS = choice("linear", learners), choice("kmeans", clusterers)
SEED = 3


def data() -> Data:
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = (2 * np.eye(3, 6)[labels] + rng.standard_normal((60, 6))).astype(np.float32)
    return Data(features, labels, features, labels)


def files(folder: Path, given: Data, known: np.ndarray) -> Campaign:
    """A campaign whose pool these are; row i has the id i, so that the orders agree."""
    made = Campaign(folder)
    write_migrations(made, ())
    samples = [Sample(f"{i:016x}", f"{i:016x}.png", "", "pool", 8, 8) for i in range(60)]
    sample_files.write_samples(made.samples, samples)
    numpy_files.write_array(made.features / "pool.npy", given.train)
    answer(made, given, known, OWNED)
    return made


def answer(made: Campaign, given: Data, rows: np.ndarray, name: int | str) -> None:
    labels = [Label(f"{i:016x}", CLASSES[given.train_labels[i]]) for i in rows]
    label_files.write_labels(made.label_file(name), labels)


QUICK = ("typiclust", "margin", "dropquery")  # asks for clusters, probabilities, a head


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in strategies.names()
    ],
)
def test_it_buys_what_the_stages_ask_for(name: str, tmp_path: Path) -> None:
    given, initial = data(), 5
    problem = Problem(LabelSet("x", given, balanced=False), 60, (9, 13), initial)
    trial = Trial(choice(name, strategies), KMEANS, LINEAR, SEED)
    clusters = [clustered(problem, KMEANS, SEED, number) for number in range(2)]
    found = play(problem, trial, clusters if "clusters" in needs(trial.strategy) else None)
    known = np.flatnonzero(initial_labels(problem, given.train_labels, SEED) >= 0)
    assert len(known) == initial
    real = files(tmp_path, given, known)
    for number in range(2):
        train.run(real, train.Options(), CLASSES, SEED)
        cluster.run(real, cluster.Options(), 4, CLASSES, derive(SEED, number, "cluster"))
        options = query.Options(strategy=name, budget=4)
        query.run(real, options, CLASSES, derive(SEED, number, "query"))
        samples = json_files.read_json(real.selection)["samples"]
        rows = np.array([int(each["sample"], 16) for each in samples])
        assert found.picks[number] == rows.tolist()
        answer(real, given, rows, number)
    assert len(found.accuracy) == 3  # with the initial labels, and after each round


@given(n=st.integers(1, 50), pool=st.integers(1, 60), seed=st.integers(0, 9))
def test_a_pool_is_drawn_without_repeats(n: int, pool: int, seed: int) -> None:
    rows = pool_rows(n, pool, seed)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert len(rows) == min(n, pool)
    assert rows.max() < n


def test_an_array_in_a_file_goes_to_others_as_its_path(tmp_path: Path) -> None:
    path = tmp_path / "train.npy"
    numpy_files.write_array(path, np.ones((4, 2), dtype=np.float32))
    labels = np.zeros(4, dtype=np.int64)
    whole = Data(numpy_files.read_array(path), labels, numpy_files.read_array(path)[1:], labels)
    state = whole.__getstate__()
    assert state["train"] == path
    assert isinstance(state["test"], np.ndarray)  # a part of a file is no file
    again = Data.__new__(Data)
    again.__setstate__(state)
    assert isinstance(again.train, np.memmap)
    assert again.fingerprint() == whole.fingerprint()
