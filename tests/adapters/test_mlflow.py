"""Rounds in a real MLflow without a server: a database in a temporary folder."""

import json
import math
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from closed_rounds import CLASSES, KEY, closed, models
from made_records import people
from PIL import Image
from websites import Page, served

from labelcycle.adapters.local import database_templates, server_programs
from labelcycle.adapters.mlflow import logged_models
from labelcycle.adapters.mlflow.logged_models import CHAMPION, ROUND, requirements
from labelcycle.adapters.mlflow.tracker import MlflowTracker, _numbers
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.records.metrics_record import ClassFigures
from labelcycle.core.metrics import Estimate
from labelcycle.errors import ServiceDown, ServiceRefused

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, of libraries it uses


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, which take it seconds to make."""
    path = tmp_path_factory.mktemp("empty") / "mlflow.db"
    template = server_programs.mlflow(Campaign(path.parent)).template
    assert template
    database_templates.provide(template, path, lambda line: None)
    return path


@pytest.fixture
def uri(tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    shutil.copy(empty, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.fixture
def tracker(uri: str) -> MlflowTracker:
    return MlflowTracker(uri)


def runs(tracker: MlflowTracker, key: str = KEY) -> dict[str, Any]:
    """The campaign's runs by name; each name is of one run."""
    experiment = tracker._experiment(key, "birds")
    found = tracker._search(experiment, "")
    assert len({run.info.run_name for run in found}) == len(found)
    return {run.info.run_name: run for run in found}


def curve(
    tracker: MlflowTracker, run: Any, key: str = "learning curve/accuracy"
) -> list[tuple[int, float]]:
    points = tracker._client.get_metric_history(run.info.run_id, key)
    return sorted((point.step, point.value) for point in points)


@pytest.mark.slow
def test_a_round_is_a_run_with_data_sets_a_model_and_a_point_of_the_curve(
    tracker: MlflowTracker, files: dict[str, Path], tmp_path: Path
) -> None:
    assert tracker.logged(KEY, "birds") == set()
    for number in (0, 1):
        tracker.log_round(closed(number, files))
    assert tracker.logged(KEY, "birds") == {0, 1}
    found = runs(tracker)
    assert set(found) == {"typiclust", "round 000", "round 001"}
    parent, child = found["typiclust"], found["round 001"]
    assert curve(tracker, parent) == [(4, 0.6), (8, 0.7)]
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert "labelcycle.interval" not in child.data.tags
    assert child.data.params["query.budget"] == "4"
    inputs = {
        each.dataset.name: (each.dataset.digest, each.tags[0].value)
        for each in child.inputs.dataset_inputs
    }
    assert inputs == {
        "pool": ("a" * 32, "training"),
        "labels": (f"{1:032x}.dir", "training"),
        "hold-out": ("c" * 32, "evaluation"),
    }
    (metric,) = [m for m in child.data.metrics if m == "accuracy"]
    assert child.data.metrics[metric] == 0.7
    assert {p.name for p in tmp_path.iterdir()} == {"mlflow.db", "mlartifacts"}


@pytest.mark.slow
def test_intervals_over_groups_are_tagged(tracker: MlflowTracker, files: dict[str, Path]) -> None:
    given = closed(0, files)
    grouped = replace(given.metrics, interval="groups", groups=7)
    tracker.log_round(replace(given, metrics=grouped))
    child = runs(tracker)["round 000"]
    assert child.data.tags["labelcycle.interval"] == "groups"
    assert child.data.metrics["groups"] == 7


@pytest.mark.slow
def test_the_record_of_a_round_is_replaced_and_its_model_goes(
    tracker: MlflowTracker, files: dict[str, Path], tmp_path: Path
) -> None:
    before = tmp_path / "before"
    before.mkdir()
    (before / "annotations.jsonl").write_text("of 0123456789abcdef\n")
    (before / "corrections.jsonl").write_text("of 0123456789abcdef\n")
    for number in (0, 1):
        tracker.log_round(closed(number, {**files, "record": before}))
    tracker._delete(tracker._experiment(KEY, "birds"), runs(tracker)["round 000"].info.run_id)
    tracker.log_round(closed(0, {**files, "record": before}))  # the deleted run has its files
    after = tmp_path / "after"
    after.mkdir()
    (after / "annotations.jsonl").write_text("of others\n")
    for _ in range(2):
        tracker.replace_records(KEY, "birds", {0: after, 1: after}, {0})
    kept = [path for path in (tmp_path / "mlartifacts").rglob("*") if path.is_file()]
    assert not [path for path in kept if b"of 0123456789abcdef" in path.read_bytes()]
    assert len([path for path in kept if path.name == "annotations.jsonl"]) == 2
    weights = [path for path in kept if path.name == "model.safetensors"]
    assert len(weights) == 2  # that of the deleted run goes with `mlflow gc`
    assert registered(tracker).keys() == {"001"}
    assert tracker.logged(KEY, "birds") == {0, 1}


def registered(tracker: MlflowTracker, name: str = "birds") -> dict[str, str]:
    """Run by round, of the registered model's versions; each round has one."""
    versions = tracker._client.search_model_versions(f"name = '{name}'")
    found = {version.tags[ROUND]: version.run_id for version in versions}
    assert len(found) == len(versions)
    return found


def champion(tracker: MlflowTracker) -> str:
    version = tracker._client.get_model_version_by_alias("birds", CHAMPION)
    return str(version.tags[ROUND])


@pytest.mark.slow
def test_what_broke_off_is_logged_anew_and_everything_stays_once(
    tracker: MlflowTracker, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (0, 1):
        tracker.log_round(closed(number, files))
    before = runs(tracker)
    with monkeypatch.context() as broken:  # ended after everything but the last word
        broken.setattr(tracker, "_curve", _ended)
        with pytest.raises(KeyboardInterrupt):
            tracker.log_round(closed(0, files))
    assert tracker.logged(KEY, "birds") == {1}
    tracker.log_round(closed(0, files))
    after = runs(tracker)
    assert set(after) == set(before)
    assert after["round 000"].info.run_id != before["round 000"].info.run_id
    assert curve(tracker, after["typiclust"]) == [(4, 0.6), (8, 0.7)]
    assert registered(tracker) == {
        number: after[f"round {number}"].info.run_id for number in ("000", "001")
    }
    assert champion(tracker) == "001"
    experiment = after["typiclust"].info.experiment_id
    names = sorted(m.name for m in tracker._client.search_logged_models([experiment]))
    assert [name.partition("-")[0] for name in names] == ["encoder", "round", "round"]


def _ended(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.slow
def test_what_people_delete_in_its_page_is_logged_anew(
    tracker: MlflowTracker, files: dict[str, Path]
) -> None:
    names = []
    for _ in range(3):
        tracker.log_round(closed(0, files))
        experiment = tracker._client.get_experiment(tracker._experiment(KEY, "birds"))
        names.append(experiment.name)
        assert registered(tracker) == {"000": runs(tracker)["round 000"].info.run_id}
        tracker._client.delete_experiment(experiment.experiment_id)
        assert tracker.logged(KEY, "birds") == set()
    assert names == ["birds", "birds (012345)", "birds (012345, 2)"]
    tracker.log_round(closed(0, files))
    tracker._client.delete_run(runs(tracker)["round 000"].info.run_id)
    assert tracker.logged(KEY, "birds") == set()
    tracker.log_round(closed(0, files))
    tracker._client.delete_run(runs(tracker)["typiclust"].info.run_id)  # the curve
    assert tracker.logged(KEY, "birds") == set()
    tracker.log_round(closed(0, files))
    assert curve(tracker, runs(tracker)["typiclust"]) == [(4, 0.6)]


@pytest.mark.parametrize(
    "name", ["a/b:c 🐦 %d <b> $x", 'it\'s "so"', "///", "None", "01", "a\tb", "שלום"]
)
@pytest.mark.slow
def test_odd_names_of_campaigns_and_classes(
    tracker: MlflowTracker, files: dict[str, Path], name: str
) -> None:
    classes = ["$", "&", "a/b", "a:b", 'it\'s "so"', "🐦", "x" * 300, "A B", "a b", "<b>", "%s"]
    classes += ["None", "true", "01", "a\tb", "שלום עולם", "مرحبا"]
    params = {"campaign": {"classes": classes, "name": name}}
    per_class = {name: ClassFigures(None, 0.5, None, 0) for name in classes}
    metrics = replace(closed(0, files).metrics, per_class=per_class)
    tracker.log_round(closed(0, files, campaign=name, params=params, metrics=metrics))
    assert tracker.logged(KEY, name) == {0}
    experiment = tracker._client.get_experiment(tracker._experiment(KEY, name))
    assert experiment.name == name
    logged = tracker._client.search_runs([experiment.experiment_id])
    said = {run.data.params.get("campaign.classes") for run in logged} - {None}
    assert said == {str(classes)}
    (model,) = tracker._client.search_registered_models()
    assert list(model.aliases) == [CHAMPION]


@pytest.mark.slow
def test_two_campaigns_of_one_name_do_not_mix(
    tracker: MlflowTracker, files: dict[str, Path]
) -> None:
    other = "fedcba987654"
    tracker.log_round(closed(0, files))
    tracker.log_round(closed(0, files, key=other))
    assert tracker.logged(KEY, "birds") == tracker.logged(other, "birds") == {0}
    assert len(registered(tracker)) == len(registered(tracker, "birds (fedcba)")) == 1


@pytest.mark.slow
def test_figures_that_are_no_numbers_are_no_points(
    tracker: MlflowTracker, files: dict[str, Path]
) -> None:
    share = Estimate(math.nan, -math.inf, math.inf)
    metrics = replace(closed(0, files).metrics, accuracy=share, people=people(alpha=math.nan))
    tracker.log_round(closed(0, files, metrics=metrics))
    found = runs(tracker)
    assert "learning curve/accuracy" not in found["typiclust"].data.metrics
    logged = found["round 000"].data.metrics
    assert {"macro_f1", "macro_f1_low", "macro_f1_high", "labels"} <= set(logged)
    assert not any("accuracy" in name or name == "people_alpha" for name in logged)
    assert all(math.isfinite(value) for value in logged.values())


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_in_its_run(tracker: MlflowTracker) -> None:
    tracker.training(KEY, "birds")({"loss": 1.0}, 1, False)
    log = tracker.training(KEY, "birds")
    log({"loss": math.inf}, 2, False)
    log({"loss": 0.5}, 3, True)
    run = runs(tracker)["pretrain"]
    assert run.info.status == "FINISHED"
    assert curve(tracker, run, "loss") == [(1, 1.0), (3, 0.5)]


LOAD = """
import json, sys
import mlflow, pandas as pd
sys.path[:] = [path for path in sys.path if not path.startswith(sys.argv[2])]
loaded = mlflow.pyfunc.load_model("models:/birds@champion")
images = [open(path, "rb").read() for path in sys.argv[3:]]
said = loaded.predict(pd.DataFrame({"image": images})).to_dict("records")
import labelcycle
print(json.dumps([said, labelcycle.__file__]))
"""
SOURCES = str(Path(logged_models.__file__).parents[2])


@pytest.mark.slow
def test_the_champion_predicts_in_another_process_without_a_pickle(
    tracker: MlflowTracker, uri: str, files: dict[str, Path], tmp_path: Path
) -> None:
    for number in (0, 1):
        tracker.log_round(closed(number, files))
    stored = [path for path in (tmp_path / "mlartifacts").rglob("*") if path.is_file()]
    assert not [path.name for path in stored if path.suffix in (".pkl", ".pickle", ".pt")]
    names = [path.name for path in stored]
    assert names.count("encoder.json") == 1
    assert names.count("model.json") == 2
    assert "probabilities.npy" not in names
    for name, shade in zip(CLASSES, (40, 200), strict=True):
        pixels = np.full((16, 16, 3), shade, np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    images = [str(tmp_path / f"{name}.png") for name in CLASSES]
    refused = {"MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    environment = {**os.environ, **refused, "MLFLOW_TRACKING_URI": uri}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, "", SOURCES, *images],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, where = json.loads(done.stdout.splitlines()[-1])
    assert [each["label"] for each in said] == list(CLASSES)
    assert not where.startswith(SOURCES)


@pytest.mark.slow
def test_a_model_whose_encoder_is_gone_says_so(
    tracker: MlflowTracker, files: dict[str, Path]
) -> None:
    import mlflow

    tracker.log_round(closed(0, files))
    (encoder,) = [
        each
        for each in tracker._client.search_logged_models([tracker._experiment(KEY, "birds")])
        if each.name.startswith("encoder-")
    ]
    tracker._client.delete_logged_model(encoder.model_id)
    with pytest.raises(Exception, match="is logged once for all rounds: set MLFLOW_TRACKING_URI"):
        mlflow.pyfunc.load_model("models:/birds@champion")
    assert tracker.logged(KEY, "birds") == set()  # so the next run logs it anew
    tracker.log_round(closed(0, files))
    mlflow.pyfunc.load_model("models:/birds@champion")


@pytest.mark.slow
def test_an_encoder_that_changed_or_broke_off_is_logged_anew(
    tracker: MlflowTracker, files: dict[str, Path], tmp_path: Path
) -> None:
    client, experiment = tracker._client, tracker._experiment(KEY, "birds")
    first = logged_models._encoder(client, experiment, files["encoder"])
    assert logged_models._encoder(client, experiment, files["encoder"]) == first
    changed = shutil.copytree(files["encoder"], tmp_path / "changed")
    (changed / "encoder.json").write_text("{}")
    assert logged_models._encoder(client, experiment, changed) != first
    name = client.get_logged_model(first).name
    client.delete_logged_model(first)
    half = client.create_logged_model(experiment, name=name)
    again = logged_models._encoder(client, experiment, files["encoder"])
    assert again not in (first, half.model_id)


@pytest.mark.slow
def test_ready_made_features_are_no_model(
    tracker: MlflowTracker, files: dict[str, Path], tmp_path: Path
) -> None:
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    (encoder / "encoder.json").write_text('{"encoder": "precomputed", "image_size": 0}')
    tracker.log_round(closed(0, {**files, "encoder": encoder}))
    assert tracker.logged(KEY, "birds") == {0}
    assert tracker._client.search_registered_models() == []


@pytest.mark.slow
def test_a_folder_instead_of_a_database(
    tmp_path: Path, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow wants to be told that it is meant; then it works."""
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(ServiceRefused, match=r"database, such .*or MLFLOW_ALLOW_FILE_STORE=true"):
        MlflowTracker((tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tracker = MlflowTracker((tmp_path / "mlruns2").as_uri())
    tracker.log_round(closed(0, files))
    assert tracker.logged(KEY, "birds") == {0}
    assert champion(tracker) == "000"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("nonsense://x", "MLflow at nonsense://x refused: "),
        ("sqlite:////dev/null/m.db", "MLflow at sqlite:////dev/null/m.db "),
        ("sqlite:///{}/text.db", "text.db refused: "),
    ],
)
def test_a_place_that_cannot_be_used_is_told(tmp_path: Path, address: str, error: str) -> None:
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises((ServiceRefused, ServiceDown), match=error):
        MlflowTracker(address.format(tmp_path)).logged(KEY, "birds")


def test_a_server_of_another_version_is_named() -> None:
    pages = {"/health": Page(b"OK"), "/version": Page(b"1.30.0")}
    named = r"refused: .* \(the server is of version 1\.30\.0, wanted 3"
    with served(pages) as site, pytest.raises(ServiceRefused, match=named):
        MlflowTracker(site.url).logged(KEY, "birds")


def test_a_server_that_points_elsewhere_is_told() -> None:
    away = Page(status=308, headers={"Location": "https://x.example/"})
    told = r"to https://x\.example/, .*set MLFLOW_TRACKING_URI"
    with served({"/health": away}) as site, pytest.raises(ServiceRefused, match=told):
        MlflowTracker(site.url)


# --- values --------------------------------------------------------------------------------


def test_figures_of_the_people_are_metrics_with_their_own_prefix() -> None:
    people = {
        "alpha": 0.7,
        "alpha_round": None,
        "seconds_per_label": 3,
        "method": {"used": "majority"},
        "cost": {"cap": 300},
    }
    accuracy = {"value": 0.5, "low": 0.4, "high": 0.6}
    found = _numbers({"accuracy": accuracy, "labels": 4, "cancelled": False, "people": people})
    assert found == {
        "accuracy": 0.5,
        "accuracy_low": 0.4,
        "accuracy_high": 0.6,
        "labels": 4.0,
        "people_alpha": 0.7,
        "people_seconds_per_label": 3.0,
    }


def test_what_pre_annotations_do_is_a_metric_with_its_interval() -> None:
    bias = {"value": 0.1, "low": -0.1, "high": 0.3}
    found = _numbers({"preannotation": {"shown": 4, "bias": bias, "errors": {"blind": None}}})
    assert found == {
        "preannotation_shown": 4.0,
        "preannotation_bias": 0.1,
        "preannotation_bias_low": -0.1,
        "preannotation_bias_high": 0.3,
    }


def needed(*parts: str) -> set[str]:
    return {line.partition("==")[0] for line in requirements(*parts)}


@pytest.mark.slow
def test_only_learners_that_look_for_neighbours_need_faiss() -> None:
    plain = needed("smallconv", "linear")
    assert {"torch", "scikit-learn", "scipy"} <= plain
    assert not {"faiss-cpu", "faiss-gpu", "timm"} & plain
    for learner in ("knn", "propagate"):
        more = needed("smallconv", learner) - plain
        assert len(more) == 1
        assert more < {"faiss-cpu", "faiss-gpu"}
    assert needed("timm_pretrained", "linear") - plain == {"timm"}
