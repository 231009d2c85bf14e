"""cluster, query, train and evaluate on the files of a campaign."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcycle.campaign import json_files, learner_files, numpy_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label, write_labels
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.sample_files import Sample
from labelcycle.core.one_line_warnings import Advice
from labelcycle.core.pool import Pool, Selection
from labelcycle.errors import DataError, PoolExhausted, SettingsError
from labelcycle.stages import cluster, evaluate, query, train
from labelcycle.stages.pool_files import read_pool, rounded

CLASSES = ("cat", "dog", "bird")
POOL, HOLDOUT = 60, 30


def identity(number: int) -> str:
    return f"{number:016x}"


def truth(number: int) -> int:
    return number % 3


def features_of(numbers: range) -> np.ndarray:
    rng = np.random.default_rng(numbers.start)
    centres = 4 * np.eye(3, 6)[[truth(i) for i in numbers]]
    return (centres + rng.standard_normal((len(numbers), 6))).astype(np.float32)


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """60 samples in the pool, 30 in the hold-out, three clear classes; no labels."""
    made = Campaign(tmp_path)
    write_migrations(made, ())
    splits = {"pool": range(POOL), "holdout": range(POOL, POOL + HOLDOUT)}
    samples = []
    for split, numbers in splits.items():
        for i in numbers:
            samples.append(Sample(identity(i), f"{identity(i)}.png", f"{i}", split, 8, 8))
        numpy_files.write_array(made.features / f"{split}.npy", features_of(numbers))
    sample_files.write_samples(made.samples, samples)
    return made


def label(number: int, name: str | None = None, reason: str | None = None) -> Label:
    given = None if reason else name or CLASSES[truth(number)]
    return Label(identity(number), given, reason)


def one_round(campaign: Campaign, seed: int = 0, **options: object) -> list[dict]:
    """The three stages of an open round; the samples selected."""
    settings = query.Options.model_validate({"budget": 6, **options})
    train.run(campaign, train.Options(), CLASSES, seed)
    rng = np.random.default_rng(seed)
    cluster.run(campaign, cluster.Options(), settings.budget, CLASSES, rng)
    query.run(campaign, settings, CLASSES, np.random.default_rng(seed))
    return json_files.read_json(campaign.selection)["samples"]


# --- query ----------------------------------------------------------------------------------


# one that reads nothing, one that reads clusters, probabilities, the head
@pytest.mark.parametrize(
    "strategy",
    [
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("random", "supclust", "margin")),
        "badge",
    ],
)
def test_rounds_ask_for_new_samples_until_the_pool_is_used_up(
    campaign: Campaign, strategy: str
) -> None:
    seen: set[str] = set()
    for number in range(POOL // 15):
        samples = one_round(campaign, seed=number, strategy=strategy, budget=15)
        ids = {record["sample"] for record in samples}
        assert len(ids) == 15
        assert not ids & seen
        assert [record["rank"] for record in samples] == list(range(15))
        seen |= ids
        answers = [label(int(i, 16)) for i in ids]
        write_labels(campaign.label_file(number), answers)
    assert seen == {identity(i) for i in range(POOL)}
    with pytest.raises(PoolExhausted, match=r"no sample is left to select \(got budget 15\)"):
        one_round(campaign, strategy=strategy, budget=15)


def test_the_selection_says_everything_that_made_it(campaign: Campaign) -> None:
    one_round(campaign, strategy="supclust", options={"share": 0.5})
    record = json_files.read_json(campaign.selection)
    assert (record["strategy"], record["budget"]) == ("supclust", 6)
    assert record["options"] == {
        "few_free": "labeled",
        "min_cluster_size": 5,
        "neighbourhood": "cluster",
        "neighbours": 20,
        "normalise": True,
        "rounding": "up",
        "share": 0.5,
        "squared": False,
        "temperature": 0.1,
        "without": "nothing",
    }
    first = record["samples"][0]
    assert set(first) == {"sample", "rank", "score", "why"}
    assert set(first["why"]) == {
        "boundary",
        "cluster",
        "cluster_labels",
        "cluster_size",
        "typicality",
    }
    assert isinstance(first["why"]["cluster"], int)


def test_a_model_that_is_sure_of_all_is_told(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_round(campaign, strategy="margin")
    answers = [label(int(record["sample"], 16)) for record in one_round(campaign)]
    write_labels(campaign.label_file(0), answers)
    select = query.run_strategy.select

    def sure(name: str, pool: Pool, *more: Any) -> Selection:
        certain = np.zeros_like(pool.probabilities)
        certain[:, 0] = 1
        return select(name, replace(pool, probabilities=certain), *more)

    monkeypatch.setattr(query.run_strategy, "select", sure)
    with pytest.warns(Advice, match=r"margin: the model says the same of the samples.* 6 of 6"):
        one_round(campaign, strategy="margin")
    assert json_files.read_json(campaign.selection)["stood_in"] == "typiclust"


def test_the_same_seed_writes_the_same_bytes(campaign: Campaign) -> None:
    one_round(campaign)
    first = campaign.selection.read_bytes(), (campaign.model / "model.json").read_bytes()
    one_round(campaign)
    assert (campaign.selection.read_bytes(), (campaign.model / "model.json").read_bytes()) == first


def test_lengths_that_carry_the_spread_are_told_and_count_if_asked(
    campaign: Campaign,
) -> None:
    column = 10.0 * np.array([[1 + truth(i)] for i in range(POOL)], dtype=np.float32)
    column += np.random.default_rng(0).random((POOL, 1), dtype=np.float32)
    numpy_files.write_array(campaign.features / "pool.npy", column)
    with pytest.warns(Advice, match="a single column.*write `normalise: false` into cluster"):
        one_round(campaign, strategy="coreset")
    picks = one_round(campaign, strategy="coreset", budget=3, options={"normalise": False})
    assert sorted(truth(int(record["sample"], 16)) for record in picks) == [0, 1, 2]


def test_what_is_wrong_with_the_pool_comes_with_the_command(campaign: Campaign) -> None:
    broken = features_of(range(POOL))
    broken[17] = np.nan
    numpy_files.write_array(campaign.features / "pool.npy", broken)
    with pytest.raises(DataError, match=r"row 17 holds NaN.*`labelcycle stage embed`"):
        cluster.run(campaign, cluster.Options(), 6, CLASSES, np.random.default_rng(0))


def test_wrong_options_of_the_strategy_are_told(campaign: Campaign) -> None:
    with pytest.raises(SettingsError, match="strategy typiclust: sare: unknown key"):
        one_round(campaign, strategy="typiclust", options={"sare": 1})


def test_a_budget_above_the_pool_is_refused(campaign: Campaign) -> None:
    with pytest.raises(
        PoolExhausted, match=r"in 1\.\.60, the samples left to select \(got 61\); lower"
    ):
        one_round(campaign, budget=61)
    assert not campaign.selection.exists()


# --- cluster --------------------------------------------------------------------------------


def test_there_are_as_many_clusters_as_labels_after_the_round(campaign: Campaign) -> None:
    write_labels(campaign.label_file(0), [label(0), label(1), label(2, reason="skipped")])
    rng = np.random.default_rng(0)
    cluster.run(campaign, cluster.Options(), 6, CLASSES, rng)
    arrays = numpy_files.read_arrays(campaign.clusters)
    assert (arrays["assignment"].shape, arrays["assignment"].dtype) == ((POOL,), np.int32)
    assert (arrays["centres"].shape, arrays["centres"].dtype) == ((8, 6), np.float32)
    cluster.run(campaign, cluster.Options(max_clusters=5), 6, CLASSES, rng)
    assert len(numpy_files.read_arrays(campaign.clusters)["centres"]) == 5


# --- the pool -------------------------------------------------------------------------------


def test_rejected_and_labelled_samples_are_not_available(campaign: Campaign) -> None:
    write_labels(campaign.label_file("owned"), [label(3), label(7, reason="skipped")])
    write_labels(campaign.label_file(0), [label(3, "dog")])
    ids, pool = read_pool(campaign, CLASSES)
    assert ids == [identity(i) for i in range(POOL)]
    assert pool.labels[3] == 1  # the later word counts
    assert np.flatnonzero(pool.labeled).tolist() == [3]
    assert np.flatnonzero(~pool.available).tolist() == [3, 7]


def test_labels_of_the_holdout_teach_nothing(campaign: Campaign) -> None:
    write_labels(campaign.label_file(0), [label(POOL + 1)])
    _, pool = read_pool(campaign, CLASSES)
    assert not pool.labeled.any()


def test_a_label_of_an_unknown_sample_is_refused(campaign: Campaign) -> None:
    write_labels(campaign.label_file(0), [label(999)])
    with pytest.raises(DataError, match=r"sample 00000000000003e7, which is not in data/samples"):
        read_pool(campaign, CLASSES)


def test_a_label_that_is_no_class_names_the_near_one(campaign: Campaign) -> None:
    write_labels(campaign.label_file(0), [label(4, "dgo")])
    with pytest.raises(DataError, match=r"sample 0+4 has the label 'dgo'.*did you mean 'dog'\?"):
        read_pool(campaign, CLASSES)


@pytest.mark.parametrize("stage", ["embed", "cluster", "train"])
def test_files_of_another_pool_are_refused(campaign: Campaign, stage: str) -> None:
    one_round(campaign)
    files = {
        "embed": campaign.features / "pool.npy",
        "train": campaign.model / "probabilities.npy",
    }
    if stage == "cluster":
        numpy_files.write_arrays(campaign.clusters, assignment=np.zeros(9, np.int32))
    else:
        numpy_files.write_array(files[stage], np.zeros((9, 3), np.float32))
    text = f"has 9 rows: wanted 60, one a sample; run `labelcycle stage {stage}`"
    with pytest.raises(DataError, match=text):
        query.run(campaign, query.Options(budget=6), CLASSES, np.random.default_rng(0))


def test_numbers_are_written_with_six_digits() -> None:
    value = {"a": np.float32(0.1), "b": [np.int64(3), float("nan")], "c": np.array([1 / 3])}
    assert rounded(value) == {"a": 0.1, "b": [3, None], "c": [0.333333]}
    assert rounded(123456789.0) == 123457000.0


# --- train ----------------------------------------------------------------------------------


def test_the_model_is_read_back_as_it_was(campaign: Campaign) -> None:
    write_labels(campaign.label_file(0), [label(i) for i in range(9)])
    train.run(campaign, train.Options(), CLASSES, 0)
    chances = numpy_files.read_array(campaign.model / "probabilities.npy")
    assert (chances.shape, chances.dtype) == ((POOL, 3), np.float32)
    learner = learner_files.load_learner(campaign.model)
    again = learner.predict_proba(features_of(range(POOL)))
    np.testing.assert_array_equal(again, chances)
    record = json_files.read_json(campaign.model / "model.json")
    assert (record["labels"], record["features"], record["learner"]) == (9, 6, "linear")
    assert record["classes"] == list(CLASSES)


def test_without_labels_every_class_is_as_likely(campaign: Campaign) -> None:
    write_labels(campaign.label_file(0), [label(0, reason="skipped")])
    train.run(campaign, train.Options(), CLASSES, 0)
    chances = numpy_files.read_array(campaign.model / "probabilities.npy")
    np.testing.assert_allclose(chances, 1 / 3, rtol=1e-6)


def test_broken_weights_are_named(campaign: Campaign) -> None:
    train.run(campaign, train.Options(), CLASSES, 0)
    (campaign.model / "model.safetensors").write_bytes(b"no")
    with pytest.raises(
        DataError, match=r"cannot read .*model\.safetensors.*labelcycle stage train"
    ):
        learner_files.load_learner(campaign.model)


# --- evaluate -------------------------------------------------------------------------------


def evaluated(campaign: Campaign, answers: list[Label]) -> dict:
    write_labels(campaign.label_file(0), [label(i) for i in range(12)])
    write_labels(campaign.holdout, answers)
    train.run(campaign, train.Options(), CLASSES, 0)
    evaluate.run(campaign, evaluate.Options(), CLASSES, 0)
    found: dict = json_files.read_json(campaign.metrics)
    return found


@pytest.mark.usefixtures("without_charts")
def test_figures_of_the_holdout(campaign: Campaign) -> None:
    numbers = range(POOL, POOL + HOLDOUT)
    answers = [label(i, reason="skipped" if i % 10 == 0 else None) for i in numbers]
    found = evaluated(campaign, answers)
    assert (found["holdout"], found["labels"]) == (27, 12)
    assert found["accuracy"]["value"] > 0.9
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    assert np.sum(found["confusion"]) == 27
    right = np.trace(found["confusion"]) / 27
    assert found["accuracy"]["value"] == pytest.approx(right, abs=1e-6)
    assert {entry["support"] for entry in found["per_class"].values()} == {9}
    assert found["classes"] == list(CLASSES)
    assert found["reason"] is None


@pytest.mark.slow
def test_the_same_figures_are_the_same_bytes(campaign: Campaign) -> None:
    def files() -> list[bytes]:
        paths = sorted(campaign.figures.glob("*.png"))
        assert [path.name for path in paths] == ["confusion.png", "per_class.png"]
        return [path.read_bytes() for path in (campaign.metrics, *paths)]

    answers = [label(i) for i in range(POOL, POOL + HOLDOUT)]
    evaluated(campaign, answers)
    first = files()
    evaluated(campaign, answers)
    assert files() == first
    assert first[1].startswith(b"\x89PNG")
    assert b"tEXt" not in first[1]


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("answers", [[], [label(POOL, reason="skipped")]])
def test_a_holdout_without_labels_reports_nothing_and_says_so(
    campaign: Campaign, answers: list[Label]
) -> None:
    evaluated(campaign, [label(POOL)])
    found = evaluated(campaign, answers)
    assert (found["holdout"], found["accuracy"], found["confusion"]) == (0, None, None)
    assert found["reason"] == "the hold-out has no accepted label: nothing was measured"
    assert campaign.figures.is_dir()
    assert not list(campaign.figures.iterdir())


@pytest.mark.usefixtures("without_charts")
def test_a_class_that_never_occurs_is_null(campaign: Campaign) -> None:
    found = evaluated(campaign, [label(POOL, "cat"), label(POOL + 3, "cat")])
    assert found["per_class"]["bird"]["recall"] is None
    assert found["per_class"]["bird"]["support"] == 0


def test_a_holdout_label_of_a_pool_sample_is_refused(campaign: Campaign) -> None:
    with pytest.raises(DataError, match=r"holdout\.jsonl has a label for sample 0+5: wanted"):
        evaluated(campaign, [label(5)])


@pytest.mark.usefixtures("without_charts")
def test_a_model_for_other_classes_is_refused(campaign: Campaign) -> None:
    evaluated(campaign, [])
    with pytest.raises(DataError, match=r"trained for cat, dog, bird: wanted cat, dog;.*train"):
        evaluate.run(campaign, evaluate.Options(), ("cat", "dog"), 0)


# --- groups ---------------------------------------------------------------------------------


def in_groups(campaign: Campaign, of: int) -> None:
    """So many samples after each other are of one group."""
    samples = [
        replace(sample, named_groups=(f"g{int(sample.id, 16) // of}",))
        for sample in sample_files.read_samples(campaign.samples)
    ]
    sample_files.write_samples(campaign.samples, samples)


def test_a_round_asks_for_at_most_so_many_of_a_group(campaign: Campaign) -> None:
    in_groups(campaign, 20)
    samples = one_round(campaign, strategy="typiclust", budget=6, per_group=2)
    groups = [int(record["sample"], 16) // 20 for record in samples]
    assert sorted(groups) == [0, 0, 1, 1, 2, 2]
    with pytest.warns(Advice, match=r"query\.per_group: 1 leaves 3 samples to pick, and query\.b"):
        assert len(one_round(campaign, strategy="random", budget=6, per_group=1)) == 3


def test_near_twins_are_a_group_too(campaign: Campaign) -> None:
    samples = sample_files.read_samples(campaign.samples)
    twins = [replace(s, group=identity(0)) if int(s.id, 16) < 58 else s for s in samples]
    sample_files.write_samples(campaign.samples, twins)
    with pytest.warns(Advice, match="leaves 3 samples to pick"):
        assert len(one_round(campaign, strategy="random", budget=6, per_group=1)) == 3


@pytest.mark.parametrize("per_group", [None, 2])
def test_a_round_asks_for_one_of_near_twins(campaign: Campaign, per_group: int | None) -> None:
    samples = sample_files.read_samples(campaign.samples)
    twins = [replace(s, group=identity(0)) if int(s.id, 16) < 58 else s for s in samples]
    sample_files.write_samples(campaign.samples, twins)
    with pytest.warns(Advice, match="leaves 3 samples to pick"):
        picks = one_round(campaign, strategy="random", budget=6, per_group=per_group)
    assert sum(int(record["sample"], 16) < 58 for record in picks) == 1


@pytest.mark.usefixtures("without_charts")
def test_intervals_are_over_groups_where_there_are_some(campaign: Campaign) -> None:
    answers = [label(i, None if i % 4 else "cat") for i in range(POOL, POOL + HOLDOUT)]
    alone = evaluated(campaign, answers)
    assert not {"interval", "groups"} & alone.keys()
    in_groups(campaign, 5)
    grouped = evaluated(campaign, answers)
    assert (grouped["interval"], grouped["groups"]) == ("groups", 6)
    assert evaluated(campaign, answers) == grouped
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        assert grouped[name]["value"] == alone[name]["value"]
        assert grouped[name]["low"] <= alone[name]["low"]
        assert grouped[name]["high"] >= alone[name]["high"]
    assert grouped["cohorts"]["000"]["accuracy"] == grouped["accuracy"]
    same = ("confusion", "per_class", "calibration_error", "holdout")
    assert {name: grouped[name] for name in same} == {name: alone[name] for name in same}
