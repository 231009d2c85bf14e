"""The models of a campaign in MLflow: each round's with its run, the last one as the champion.

An encoder mostly stays the same from round to round. It is logged once, by its digest, and the
rounds' models refer to it.
"""

import importlib.metadata
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import labelcycle
from labelcycle.adapters.mlflow.tracking_uri import KEY
from labelcycle.adapters.ports import ClosedRound
from labelcycle.campaign import layout
from labelcycle.campaign.json_files import read_json
from labelcycle.core.digests import digest, file_digest

ROUND = "labelcycle.round"
ENCODER = "labelcycle.encoder"
"""Tag of a round's run: id of the model that holds the encoder."""

CHAMPION = "champion"
"""Alias of the model of the last closed round."""

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


def log(client: Any, experiment: str, run: str, closed: ClosedRound) -> str | None:
    """Log encoder and classifier of a round as one model that takes images; its id.

    None where neither takes images, for the encoder's features are ready-made, and where the
    weights are gone.
    """
    folders = closed.folders
    encoder = read_json(folders.encoder / layout.ENCODER_JSON)
    model = read_json(folders.model / layout.MODEL_JSON)
    if not encoder["image_size"] and not model["image_size"]:
        return None
    from labelcycle.campaign.learner_files import WEIGHTS

    if not (folders.model / WEIGHTS).exists():  # they held a sample that was withdrawn
        return None
    import mlflow

    from labelcycle.adapters.mlflow.image_model import signature

    settings = {}
    if not model["image_size"]:  # else the learner sees the images itself
        shared = _encoder(client, experiment, folders.encoder)
        client.set_tag(run, ENCODER, shared)
        settings["encoder"] = f"models:/{shared}"
    package = Path(labelcycle.__file__).parent
    with mlflow.start_run(run_id=run), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an example would be run, only to see that it can be
        info = mlflow.pyfunc.log_model(
            name=f"round-{closed.number:03d}",
            python_model=str(package / "adapters" / "mlflow" / "served_model.py"),
            artifacts={name: str(folders.model / name) for name in (layout.MODEL_JSON, WEIGHTS)},
            model_config=settings,
            code_paths=[str(package)],
            pip_requirements=requirements(encoder["encoder"], model["learner"]),
            signature=signature(),
        )
    return str(info.model_id)


def _encoder(client: Any, experiment: str, folder: Path) -> str:
    """Id of the model that holds an encoder's files; logged unless it is there."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    name = f"encoder-{digest(''.join(map(file_digest, files)).encode())}"
    for logged in client.search_logged_models([experiment], f"name = '{name}'"):
        if str(logged.status).rpartition(".")[2] == "READY":
            return str(logged.model_id)
        client.delete_logged_model(logged.model_id)  # it broke off
    new_model = client.create_logged_model(experiment, name=name, model_type="encoder")
    client.log_model_artifacts(new_model.model_id, str(folder))
    client.finalize_logged_model(new_model.model_id, "READY")
    return str(new_model.model_id)


def forget(client: Any, uri: str, experiment: str, run: str) -> None:
    """Remove the models of a run, their files and their versions in the registry."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    for version in client.search_model_versions(f"run_id = '{run}'"):
        client.delete_model_version(version.name, version.version)
    for model in client.search_logged_models([experiment], f"source_run_id = '{run}'"):
        files = get_artifact_repository(model.artifact_location, tracking_uri=uri)
        files.delete_artifacts()  # type: ignore[no-untyped-call]
        client.delete_logged_model(model.model_id)


def register(client: Any, run: str, model: str, closed: ClosedRound) -> None:
    """Make a round's model the one version of that round; the last round's is the champion."""
    name, number = _registered(client, closed.campaign, closed.key), f"{closed.number:03d}"
    versions = {}
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.tags.get(ROUND) == number:
            client.delete_model_version(name, version.version)
        elif ROUND in version.tags:
            versions[version.tags[ROUND]] = version.version
    new_version = client.create_model_version(
        name, f"models:/{model}", run_id=run, tags={ROUND: number}, model_id=model
    )
    versions[number] = new_version.version
    client.set_registered_model_alias(name, CHAMPION, versions[max(versions)])


def appoint(client: Any, campaign: str, key: str, number: int) -> None:
    """Make the model of round `number` the champion, if it has one."""
    name, wanted = _registered(client, campaign, key), f"{number:03d}"
    for version in client.search_model_versions(f"name = '{name}'"):
        if version.tags.get(ROUND) == wanted:
            client.set_registered_model_alias(name, CHAMPION, version.version)


def _registered(client: Any, campaign: str, key: str) -> str:
    """Name of the campaign's registered model; the registry takes neither `/` nor `:`."""
    import mlflow

    plain = re.sub(r"[^\w .()+-]", "_", campaign).strip(" .") or "campaign"
    for name in (plain, f"{plain} ({key[:6]})"):
        try:
            registered_model = client.get_registered_model(name)
        except mlflow.exceptions.MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            client.create_registered_model(name, tags={KEY: key})
            return name
        if registered_model.tags.get(KEY) == key:
            return name
    return name


def requirements(*parts: str) -> list[str]:
    """What a model of this encoder and learner needs to be served."""
    needed = [f"{name}=={importlib.metadata.version(name)}" for name in REQUIRED]
    for name in (name for part in parts for name in FURTHER.get(part, ())):
        with suppress(importlib.metadata.PackageNotFoundError):
            needed.append(f"{name}=={importlib.metadata.version(name)}")
    return needed
