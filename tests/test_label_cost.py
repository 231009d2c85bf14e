import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import label_cost
import numpy as np
import pytest
from results_file import read
from scipy import stats
from tiny_sets import blobs_in

from labelcycle.core import clusterers, run_strategy, strategies
from labelcycle.core.pool import UNLABELED, Pool
from labelcycle.core.seeding import derive
from labelcycle.nn import learners
from labelcycle.nn.learner_inputs import Seen
from labelcycle.nn.learners import linear
from labelcycle.simulate import play_trial, run_trials
from labelcycle.simulate.comparison import LabelSet, Problem
from labelcycle.simulate.plug_in_choice import choice
from labelcycle.simulate.results import rows_of
from labelcycle.simulate.trial import Measured, Trial

pytestmark = pytest.mark.slow  # whole campaigns and processes: seconds each

SCRIPT = Path(label_cost.__file__)
SETTINGS = ("--strategies", "typiclust", "--budgets", "3,8", "--seeds", "3", "--pool", "60")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three blobs, one of them rare."""
    return blobs_in(tmp_path)


def words(data: Path, *more: object) -> list[str]:
    return ["--data", str(data), *SETTINGS, "--jobs", "1", "--json", *map(str, more)]


def printed(capsys: pytest.CaptureFixture[str], *given: str) -> dict[str, Any]:
    label_cost.main(given)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_rows_compare_each_seed_with_random(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results.jsonl"
    found = printed(capsys, *words(data, "--results", results))
    assert {row["metric"] for row in found["rows"]} == {"accuracy"}
    rows = {(row["strategy"], row["budget"]): row for row in found["rows"]}
    assert list(rows) == [("random", 3), ("random", 8), ("typiclust", 3), ("typiclust", 8)]
    trials = [json.loads(line) for line in results.read_text().splitlines()]
    values: dict[str, list[list[float]]] = {"random": [], "typiclust": []}
    for trial in sorted(trials, key=lambda trial: trial["seed"]):
        values[trial["strategy"]["name"]].append(trial["accuracy"])
    for number, budget in enumerate((3, 8)):
        each = np.array(values["typiclust"])[:, number]
        difference = each - np.array(values["random"])[:, number]
        interval = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
        row = rows["typiclust", budget]
        assert {k: row[k] for k in ("data", "learner", "seeds")} == {
            "data": "blobs.npz",
            "learner": "linear",
            "seeds": 3,
        }
        expected = [each.mean(), stats.sem(each), difference.mean(), interval.low, interval.high]
        got = [row[k] for k in ("accuracy", "se", "gain", "gain_low", "gain_high")]
        assert got == pytest.approx(expected)
        base = rows["random", budget]
        assert [base[k] for k in ("gain", "gain_low", "gain_high")] == [0, 0, 0]
        assert row["gain"] == pytest.approx(row["accuracy"] - base["accuracy"])


def test_another_base_takes_the_place_of_random(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = printed(capsys, *words(data))["rows"]
    turned = printed(capsys, *words(data, "--base", "typiclust", "--strategies", "random"))["rows"]
    assert [row["strategy"] for row in turned] == ["typiclust", "typiclust", "random", "random"]
    gains = {(row["strategy"], row["budget"]): row["gain"] for row in plain}
    for row in turned:
        assert row["gain"] == pytest.approx(
            0 if row["strategy"] == "typiclust" else -gains["typiclust", row["budget"]]
        )


def test_every_combination_is_measured_and_compared_with_the_first_learner(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grid = ["--learner", "linear", "prototype", "--clusterer", "kmeans", "minibatch"]
    rows = printed(capsys, *words(data, *grid))["rows"]
    alone = {
        learner: printed(capsys, *words(data, "--learner", learner, "--clusterer", "minibatch"))
        for learner in ("linear", "prototype")
    }
    places = [(row["clusterer"], row["learner"]) for row in rows[::4]]
    assert places == [(c, n) for c in ("kmeans", "minibatch") for n in ("linear", "prototype")]
    both = ("gain_with_learner", "gain_with_learner_low", "gain_with_learner_high")
    plain = [{key: row[key] for key in row if key not in both} for row in rows[8:]]
    assert plain == alone["linear"]["rows"] + alone["prototype"]["rows"]
    for row in rows:
        if row["learner"] == "linear":
            assert not row.keys() & set(both)
        else:
            base = next(
                r["accuracy"]
                for r in rows
                if (r["strategy"], r["learner"]) == ("random", "linear")
                and r["budget"] == row["budget"]
            )
            assert row[both[0]] == pytest.approx(row["accuracy"] - base)
            assert row[both[1]] <= row[both[0]] <= row[both[2]]
    path = tmp_path / "t.json"
    label_cost.main(words(data, *grid, "--into", path))
    table = read("t", tmp_path)
    assert table.down == ("learner", "clusterer", "strategy")
    assert len(table.rows) == len(rows)


def test_both_metrics_are_measured_of_the_same_campaigns(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = printed(capsys, *words(data, "--metric", "accuracy", "balanced accuracy"))["rows"]
    alone = printed(capsys, *words(data, "--metric", "balanced accuracy"))["rows"]
    assert both[:4] == printed(capsys, *words(data))["rows"]
    assert both[4:] == alone
    assert {row["metric"] for row in alone} == {"balanced accuracy"}
    assert [row["accuracy"] for row in both[:4]] != [row["accuracy"] for row in alone]


def test_an_interrupted_run_goes_on(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = printed(capsys, *words(data))["rows"]
    results, played, play = tmp_path / "results.jsonl", [], play_trial.play

    def counted(*task: Any) -> Measured:
        played.append(task[1])
        if len(played) == 3:
            raise KeyboardInterrupt
        return play(*task)

    monkeypatch.setattr(run_trials, "play", counted)
    with pytest.raises(
        SystemExit, match=r"interrupted; finished campaigns are in .*results\.jsonl"
    ):
        label_cost.main(words(data, "--results", results))
    with results.open("a") as file:
        file.write('{"data": "blo')  # ended while it wrote
    assert printed(capsys, *words(data, "--results", results))["rows"] == whole
    assert len(played) == 7  # the third again, and what comes after it
    assert len(results.read_text().splitlines()) == 6
    assert printed(capsys, *words(data, "--results", results))["rows"] == whole
    assert len(played) == 7


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--pool", "50"),
        ("--clusterer", "kmeans:starts=2"),
    ],
)
def test_another_setting_is_another_campaign(
    option: str, value: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = words(data, "--results", tmp_path / "results.jsonl", "--seeds", 1)
    printed(capsys, *shared)
    rows = printed(capsys, *shared, option, value)["rows"]
    alone = words(data, "--seeds", 1)
    assert rows == printed(capsys, *alone, option, value)["rows"]
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 4


def test_other_features_of_the_same_name_are_another_campaign(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = words(data, "--results", tmp_path / "results.jsonl")
    printed(capsys, *shared)
    with np.load(data) as arrays:
        np.savez(data, **{**arrays, "train": arrays["train"] + np.float32(1)})
    printed(capsys, *shared)
    assert len((tmp_path / "results.jsonl").read_text().splitlines()) == 12


@pytest.mark.slow
def test_processes_change_nothing(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = words(data, "--strategies", "supclust:temperature=0.05")
    alone = printed(capsys, *given)
    command = [sys.executable, str(SCRIPT), *given, "--jobs", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout)["rows"] == alone["rows"]
    assert alone["rows"][-1]["strategy"] == "supclust:temperature=0.05"


def test_one_seed_has_no_interval(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = printed(capsys, *words(data, "--seeds", 1))["rows"][-1]
    assert [row[k] for k in ("se", "gain_low", "gain_high")] == [None, None, None]
    label_cost.main([word for word in words(data, "--seeds", 1) if word != "--json"])
    assert "typiclust        8" in capsys.readouterr().out


LINEAR, KMEANS, RANDOM = (
    choice(name, package)
    for name, package in (("linear", learners), ("kmeans", clusterers), ("random", strategies))
)


def opened(data: Path) -> LabelSet:
    given = label_cost.arguments(words(data))
    return label_cost.open_set(given.data[0], label_cost.Folders(given.shared, given.cache))


def test_unequal_classes_are_measured_alike(data: Path) -> None:
    found = {
        Trial(RANDOM, KMEANS, LINEAR, 0): Measured(accuracy=[0.5], balanced=[0.25], stood_in=[0])
    }
    for balanced, value in ((False, 0.5), (True, 0.25)):
        one = Problem(replace(opened(data), balanced=balanced), 60, (3,))
        assert rows_of(one, found, [RANDOM], KMEANS, LINEAR, "random")[0]["accuracy"] == value


def test_balanced_accuracy_is_the_mean_recall_of_the_classes(data: Path) -> None:
    source = opened(data)
    found = play_trial.play(Problem(source, 100, (6,)), Trial(RANDOM, KMEANS, LINEAR, 0), None)
    rows = run_strategy.select("random", all_of(source), 6, derive(0, 0, "query")).rows
    options = linear.Options()
    model = linear.fit(source.data.train[rows], source.data.train_labels[rows], 3, options, 0)
    right = model.predict_proba(source.data.test).argmax(axis=1) == source.data.test_labels
    assert found.accuracy == [pytest.approx(right.mean())]
    recalls = [right[source.data.test_labels == c].mean() for c in range(3)]
    assert found.balanced == [pytest.approx(np.mean(recalls))]
    assert found.picks == [rows.tolist()]


def all_of(source: LabelSet) -> Pool:
    n = len(source.data.train)
    return Pool(source.data.train, np.full(n, UNLABELED), np.ones(n, dtype=bool))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--strategies", "typiclus"), "unknown strategy 'typiclus'"),
        (("--strategies", "supclust:temperature"), "wanted name:key=value"),
        (("--budgets", "3,61"), "at most the 60 rows of the pool, got 61"),
        (("--data", "cifar11"), "unknown data 'cifar11'"),
        (("--data", "ham10000", "--shared", "nowhere"), "no load.py in nowhere"),
    ],
)
def test_what_cannot_be_measured_ends_the_program(
    more: tuple[str, ...], said: str, data: Path
) -> None:
    with pytest.raises(SystemExit, match=said):
        label_cost.main([*words(data), *more])


def test_who_asks_no_model_still_sees_how_many_classes_there_are() -> None:
    """As in the stage `query`: probcover looks for as many clusters."""
    features, labels = np.eye(6, 4, dtype=np.float32), np.full(6, UNLABELED)
    model = linear.fit(features[:0], labels[:0], 5, linear.Options(), 0)
    trial = Trial(RANDOM, KMEANS, LINEAR, 0)
    clusters = np.zeros(6, dtype=np.int32)
    pool = play_trial.pool_seen(trial, Seen(features), labels, clusters, model, 5)
    assert pool.probabilities is not None
    assert pool.probabilities.shape == (6, 5)
    assert pool.clusters is pool.head is None
