"""MLflow shows the rounds: an experiment a campaign, a run a strategy, a child run a round.

On the strategy's run the step of a figure is the number of labels. So the UI draws the learning
curve, in a section of that name, and curves of several strategies share one axis.
"""

import datetime
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from labelcycle.adapters.mlflow import logged_models, patient_client, tracking_uri
from labelcycle.adapters.mlflow.logged_models import ENCODER, ROUND
from labelcycle.adapters.mlflow.patient_client import (
    ASKING_S,
    LOGGING_S,
    check_answers,
    in_time,
    translated,
)
from labelcycle.adapters.mlflow.tracking_uri import KEY
from labelcycle.adapters.ports import ClosedRound

COMPLETE = "labelcycle.complete"
STRATEGY = "labelcycle.strategy"
INTERVAL = "labelcycle.interval"
"""groups, where the intervals are a bootstrap over groups."""
TRAINING = "labelcycle.training"
PARENT = "mlflow.parentRunId"
RECORD = "record"
"""Folder of a run's artifacts with the files of its round."""
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error")
ACCURACY, CURVE = "accuracy", "learning curve/accuracy"
"""The strategy's run has the same points twice: MLflow makes a section of what is before the /."""
CONTEXTS = {"pool": "training", "labels": "training", "hold-out": "evaluation"}
"""What the data sets of a round are for."""

MOST_PARAMS = 100
"""MLflow takes no more in one request."""


class MlflowTracker:
    """A tracking server; see `labelcycle.adapters.ports.Tracker`."""

    def __init__(self, uri: str | None = None) -> None:
        self._uri = uri or patient_client.settings()
        self._client = patient_client.connected(self._uri)

    @in_time(ASKING_S)
    def logged(self, key: str, campaign: str) -> set[int]:
        """Numbers of the rounds that are logged completely; their curve and encoder are there."""
        with translated(self._uri):
            experiment = self._experiment(key, campaign)
            curves = {
                run.info.run_id for run in self._search(experiment, f"tags.`{STRATEGY}` != ''")
            }
            models = _pages(partial(self._client.search_logged_models, [experiment]))
            encoders = {None, *(model.model_id for model in models)}
            runs = self._search(experiment, f"tags.`{COMPLETE}` = 'yes'")
            tags = [run.data.tags for run in runs]
            return {
                int(each[ROUND])
                for each in tags
                if each[PARENT] in curves and each.get(ENCODER) in encoders
            }

    @in_time(ASKING_S)
    def address(self, key: str, campaign: str) -> str:
        """The page of the campaign's curves."""
        with translated(self._uri):
            return tracking_uri.page(self._uri, self._experiment(key, campaign))

    @in_time(LOGGING_S)
    def log_round(self, closed: ClosedRound) -> None:
        """Log a closed round; an attempt that broke off is replaced."""
        with translated(self._uri):
            experiment = self._experiment(closed.key, closed.campaign)
            parent = self._parent(experiment, closed.metrics.strategy)
            number = f"{closed.number:03d}"
            for broken in self._search(experiment, f"tags.`{ROUND}` = '{number}'"):
                self._delete(experiment, broken.info.run_id)
            run = self._child(experiment, parent, closed, number)
            self._curve(parent, closed)
            self._client.set_tag(run, COMPLETE, "yes")
            self._client.set_terminated(run, "FINISHED", end_time=_milliseconds(closed))

    @in_time(LOGGING_S)
    def replace_records(
        self, key: str, campaign: str, records: Mapping[int, Path], without_model: Collection[int]
    ) -> None:
        """Have these files, by round, in the place of those that were logged, and of no others.

        without_model : rounds whose models go, too; the encoder stays
        """
        from mlflow.entities import ViewType

        with translated(self._uri):
            experiment = self._experiment(key, campaign)
            for number, folder in records.items():
                condition = f"tags.`{ROUND}` = '{number:03d}'"
                # A run that broke off and was deleted still has its files.
                for run in self._search(experiment, condition, run_view_type=ViewType.ALL):
                    self._forget_files(run.info.artifact_uri, RECORD)
                    if number in without_model:
                        logged_models.forget(self._client, self._uri, experiment, run.info.run_id)
                    if run.info.lifecycle_stage == "active":
                        self._client.log_artifacts(run.info.run_id, str(folder), RECORD)

    def _forget_files(self, place: str, folder: str) -> None:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        files = get_artifact_repository(place, tracking_uri=self._uri)
        files.delete_artifacts(folder)  # type: ignore[no-untyped-call]

    @in_time(ASKING_S)
    def appoint(self, key: str, campaign: str, number: int) -> None:
        """Let the model of a closed round be the campaign's champion, until one is closed again."""
        with translated(self._uri):
            logged_models.appoint(self._client, campaign, key, number)

    @in_time(ASKING_S)
    def training(self, key: str, campaign: str) -> Callable[[Mapping[str, float], int, bool], None]:
        """A function that logs values at a step of the pretraining under way, and whether it ends.

        It goes on with the run that a killed training left open. Both raise ServiceDown or
        ServiceRefused, the function soon, so that no training waits for MLflow.
        """
        with translated(self._uri):
            experiment = self._experiment(key, campaign)
            open_ = f"tags.`{TRAINING}` = 'pretrain' and attributes.status = 'RUNNING'"
            runs = self._search(experiment, open_) or [
                self._client.create_run(
                    experiment, run_name="pretrain", tags={TRAINING: "pretrain"}
                )
            ]
        run = str(runs[0].info.run_id)

        @in_time(ASKING_S)
        def log(values: Mapping[str, float], step: int, ended: bool) -> None:
            check_answers(self._uri)
            with translated(self._uri):
                for name, value in _finite(values).items():
                    self._client.log_metric(run, name, value, step=step)
                if ended:
                    self._client.set_terminated(run, "FINISHED")

        return log

    def _experiment(self, key: str, campaign: str) -> str:
        """Id of the campaign's experiment; a campaign is known by its key, not by its name."""
        for experiment in _pages(self._client.search_experiments):
            if experiment.tags.get(KEY) == key:
                return str(experiment.experiment_id)
        for name in _names(campaign, key):  # deleted ones keep their name, too
            if self._client.get_experiment_by_name(name) is None:
                break
        where = tracking_uri.artifacts(self._uri)
        return str(self._client.create_experiment(name, where, tags={KEY: key}))

    def _search(self, experiment: str, condition: str, **which: Any) -> list[Any]:
        return list(self._client.search_runs([experiment], condition, max_results=5000, **which))

    def _delete(self, experiment: str, run: str) -> None:
        for model in self._client.search_logged_models([experiment], f"source_run_id = '{run}'"):
            self._client.delete_logged_model(model.model_id)
        self._client.delete_run(run)

    def _parent(self, experiment: str, strategy: str) -> str:
        runs = self._search(experiment, f"tags.`{STRATEGY}` = '{strategy}'")
        if runs:
            return str(runs[0].info.run_id)
        run = self._client.create_run(experiment, run_name=strategy, tags={STRATEGY: strategy})
        self._client.set_terminated(run.info.run_id, "FINISHED")
        return str(run.info.run_id)

    def _child(self, experiment: str, parent: str, closed: ClosedRound, number: str) -> str:
        from mlflow.entities import Metric, Param

        time = _milliseconds(closed)
        run = self._client.create_run(
            experiment,
            start_time=time,
            run_name=f"round {number}",
            tags={
                PARENT: parent,
                "mlflow.source.git.commit": closed.commit,
                ROUND: number,
                "labelcycle.tag": closed.tag,
                **({INTERVAL: "groups"} if closed.metrics.interval == "groups" else {}),
                **{f"digest.{k}": v for k, v in asdict(closed.plan.digests).items()},
                **{f"digest.{k}": v for k, v in closed.metrics.digests.items()},
            },
        )
        name = str(run.info.run_id)
        inputs = _inputs(closed)
        self._client.log_inputs(name, inputs)
        self._client.log_artifacts(name, str(closed.folders.record), RECORD)
        self._client.log_artifacts(name, str(closed.folders.figures), "figures")
        model = logged_models.log(self._client, experiment, name, closed)
        if model is not None:
            logged_models.register(self._client, name, model, closed)
        params = [Param(key, str(value)[:6000]) for key, value in _flat(closed.params).items()]
        for start in range(0, len(params), MOST_PARAMS):
            self._client.log_batch(name, params=params[start : start + MOST_PARAMS])
        measured = [data.dataset for data in inputs if data.dataset.name == "hold-out"]
        of = {"dataset_name": measured[0].name, "dataset_digest": measured[0].digest}
        metrics = [
            Metric(key, value, time, closed.number, model_id=model, run_id=name, **of)
            for key, value in _numbers(asdict(closed.metrics)).items()
        ]
        self._client.log_batch(name, metrics=metrics)
        return name

    def _curve(self, parent: str, closed: ClosedRound) -> None:
        """One point a round; the fixed time makes a second telling the same point."""
        self._client.log_inputs(parent, _inputs(closed))
        metrics = asdict(closed.metrics)
        # of cohorts once there are several: one alone is the whole
        several = {"cohorts": metrics["cohorts"]} if len(metrics["cohorts"] or ()) > 1 else {}
        figures = {name: metrics[name] for name in FIGURES} | several
        values = _numbers(figures)
        if ACCURACY in values:
            values[CURVE] = values[ACCURACY]
        for key, value in values.items():
            self._client.log_metric(
                parent,
                key,
                value,
                timestamp=_milliseconds(closed),
                step=closed.metrics.labels,
            )


def _pages(search: Callable[..., Any]) -> Iterator[Any]:
    """All that a search finds, page by page."""
    token = None
    while True:
        page = search(page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _names(campaign: str, key: str) -> Iterator[str]:
    """Names for the campaign's experiment: the first that is free is taken."""
    yield campaign
    yield f"{campaign} ({key[:6]})"
    for number in range(2, 10**6):
        yield f"{campaign} ({key[:6]}, {number})"


def _inputs(closed: ClosedRound) -> list[Any]:
    """The data sets of a round, as MLflow shows them."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = []
    for name, context in CONTEXTS.items():
        data = closed.data[name]
        source = {"tags": {"file": data.file, "git.commit": closed.commit}}
        dataset = Dataset(
            name=name,
            digest=data.digest,
            source_type="code",
            source=json.dumps(source),
            profile=json.dumps({"num_rows": data.rows}),
        )
        inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", context)]))
    return inputs


def _milliseconds(closed: ClosedRound) -> int:
    time = datetime.datetime.fromisoformat(closed.metrics.closed)
    return int(time.timestamp() * 1000)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _finite(values: Mapping[str, float]) -> dict[str, float]:
    """Those that can be a point of a curve: MLflow would draw infinity as 10^308."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Figures with their intervals, and plain numbers; of people and what they see, too."""
    numbers: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, Mapping) and value.keys() == {"value", "low", "high"}:
            ends = {f"{key}_{end}": value[end] for end in ("low", "high")}
            numbers |= _numbers({key: value["value"], **ends})
        elif key == "cohorts":
            for cohort, figures in (value or {}).items():
                name = f"cohort_{int(cohort)}"
                numbers |= {f"{name}_{each}": x for each, x in _numbers(figures).items()}
        elif key in ("people", "preannotation"):
            numbers |= {f"{key}_{name}": each for name, each in _numbers(value).items()}
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[key] = float(value)
    return _finite(numbers)
