"""The curves of a pretraining: what is logged when, and that it never ends the training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from params import set_params

from labelcycle.adapters.local.services import Services
from labelcycle.adapters.mlflow import tracker
from labelcycle.campaign import label_files, sample_files
from labelcycle.campaign.campaign_paths import Campaign
from labelcycle.campaign.label_files import Label
from labelcycle.campaign.labels import write_migrations
from labelcycle.campaign.sample_files import Sample
from labelcycle.cli import pretrain_curves
from labelcycle.errors import ServiceDown
from labelcycle.nn import process_rank
from labelcycle.nn.progress import Progress
from labelcycle.rounds import campaign_key

LOSS, KNN = "pretrain_loss", "pretrain_knn_accuracy"


class Server:
    """Stands for MLflow's tracker; `down` from the point of that number on."""

    def __init__(self, down: int | None = None) -> None:
        self.points: list[tuple[dict[str, float], int, bool]] = []
        self.down = down

    def training(self, key: str, campaign: str) -> Any:
        self.key, self.campaign = key, campaign
        return self.log

    def log(self, values: Mapping[str, float], step: int, ended: bool) -> None:
        if self.down is not None and len(self.points) >= self.down:
            raise ServiceDown("MLflow does not answer")
        self.points.append((dict(values), step, ended))


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    """60 samples of two classes, the first 30 labelled."""
    found = Campaign(tmp_path)
    write_migrations(found, ())
    names = [f"{row:016x}" for row in range(60)]
    samples = [Sample(name, f"{name}.png", "", "pool", 8, 8) for name in names]
    sample_files.write_samples(found.samples, samples)
    lines = [Label(name, "ab"[row % 2]) for row, name in enumerate(names[:30])]
    label_files.write_labels(found.labels / "000.jsonl", lines)
    set_params(tmp_path, campaign={"name": "birds", "classes": ["a", "b"]})
    return found


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setattr(tracker, "MlflowTracker", lambda: found)
    monkeypatch.setattr(campaign_key, "of", lambda root: "0123456789ab")
    return found


def features(rows: np.ndarray) -> np.ndarray:
    """The two classes on two axes, but for the first two samples, which are mixed up."""
    classes = rows % 2
    classes[rows < 2] = 1 - classes[rows < 2]
    return np.eye(2, dtype=np.float32)[classes]


def steps(epochs: int = 3, per_epoch: int = 4) -> list[Progress]:
    total = epochs * per_epoch
    return [
        Progress(step, total, step / 10, None, step // per_epoch, features)
        for step in range(1, total + 1)
    ]


def test_loss_now_and_then_and_a_probe_after_each_pass(
    campaign: Campaign, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 100, 2))  # two seconds a look
    monkeypatch.setattr(pretrain_curves.time, "monotonic", lambda: next(clock))
    show = pretrain_curves.watcher("pretrain", campaign.root)
    assert show is not None
    for step in steps():
        show(step)
    assert (server.key, server.campaign) == ("0123456789ab", "birds")
    accuracy = {step: values.get(KNN) for values, step, _ in server.points if KNN in values}
    assert accuracy == {4: 28 / 30, 8: 28 / 30, 12: 28 / 30}
    losses = {step: values[LOSS] for values, step, _ in server.points if LOSS in values}
    assert losses == {step: step / 10 for step in losses}
    assert 3 <= len(losses) < 12
    assert 12 in losses
    assert [ended for *_, ended in server.points] == [False] * (len(server.points) - 1) + [True]


def test_a_server_that_goes_away_is_told_once_and_stops_nothing(
    campaign: Campaign, server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    server.down = 1
    show = pretrain_curves.watcher("pretrain", campaign.root)
    assert show is not None
    for step in steps():
        show(step)
    told = capsys.readouterr().err
    assert told == "pretrain: its curves are not logged: MLflow does not answer\n"
    assert len(server.points) == 1


@pytest.mark.parametrize("count", [0, 19])
def test_few_labels_are_no_probe(campaign: Campaign, server: Server, count: int) -> None:
    path = campaign.labels / "000.jsonl"
    label_files.write_labels(path, label_files.read_labels(path)[:count])
    show = pretrain_curves.watcher("pretrain", campaign.root)
    assert show is not None
    for step in steps():
        show(step)
    assert server.points
    assert not any(KNN in values for values, *_ in server.points)


def test_labels_of_one_class_are_no_probe(campaign: Campaign, server: Server) -> None:
    path = campaign.labels / "000.jsonl"
    label_files.write_labels(path, [Label(x.sample, "a") for x in label_files.read_labels(path)])
    assert not len(pretrain_curves.labelled(campaign, ("a", "b"))[0])


@pytest.mark.parametrize(
    ("stage", "uri", "rank"), [("embed", "x", "0"), ("pretrain", "", "0"), ("pretrain", "x", "1")]
)
def test_nobody_watches_without_a_server_another_stage_or_a_second_process(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, stage: str, uri: str, rank: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv(process_rank.VARIABLE, f"{rank}/2:store")
    assert pretrain_curves.watcher(stage, campaign.root) is None


def test_a_server_that_never_was_there(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setattr(campaign_key, "of", lambda root: "0123456789ab")
    show = pretrain_curves.watcher("pretrain", campaign.root)
    assert show is not None
    for step in steps():
        show(step)
    assert capsys.readouterr().err.count("does not answer") == 1


@pytest.mark.parametrize("count", [60, 5000])
def test_the_trainings_of_an_experiment_are_watched_too(server: Server, count: int) -> None:
    labels = np.sort(np.arange(count) % 2)  # in the order of the classes
    asked: list[np.ndarray] = []

    def seen(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return np.eye(2, dtype=np.float32)[labels[rows]]

    show = pretrain_curves.of_experiment("small")(labels)
    for step in (1, 2):
        show(Progress(step, 2, 0.5, None, step // 2, seen))
    assert (server.key, server.campaign) == ("simulate small", "small")
    assert server.points[-1] == ({LOSS: 0.5, KNN: 1.0}, 2, True)
    assert len(asked[0]) == min(count, pretrain_curves.MOST)
    assert len(set(labels[asked[0]])) == 2


@pytest.mark.service
def test_a_killed_training_goes_on_in_its_run(
    campaign: Campaign, mlflow_server: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.services["mlflow"].address)
    monkeypatch.setattr(campaign_key, "of", lambda root: "0123456789ab")
    monkeypatch.setattr(pretrain_curves, "EVERY_S", 0.0)
    for part in (steps()[:5], steps()[5:]):
        show = pretrain_curves.watcher("pretrain", campaign.root)
        assert show is not None
        for step in part:
            show(step)
    from mlflow import MlflowClient  # seconds

    client = MlflowClient(mlflow_server.services["mlflow"].address)
    experiment = client.get_experiment_by_name("birds")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    losses = client.get_metric_history(run.info.run_id, LOSS)
    assert [(point.step, point.value) for point in losses] == [
        (step, step / 10) for step in range(1, 13)
    ]
    found = client.get_metric_history(run.info.run_id, KNN)
    assert [point.step for point in found] == [4, 8, 12]
