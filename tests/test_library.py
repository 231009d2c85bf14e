"""`labelcycle.select`: arrays in, rows out."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labelcycle
from labelcycle import select
from labelcycle.core import strategies
from labelcycle.errors import DataError, LabelcycleError, PoolExhausted, SettingsError

ALL = strategies.names()
KINDS = ("random", "typiclust", "margin", "badge")
"""One that reads nothing, one that reads clusters, one probabilities, one the head."""


def blobs(n: int = 120, d: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, n)
    centres = 3 * rng.standard_normal((3, d))
    return (centres[truth] + rng.standard_normal((n, d))).astype(np.float32), truth


def some(truth: np.ndarray, count: int) -> np.ndarray:
    return np.where(np.arange(len(truth)) < count, truth, -1)


@pytest.mark.parametrize(
    ("strategy", "labeled"),
    [*((name, 30) for name in ALL), *((n, m) for n in KINDS for m in (0, 1))],
)
def test_features_labels_and_a_budget_are_enough(strategy: str, labeled: int) -> None:
    features, truth = blobs()
    labels = some(truth, labeled)
    before = features.tobytes(), labels.tobytes()
    picks = select(features, labels, 9, strategy=strategy)
    assert len(set(picks.rows.tolist())) == 9
    assert (labels[picks.rows] == -1).all()
    assert (features.tobytes(), labels.tobytes()) == before
    again = select(features, labels, 9, strategy=strategy)
    assert again.rows.tolist() == picks.rows.tolist()


@pytest.mark.parametrize("strategy", KINDS)
def test_too_large_a_budget_takes_the_whole_pool_with_a_warning(strategy: str) -> None:
    features, truth = blobs(40)
    with pytest.warns(UserWarning, match="budget 50 is above the 33 samples without a label"):
        picks = select(features, some(truth, 7), 50, strategy=strategy)
    assert sorted(picks.rows) == list(range(7, 40))


@pytest.mark.parametrize("strategy", KINDS)
@pytest.mark.parametrize("distinct", [1, 3])
def test_fewer_distinct_samples_than_clusters(strategy: str, distinct: int) -> None:
    features = np.eye(4, dtype=np.float32)[np.arange(30) % distinct]
    features[20:] = 0  # rows of zeros too
    picks = select(features, some(np.arange(30) % 2, 4), 8, strategy=strategy)
    assert len(set(picks.rows.tolist())) == 8


def test_the_class_of_a_blob_is_found_with_one_label_each() -> None:
    features, truth = blobs(300)
    rows = select(features, None, 3).rows
    assert sorted(truth[rows]) == [0, 1, 2]


def test_labels_may_be_missing_or_nan_or_a_list() -> None:
    features, truth = blobs()
    labels = some(truth, 10)
    expected = select(features, labels, 5).rows.tolist()
    assert select(features, np.where(labels < 0, np.nan, labels), 5).rows.tolist() == expected
    assert select(features, labels.tolist(), 5).rows.tolist() == expected
    nothing = select(features, np.full(120, -1), 5).rows.tolist()
    assert select(features, None, 5).rows.tolist() == nothing


@pytest.mark.parametrize("strategy", KINDS)
def test_other_kinds_of_numbers_give_the_same(strategy: str, tmp_path: Path) -> None:
    features, truth = blobs()
    features = np.round(features * 4) / 4  # which float16 holds exactly
    expected = select(features, some(truth, 20), 6, strategy=strategy).rows.tolist()
    np.save(tmp_path / "f.npy", features.astype(np.float16))
    mapped = np.load(tmp_path / "f.npy", mmap_mode="r")
    for other in (features.astype(np.float64), features.astype(np.float16), mapped):
        assert select(other, some(truth, 20), 6, strategy=strategy).rows.tolist() == expected


def test_ones_own_clusters_and_probabilities_are_used() -> None:
    features, truth = blobs()
    clusters = np.arange(120) % 4
    picks = select(features, None, 4, clusters=clusters)
    assert sorted(picks.why["cluster"]) == [0, 1, 2, 3]
    probabilities = np.tile([0.9, 0.1, 0.0], (120, 1))
    probabilities[[50, 77]] = [0.5, 0.5, 0.0]
    labels = some(truth, 10)
    picks = select(features, labels, 2, strategy="margin", probabilities=probabilities)
    assert picks.rows.tolist() == [50, 77]


def test_options_method_and_seed_reach_their_parts() -> None:
    features, _ = blobs()
    with pytest.raises(SettingsError, match="did you mean 'temperature'"):
        select(features, None, 3, strategy="supclust", options={"temprature": 1.0})
    with pytest.raises(SettingsError, match=r"unknown clusterer 'dbscan'.*did you mean hdbscan"):
        select(features, None, 3, cluster_method="dbscan")
    assert len(select(features, None, 3, cluster_method="hdbscan").rows) == 3
    drawn = [select(features, None, 9, strategy="random", seed=s).rows.tolist() for s in (0, 1)]
    assert drawn[0] != drawn[1]


def test_ones_own_model_is_asked_before_there_are_labels() -> None:
    features, _ = blobs()
    probabilities = np.tile([0.9, 0.1, 0.0], (120, 1))
    probabilities[[50, 77]] = [0.5, 0.5, 0.0]
    picks = select(features, None, 2, strategy="margin", probabilities=probabilities)
    assert (picks.rows.tolist(), picks.stood_in) == ([50, 77], None)
    picks = select(features, None, 2, strategy="margin")
    assert picks.stood_in == "typiclust"


def test_options_of_clusterer_and_learner_reach_them() -> None:
    features, truth = blobs()
    with pytest.raises(SettingsError, match=r"clusterer kmeans: start: unknown key.*'starts'"):
        select(features, None, 3, cluster_options={"start": 2})
    with pytest.raises(SettingsError, match="learner linear: penalti: unknown key"):
        select(features, some(truth, 9), 3, strategy="badge", learner_options={"penalti": 1.0})
    with pytest.raises(SettingsError, match=r"seed must be a whole number.*\(got None\)"):
        select(features, None, 3, seed=None)  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused_by_name() -> None:
    features, truth = blobs()
    with pytest.raises(
        DataError, match=r"features must be numbers of shape \(n, d >= 1\).*\(120,\)"
    ):
        select(features[:, 0], None, 3)
    with pytest.raises(DataError, match=r"labels must be \(120,\) class indices.*<U"):
        select(features, ["cat"] * 120, 3)
    with pytest.raises(DataError, match=r"labels must be \(120,\).*\(7,\)"):
        select(features, truth[:7], 3)
    with pytest.raises(SettingsError, match=r"classes must be at least 3.*\(got 2\)"):
        select(features, some(truth, 30), 3, strategy="margin", classes=2)
    with pytest.raises(PoolExhausted, match="no sample is left"):
        select(features, truth, 3)
    broken = features.copy()
    broken[17, 2] = np.nan
    with pytest.raises(DataError, match="row 17 holds NaN"):
        select(broken, None, 3)


def test_an_exact_budget_does_not_warn() -> None:
    features, truth = blobs(40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(select(features, some(truth, 7), 33).rows) == 33


def test_the_package_has_nothing_else_by_chance() -> None:
    with pytest.raises(AttributeError, match="no attribute 'selct'"):
        labelcycle.selct  # noqa: B018


def test_ones_own_arrays_and_the_seed_are_checked() -> None:
    features, truth = blobs()
    with pytest.raises(DataError, match=r"clusters must be \(120,\) whole numbers.*float64"):
        select(features, None, 3, clusters=np.full(120, 0.5))
    with pytest.raises(DataError, match=r"clusters must be \(120,\) whole numbers.*\(7,\)"):
        select(features, None, 3, clusters=[1] * 7)
    labels = some(truth, 9)
    for wrong, text in (
        (np.full(120, 0.5), r"probabilities must be \(120, c\), a row a sample.*\(120,\)"),
        (np.ones((120, 1)), r"a column for each of at least 3 classes \(got \(120, 1\)\)"),
        (np.ones((120, 3)), r"sum to 1 in each row, row 0 has 1 and sums to 3; take the softmax"),
        (np.tile([1.5, -0.5, 0], (120, 1)), r"at least 0 .*row 0 has -0\.5"),
    ):
        with pytest.raises(DataError, match=text):
            select(features, labels, 3, strategy="margin", probabilities=wrong)
    with pytest.raises(DataError, match=r"labels must be \(120,\) class indices"):
        select(features, np.full(120, np.inf), 3)
    with pytest.raises(DataError, match=r"\(n, d >= 1\), .*\(got \(5, 0\)"):
        select(np.zeros((5, 0), dtype=np.float32), None, 3)
    with pytest.raises(SettingsError, match=r"seed must be a whole number, at least 0 \(got -1\)"):
        select(features, None, 3, seed=-1)


def test_the_budget_is_checked_before_anything_is_computed() -> None:
    features, _ = blobs(40)
    with pytest.raises(SettingsError, match=r"budget must be a whole number \(got '3'\)"):
        select(features, None, "3")  # type: ignore[arg-type]
    with pytest.raises(PoolExhausted, match="no sample is left"):
        select(np.zeros((0, 3), dtype=np.float32), None, 3)
    with pytest.warns(UserWarning, match="budget 50 is above the 40 samples"):
        assert len(select(features, None, np.int64(50)).rows) == 40  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [0, -1, 10, "3", 2.5])
def test_errors_about_the_budget_speak_of_arguments(budget: Any) -> None:
    """A notebook has no settings, and whoever catches ValueError catches them."""
    features, truth = blobs(40)
    labels = None if budget != 10 else truth
    with pytest.raises(ValueError, match="budget") as caught:
        select(features, labels, budget)
    assert isinstance(caught.value, LabelcycleError)
    for word in ("query.budget", "params.yaml", "campaign", "ingest"):
        assert word not in str(caught.value)


def test_the_number_of_classes_is_told_to_who_asks_for_it() -> None:
    features, truth = blobs(300)
    found = [
        select(features, None, 2, strategy="probcover", **told).why["radius"][0]  # type: ignore[arg-type]
        for told in ({"classes": 3}, {"classes": 30}, {"options": {"classes": 30}})
    ]
    assert found[0] > found[1] == found[2]
    labels = some(truth, 9)
    assert select(features, labels, 2, strategy="tcm").why["phase"].tolist() == [1, 1]
    assert select(features, labels, 2, strategy="tcm", classes=4).why["phase"].tolist() == [0, 0]


def test_a_learner_of_images_is_refused() -> None:
    features, labels = np.eye(4, dtype=np.float32), [0, 1, -1, -1]
    with pytest.raises(SettingsError, match=r"sees features \(.*linear.*got finetune, .*another$"):
        select(features, labels, 1, strategy="margin", learner="finetune")
