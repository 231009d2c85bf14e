"""MLflow shows the rounds: an experiment a campaign, a run a strategy, a child run a round.

On the strategy's run the accuracy stands at step = number of labels, so that the UI draws the
learning curve, and curves of several strategies share one axis.
"""

import datetime
import importlib.metadata
import logging
import os
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import labelcycle
from labelcycle.adapters.addresses import bare
from labelcycle.errors import ServiceDown, ServiceRefused
from labelcycle.store import read_json

ROUND = "labelcycle.round"
COMPLETE = "labelcycle.complete"
KEY = "labelcycle.campaign"
STRATEGY = "labelcycle.strategy"
TRAINING = "labelcycle.training"
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error")
QUIET = {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""The user is told the address once, by us."""
REQUIRED = (
    "mlflow",
    "numpy",
    "pandas",
    "pillow",
    "pydantic",
    "safetensors",
    "scikit-learn",
    "scipy",
    "threadpoolctl",
    "torch",
    "torchvision",
)
FURTHER = {
    "knn": ("faiss-cpu", "faiss-gpu"),
    "propagate": ("faiss-cpu", "faiss-gpu"),
    "timm_pretrained": ("timm",),
}
"""What single learners and encoders need beside, of which one is installed."""


class MlflowTracker:
    """A tracking server; see `labelcycle.ports.Tracker`."""

    def __init__(self, uri: str | None = None) -> None:
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI")
        if not uri:
            raise ServiceDown(
                "MLFLOW_TRACKING_URI is not set; wanted the address of MLflow;"
                " run `labelcycle up` or set it"
            )
        _check_answers(uri)
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        import mlflow

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        mlflow.set_tracking_uri(uri)
        self._uri = uri
        self._client = mlflow.MlflowClient(uri)

    def logged(self, key: str, campaign: str) -> set[int]:
        """Numbers of the rounds that are logged completely."""
        with translated(self._uri):
            runs = self._search(self._experiment(key, campaign), f"tags.`{COMPLETE}` = 'yes'")
            return {int(run.data.tags[ROUND]) for run in runs}

    def log_round(self, record: Mapping[str, Any]) -> str:
        """Log a closed round; an attempt that broke off is replaced. Address of the run."""
        with translated(self._uri):
            experiment = self._experiment(record["key"], record["campaign"])
            parent = self._parent(experiment, record)
            number = f"{record['round']:03d}"
            for broken in self._search(experiment, f"tags.`{ROUND}` = '{number}'"):
                self._delete(experiment, broken.info.run_id)
            run = self._child(experiment, parent, record, number)
            self._curve(parent, record)
            self._client.set_tag(run, COMPLETE, "yes")
            self._client.set_terminated(run, "FINISHED", end_time=_milliseconds(record))
            return f"{self._uri}/#/experiments/{experiment}/runs/{run}"

    def training(self, key: str, campaign: str) -> Callable[[Mapping[str, float], int, bool], None]:
        """A function that logs values at a step of the pretraining under way, and whether it ends.

        It goes on with the run that a killed training left open. Both raise ServiceDown or
        ServiceRefused, the function soon, so that no training waits for MLflow.
        """
        with translated(self._uri):
            experiment = self._experiment(key, campaign)
            open_ = f"tags.`{TRAINING}` = 'pretrain' and attributes.status = 'RUNNING'"
            found = self._search(experiment, open_) or [
                self._client.create_run(
                    experiment, run_name="pretrain", tags={TRAINING: "pretrain"}
                )
            ]
        run = str(found[0].info.run_id)

        def log(values: Mapping[str, float], step: int, ended: bool) -> None:
            _check_answers(self._uri)
            with translated(self._uri):
                for name, value in values.items():
                    self._client.log_metric(run, name, value, step=step)
                if ended:
                    self._client.set_terminated(run, "FINISHED")

        return log

    def _experiment(self, key: str, campaign: str) -> str:
        """Id of the campaign's experiment; a campaign is known by its key, not by its name."""
        found = self._client.search_experiments(filter_string=f"tags.`{KEY}` = '{key}'")
        if found:
            return str(found[0].experiment_id)
        taken = self._client.get_experiment_by_name(campaign)
        name = f"{campaign} ({key[:6]})" if taken else campaign
        return str(self._client.create_experiment(name, tags={KEY: key}))

    def _search(self, experiment: str, condition: str) -> list[Any]:
        return list(self._client.search_runs([experiment], condition, max_results=5000))

    def _delete(self, experiment: str, run: str) -> None:
        for model in self._client.search_logged_models([experiment], f"source_run_id = '{run}'"):
            self._client.delete_logged_model(model.model_id)
        self._client.delete_run(run)

    def _parent(self, experiment: str, record: Mapping[str, Any]) -> str:
        strategy = record["strategy"]
        found = self._search(experiment, f"tags.`{STRATEGY}` = '{strategy}'")
        if found:
            return str(found[0].info.run_id)
        run = self._client.create_run(experiment, run_name=strategy, tags={STRATEGY: strategy})
        self._client.set_terminated(run.info.run_id, "FINISHED")
        return str(run.info.run_id)

    def _child(self, experiment: str, parent: str, record: Mapping[str, Any], number: str) -> str:
        closed = _milliseconds(record)
        run = self._client.create_run(
            experiment,
            start_time=closed,
            run_name=f"round {number}",
            tags={
                "mlflow.parentRunId": parent,
                "mlflow.source.git.commit": record["commit"],
                ROUND: number,
                "labelcycle.tag": record["tag"],
                **{f"digest.{k}": v for k, v in record["plan"]["digests"].items()},
                **{f"digest.{k}": v for k, v in record["metrics"]["digests"].items()},
            },
        )
        name = str(run.info.run_id)
        for key, value in _flat(record["params"]).items():
            self._client.log_param(name, key, str(value)[:6000])
        for key, value in _numbers(record["metrics"]).items():
            self._client.log_metric(name, key, value, timestamp=closed, step=record["round"])
        for folder in ("record", "figures"):
            self._client.log_artifacts(name, str(record["files"][folder]), folder)
        _log_model(name, record)
        return name

    def _curve(self, parent: str, record: Mapping[str, Any]) -> None:
        """One point a round; the fixed time makes a second telling the same point."""
        metrics = record["metrics"]
        for key, value in _numbers({k: metrics.get(k) for k in FIGURES}).items():
            self._client.log_metric(
                parent, key, value, timestamp=_milliseconds(record), step=metrics["labels"]
            )


def _check_answers(uri: str) -> None:
    """Raise ServiceDown fast: MLflow's own client would retry for minutes."""
    if not uri.startswith("http"):
        return
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=10):
            pass
    except urllib.error.HTTPError as error:
        raise ServiceRefused(
            f"MLflow at {bare(uri)} answers {error.code} {error.reason}; wanted 200 from /health;"
            " check MLFLOW_TRACKING_URI and the server's --allowed-hosts"
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise ServiceDown(
            f"MLflow at {bare(uri)} does not answer ({error}); run `labelcycle up` or mend"
            " MLFLOW_TRACKING_URI; the next `labelcycle run` logs what is missing"
        ) from error


@contextmanager
def translated(uri: str) -> Iterator[None]:
    """What MLflow's client raises when its server fails becomes ServiceDown."""
    import mlflow
    import requests

    try:
        yield
    except (requests.RequestException, OSError) as error:
        raise ServiceDown(
            f"MLflow at {bare(uri)} broke off: {' '.join(str(error).split())};"
            " the next `labelcycle run` tries again"
        ) from error
    except mlflow.exceptions.MlflowException as error:
        raise ServiceRefused(
            f"MLflow at {bare(uri)} refused: {' '.join(str(error).split())}"
        ) from error


def _requirements(*parts: str) -> list[str]:
    """What a model of this encoder and learner needs to be served."""
    installed = {each.name for each in importlib.metadata.distributions()}
    further = [name for part in parts for name in FURTHER.get(part, ()) if name in installed]
    names = [*REQUIRED, *further]
    return [f"{name}=={importlib.metadata.version(name)}" for name in names]


def _milliseconds(record: Mapping[str, Any]) -> int:
    closed = datetime.datetime.fromisoformat(record["metrics"]["closed"])
    return int(closed.timestamp() * 1000)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Figures with their intervals, and plain numbers; of people and what they see, too."""
    numbers: dict[str, float] = {}
    for key, value in metrics.items():
        if isinstance(value, Mapping) and value.keys() == {"value", "low", "high"}:
            numbers |= {key: value["value"]}
            numbers |= {f"{key}_{end}": value[end] for end in ("low", "high")}
        elif key in ("people", "preannotation"):
            numbers |= {f"{key}_{name}": each for name, each in _numbers(value).items()}
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[key] = float(value)
    return numbers


def _log_model(run: str, record: Mapping[str, Any]) -> None:
    """Log encoder and classifier as one model that takes images, with the code it needs.

    Nothing where neither takes images: the encoder's features are ready-made.
    """
    files = record["files"]
    encoder, model = (read_json(files[part] / f"{part}.json") for part in ("encoder", "model"))
    if not encoder["image_size"] and not model["image_size"]:
        return
    names = encoder["encoder"], model["learner"]
    import mlflow

    from labelcycle.adapters.mlflow_model import ImageClassifier, signature

    with mlflow.start_run(run_id=run), warnings.catch_warnings():
        # An example would be run through the model again, only to see that it can be.
        warnings.filterwarnings("ignore", message=".*input example was not provided.*")
        mlflow.pyfunc.log_model(
            name="model",
            python_model=ImageClassifier(),
            artifacts={part: str(record["files"][part]) for part in ("encoder", "model")},
            code_paths=[str(Path(labelcycle.__file__).parent)],
            pip_requirements=_requirements(*names),
            signature=signature(),
        )
