"""`labelcycle.select`: arrays in, rows out."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

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
    with pytest.warns(UserWarning, match=r"\d of 8 picks have the features of another pick; leave"):
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
    picks = select(features, None, 4, strategy="typiclust", clusters=clusters)
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
    with pytest.raises(SettingsError, match=r"unknown clusterer 'dbscan'.*did you mean 'hdbscan'"):
        select(features, None, 3, strategy="typiclust", cluster_method="dbscan")
    found = select(features, None, 3, strategy="typiclust", cluster_method="hdbscan")
    assert len(found.rows) == 3
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
        select(features, None, 3, strategy="typiclust", cluster_options={"start": 2})
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
    with pytest.raises(DataError, match="row 17 holds NaN; leave that sample out"):
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
        select(features, None, 3, strategy="typiclust", clusters=np.full(120, 0.5))
    with pytest.raises(DataError, match=r"clusters must be \(120,\) whole numbers.*\(7,\)"):
        select(features, None, 3, strategy="typiclust", clusters=[1] * 7)
    labels = some(truth, 9)
    for wrong, text in (
        (np.full(120, 0.5), r"probabilities must be \(120, c\) numbers, a row a sample.*\(120,\)"),
        (np.ones((120, 1)), r"a column for each of at least 3 classes \(got \(120, 1\) float64\)"),
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


def ray(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Three blobs, one behind the other seen from the origin."""
    truth = np.arange(n) % 3
    places = np.array([1.0, 5.0, 9.0])[truth, None] * np.ones(4)
    return places + 0.1 * np.random.default_rng(0).standard_normal((n, 4)), truth


ABLE = [name for name in ALL if "normalise" in strategies.get(name).Options.model_fields]


@pytest.mark.parametrize("strategy", ["typiclust", "supclust", "coreset"])
@pytest.mark.parametrize("columns", [4, 1])
def test_lengths_count_if_asked(strategy: str, columns: int) -> None:
    features, truth = ray()
    features = features[:, :columns]
    found = {}
    for origin in (0.0, 1e4):  # neither the origin nor the unit matters
        moved = 1e3 * (features + origin)
        rows = select(moved, None, 3, strategy=strategy, normalise=False).rows
        assert sorted(truth[rows]) == [0, 1, 2]
        found[origin] = rows.tolist()
    with pytest.warns(UserWarning, match="strategies compare directions.*give normalise=False"):
        select(features, None, 3, strategy=strategy)


@pytest.mark.parametrize("strategy", ABLE)
def test_every_strategy_that_can_lets_lengths_count(strategy: str) -> None:
    features, truth = ray(90)
    labels = some(truth, 12)
    assert len(set(select(features, labels, 5, strategy=strategy, normalise=False).rows)) == 5
    learners = {"learner": "prototype"}
    picks = select(features, labels, 5, strategy=strategy, normalise=False, **learners)
    assert len(set(picks.rows)) == 5


@pytest.mark.parametrize("strategy", sorted({*ALL} - {*ABLE, "random"}))
def test_others_say_that_they_cannot(strategy: str) -> None:
    features, _ = ray()
    with pytest.raises(SettingsError, match="distances between rows of length 1: wanted normalise"):
        select(features, None, 3, strategy=strategy, normalise=False)
    with pytest.warns(UserWarning, match=r"compare directions.*; take typiclust.* and give norm"):
        select(features, None, 3, strategy=strategy)


def test_a_learner_of_directions_is_refused_where_lengths_count() -> None:
    features, truth = ray()
    given = {"strategy": "margin", "normalise": False}
    with pytest.raises(SettingsError, match=r"learner propagate goes by .*linear or prototype"):
        select(features, some(truth, 9), 3, learner="propagate", **given)
    probabilities = np.random.default_rng(0).dirichlet([1, 1, 1], 60)
    assert len(select(features, None, 3, probabilities=probabilities, **given).rows) == 3
    with pytest.raises(SettingsError, match=r"normalise must be True or False \(got 'no'\)"):
        select(features, None, 3, normalise="no")  # type: ignore[arg-type]


def test_tensors_tables_and_lists_give_what_arrays_do() -> None:
    torch, pandas = pytest.importorskip("torch"), pytest.importorskip("pandas")
    features, truth = blobs()
    features = np.round(features * 4) / 4  # which bfloat16 nearly holds
    labels = some(truth, 20)
    tensor = torch.tensor(features, requires_grad=True)
    expected = select(features, labels, 5).rows.tolist()
    for other in (tensor, tensor.double(), pandas.DataFrame(features), features.tolist()):
        assert select(other, labels, 5).rows.tolist() == expected
    nullable = pandas.Series(labels).replace(-1, pandas.NA).astype("Int64")
    nothing = [None if label < 0 else label for label in labels.tolist()]
    for known in (torch.tensor(labels), nullable, nothing, np.array(nothing, dtype=object)):
        assert select(features, known, 5).rows.tolist() == expected
    half = select(tensor.to(torch.bfloat16), labels, 5).rows.tolist()
    assert (
        half == select(tensor.to(torch.bfloat16).float().detach().numpy(), labels, 5).rows.tolist()
    )
    readonly = np.asfortranarray(features)
    readonly.flags.writeable = False
    assert select(readonly, labels, 5).rows.tolist() == expected
    assert len(select(features > 0, labels, 5).rows) == 5


@pytest.mark.parametrize("scale", [1e50, 1e-300, 1e300])
def test_numbers_beyond_float32_are_scaled(scale: float) -> None:
    features, truth = blobs()
    wide, labels = features.astype(np.float64), some(truth, 12)
    for strategy in KINDS:
        expected = select(wide, labels, 5, strategy=strategy).rows.tolist()
        assert select(wide * scale, labels, 5, strategy=strategy).rows.tolist() == expected
    lengths: dict[str, Any] = {"strategy": "typiclust", "normalise": False}
    kept = select(wide, labels, 5, **lengths).rows.tolist()
    assert select(wide * scale, labels, 5, **lengths).rows.tolist() == kept
    wide[[3, 50]] *= scale  # some rows only
    assert len(select(wide, labels, 5).rows) == 5
    wide[17, 2] = np.inf
    with pytest.raises(DataError, match="row 17 holds infinity"):
        select(wide, labels, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": "3"}, r"classes must be a whole number, at least 1, at most 100000 \(got '3'"),
        ({"classes": 10**9}, r"at most 100000 \(got 1000000000\)"),
        ({"labels": [10**9] + [-1] * 119}, r"below 100,000; row 0 has 1000000000; numpy.unique\("),
        ({"labels": [1e300] + [-1.0] * 119}, r"row 0 has 1e\+300"),
        ({"labels": [-5] + [-1] * 119}, "row 0 has -5"),
        ({"labels": np.full(120, 255, np.uint8)}, "labels are uint8, in which -1 becomes 255"),
        ({"clusters": np.full(120, 2**40)}, r"from 0 to 2147483647.*row 0 has 1099511627776"),
        ({"clusters": np.full(120, -2)}, r"or -1 for noise \(row 0 has -2\)"),
        ({"clusters": ["a"] * 120}, r"whole numbers.*<U1\); numpy.unique\(clusters"),
        ({"probabilities": [["a"] * 3] * 120}, r"probabilities must be \(120, c\) numbers.*<U1"),
        ({"probabilities": np.full((120, 3), np.nan)}, "probabilities must be finite.*row 0 .*NaN"),
        ({"features": [[1, 2], [3]]}, "features must be an array of numbers, got .*list"),
        ({"features": [["a", "b"]] * 120}, r"<U1\); drop columns that are not numbers"),
        ({"features": np.ma.masked_less(blobs()[0], 0)}, "must not have masked entries"),
        ({"features": scipy.sparse.csr_matrix(blobs()[0])}, "dense, got a sparse scipy.csr_matrix"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_of_a_notebook(
    change: dict[str, Any], said: str
) -> None:
    given = {"features": blobs()[0], "labels": None, "strategy": "margin", **change}
    if "clusters" not in change:
        given["clusters"] = np.zeros(120, int)
    with pytest.raises(ValueError, match=said) as caught:
        select(budget=3, **given)
    assert isinstance(caught.value, LabelcycleError)
    for word in ("params.yaml", "campaign", "ingest", "labelcycle run", "stage", "encoder"):
        assert word not in str(caught.value)


def test_clusters_of_hdbscan_may_have_gaps_and_noise() -> None:
    features, truth = blobs()
    clusters = 10 * truth
    expected = select(features, None, 3, strategy="typiclust", clusters=clusters)
    assert sorted(expected.why["cluster"]) == [0, 10, 20]
    noise = np.arange(120) % 9 == 0
    noisy = np.where(noise, -1, clusters)
    picks = select(features, None, 3, strategy="typiclust", clusters=noisy)
    assert sorted(picks.why["cluster"]) == [0, 10, 20]
    assert sorted(truth[picks.rows]) == [0, 1, 2]
    assert sum(picks.why["cluster_size"]) == 120  # noise is in the nearest
    with pytest.warns(UserWarning, match=r"-1 \(noise\) for all samples: .* one cluster"):
        picks = select(features, None, 3, strategy="typiclust", clusters=np.full(120, -1))
    assert len(picks.rows) == 3


def test_copies_are_told_once_they_are_picked() -> None:
    features = np.repeat(np.eye(2, 5), 249, axis=0)
    with pytest.warns(UserWarning, match="8 of 10 picks have the features of another pick; leave"):
        assert len(select(features, None, 10).rows) == 10
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(select(features, None, 2).rows) == 2


# --- groups --------------------------------------------------------------------------------


def test_per_group_limits_the_picks_of_a_group() -> None:
    features, truth = blobs()
    groups = np.array([f"film {n % 10}" for n in range(120)])
    picks = select(features, some(truth, 30), 10, groups=groups, per_group=1)
    assert len(set(groups[picks.rows].tolist())) == 10
    with pytest.warns(match="per_group=1 leaves 10 samples to pick, less than the budget of 12:"):
        fewer = select(features, some(truth, 30), 12, groups=groups, per_group=1)
    assert len(fewer.rows) == 10


@pytest.mark.parametrize("none", [[-1, -1], ["", ""], [None, None], [np.nan, np.nan]])
def test_samples_in_no_group_have_no_limit(none: list[Any]) -> None:
    features, _ = blobs(4)
    named = ["a", "a"] if isinstance(none[0], str) else [1, 1]
    groups = [*named, *none]
    picks = select(features, None, 3, strategy="random", groups=groups, per_group=1)
    assert {2, 3} < set(picks.rows.tolist())


def test_a_limit_wants_groups_one_for_each_sample() -> None:
    features, _ = blobs()
    with pytest.raises(SettingsError, match=r"wanted groups, got none \(per_group=2\); give the"):
        select(features, None, 3, per_group=2)
    with pytest.raises(DataError, match=r"groups must be \(120,\), the group of each .* \(7,\)"):
        select(features, None, 3, groups=np.zeros(7), per_group=2)
    with pytest.raises(DataError, match=r"^groups must be an array of numbers, got builtins\.list"):
        select(features, None, 3, groups=[[1], [2, 3]], per_group=2)
    with pytest.raises(SettingsError, match=r"per_group must be a whole number, at least 1"):
        select(features, None, 3, groups=np.zeros(120), per_group=0)
