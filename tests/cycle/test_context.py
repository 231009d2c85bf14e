"""Labelled neighbours shown beside an image."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from params import set_params
from PIL import Image

from labelcycle import config
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.numpy_files import write_array
from labelcycle.campaign.records.round_records import Memory, RoundRecords
from labelcycle.campaign.sample_files import Sample, write_samples
from labelcycle.cycle import labelled_neighbours
from labelcycle.errors import SettingsError
from labelcycle.rounds.snapshots import Snapshot

CLASSES = ["cat", "dog"]


def made(tmp_path, features: np.ndarray, labels: dict[int, str], wanted: int) -> Snapshot:
    campaign = Campaign(tmp_path)
    names = [f"{row:016x}" for row in range(len(features))]
    write_samples(
        campaign.samples, [Sample(name, f"{name}.png", "x", "pool", 1, 1) for name in names]
    )
    write_array(campaign.features / "pool.npy", features)
    found = [
        Label(names[row], label, votes={label: 1}, confidence=1.0) for row, label in labels.items()
    ]
    write_labels(campaign.label_file(0), found)
    write_migrations(campaign, ())
    records = RoundRecords(campaign, Memory())
    settings = config.parse(
        {"campaign": {"classes": CLASSES}, "push": {"context": wanted}}, parts=False
    )
    return cast(Snapshot, SimpleNamespace(campaign=campaign, config=settings, records=records))


def test_the_nearest_by_angle_first_as_found_one_by_one(tmp_path) -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(60, 5)).astype(np.float32)
    labels = {int(row): CLASSES[row % 2] for row in rng.permutation(60)[:25]}
    picks = [row for row in range(60) if row not in labels]
    found = labelled_neighbours.neighbours(
        made(tmp_path, features, labels, 6), [f"{row:016x}" for row in picks]
    )
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    for row in picks:
        near = sorted(labels, key=lambda other: -float(unit[row] @ unit[other]))[:6]
        got = [(each.sample.id, each.label) for each in found[f"{row:016x}"]]
        assert got == [(f"{other:016x}", labels[other]) for other in near]


def test_ties_go_by_id_and_few_labels_are_few_neighbours(tmp_path) -> None:
    snapshot = made(tmp_path, np.ones((5, 2), np.float32), {4: "cat", 1: "dog"}, 8)
    [near] = labelled_neighbours.neighbours(snapshot, [f"{2:016x}"]).values()
    assert [each.sample.id for each in near] == [f"{1:016x}", f"{4:016x}"]


def test_they_are_alike_by_what_the_query_saw(tmp_path) -> None:
    rows = np.array([[1, 0], [0.9, 0.1], [0, 1]], np.float32)
    snapshot = made(tmp_path, rows, {1: "cat", 2: "dog"}, 1)
    write_array(snapshot.campaign.own_features, rows[[2, 0, 1]])
    of_model = {"campaign": {"classes": CLASSES}, "push": {"context": 1}}
    for features, near in (("encoder", 1), ("model", 2)):
        snapshot.config = config.parse(of_model | {"embed": {"features": features}}, parts=False)  # type: ignore[misc]
        [found] = labelled_neighbours.neighbours(snapshot, [f"{0:016x}"]).values()
        assert [each.sample.id for each in found] == [f"{near:016x}"], features


def test_a_labelled_sample_is_not_its_own_neighbour(tmp_path) -> None:
    snapshot = made(tmp_path, np.ones((5, 2), np.float32), {4: "cat", 1: "dog"}, 1)
    near = labelled_neighbours.neighbours(snapshot, [f"{1:016x}", f"{4:016x}"])
    assert [[each.sample.id for each in some] for some in near.values()] == [
        [f"{4:016x}"],
        [f"{1:016x}"],
    ]
    alone = labelled_neighbours.neighbours(
        made(tmp_path, np.ones((5, 2), np.float32), {1: "dog"}, 1), ["0" * 15 + "1"]
    )
    assert list(alone.values()) == [()]


def test_none_are_asked_for_or_nothing_is_labelled(tmp_path) -> None:
    features = np.ones((5, 2), np.float32)
    assert labelled_neighbours.neighbours(made(tmp_path, features, {1: "cat"}, 0), ["0" * 16]) == {}
    assert labelled_neighbours.neighbours(made(tmp_path, features, {}, 3), ["0" * 16]) == {}


def test_a_source_cannot_be_drawn_upon() -> None:
    with pytest.raises(SettingsError, match=r"push\.context: wanted 0 with images: source"):
        config.parse({"push": {"images": "source", "context": 2}}, parts=False)


@pytest.mark.slow
def test_tasks_of_the_second_round_carry_their_neighbours(campaign, flows, backend, answer_all):
    set_params(campaign.root, push={"context": 3})
    root = str(campaign.root)
    flows.run(root)
    first = dict(backend.tasks)
    answer_all()
    flows.run(root)
    flows.open_round(root)
    second = [task for key, task in backend.tasks.items() if key not in first]
    assert second
    for task in first.values():  # nothing was labelled, and the hold-out never shows any
        with Image.open(task.image) as image:
            assert image.size == (32, 32)
    for task in second:
        with Image.open(task.image) as image:
            assert image.size[1] > 32 + 112
