"""What MLflow is told, call by call; the client is a stand-in that keeps it in memory."""

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from closed_rounds import KEY, closed
from PIL import Image
from websites import Page, served

from labelcycle.adapters import time_limit
from labelcycle.adapters.local import processes
from labelcycle.adapters.mlflow import logged_models, patient_client, tracker
from labelcycle.adapters.mlflow.simulated_runs import SimulatedTracker
from labelcycle.adapters.mlflow.tracker import MlflowTracker
from labelcycle.adapters.ports import ClosedRound
from labelcycle.campaign import encoder_files, learner_files
from labelcycle.campaign.json_files import dump_json
from labelcycle.core.digests import digest
from labelcycle.errors import DataError, ServiceDown, ServiceRefused

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own, of libraries it uses

URI = "sqlite:////home/me/mlflow.db"
NOON = 1793534400000  # 2026-11-01T12:00:00Z


class Found(list[Any]):
    token: str | None = None


class Client:
    """A tracking server: runs by id, and all that was said of each, in order."""

    def __init__(self) -> None:
        self.experiments: dict[str, SimpleNamespace] = {}
        self.runs: dict[str, SimpleNamespace] = {}
        self.models: list[SimpleNamespace] = []
        self.said: dict[str, list[tuple[Any, ...]]] = {}

    # experiments

    def search_experiments(self, page_token: str | None = None) -> Found:
        """One a page."""
        found = list(self.experiments.values())
        place = int(page_token or 0)
        page = Found(found[place : place + 1])
        page.token = str(place + 1) if place + 1 < len(found) else None
        return page

    def get_experiment_by_name(self, name: str) -> object:
        return next((each for each in self.experiments.values() if each.name == name), None)

    def create_experiment(self, name: str, where: str | None, tags: dict[str, str]) -> str:
        number = str(len(self.experiments) + 1)
        self.experiments[number] = SimpleNamespace(
            experiment_id=int(number), name=name, where=where, tags=tags
        )
        return number

    # runs

    def create_run(
        self,
        experiment: str,
        start_time: int | None = None,
        tags: dict[str, str] | None = None,
        run_name: str | None = None,
    ) -> SimpleNamespace:
        name = f"run{len(self.said)}"
        info = SimpleNamespace(
            run_id=name,
            run_name=run_name,
            start_time=start_time or NOON,
            status="RUNNING",
            experiment=experiment,
        )
        self.runs[name] = SimpleNamespace(info=info, data=SimpleNamespace(tags=dict(tags or {})))
        self.said[name] = []
        return self.runs[name]

    def search_runs(
        self, experiments: list[str], condition: str, max_results: int = 1000
    ) -> list[SimpleNamespace]:
        assert max_results == 5000
        return [
            run
            for run in self.runs.values()
            if run.info.experiment in experiments and self._fits(run, condition)
        ]

    def _fits(self, run: SimpleNamespace, condition: str) -> bool:
        for part in condition.split(" and "):
            name, sign, value = re.fullmatch(r"(\S+) (!?=) '(.*)'", part).groups()  # type: ignore[union-attr]
            got = (
                run.info.status
                if name == "attributes.status"
                else run.data.tags.get(name.removeprefix("tags.`").removesuffix("`"))
            )
            if (got is None) or (got == value) != (sign == "="):
                return False
        return True

    def delete_run(self, run: str) -> None:
        del self.runs[run]

    def set_tag(self, run: str, key: str, value: str) -> None:
        self.runs[run].data.tags[key] = value

    def set_terminated(self, run: str, status: str, end_time: int | None = None) -> None:
        self.runs[run].info.status = status
        self.said[run].append(("end", end_time))

    def log_inputs(self, run: str, inputs: list[Any]) -> None:
        self.said[run].append(("inputs", inputs))

    def log_artifacts(self, run: str, folder: str, name: str) -> None:
        self.said[run].append(("files", folder, name))

    def log_metric(
        self, run: str, key: str, value: float, timestamp: int | None = None, step: int = 0
    ) -> None:
        self.said[run].append(("metric", key, value, timestamp, step))

    def log_batch(self, run: str, metrics: Any = (), params: Any = ()) -> None:
        assert len(params) <= 100
        self.said[run] += [("param", each.key, each.value) for each in params]
        self.said[run] += [("value", each) for each in metrics]

    # models

    def search_logged_models(self, experiments: list[str], condition: str = "", **_: Any) -> Found:
        run = re.fullmatch(r"source_run_id = '(.*)'", condition)
        return Found(each for each in self.models if not run or each.run == run[1])

    def delete_logged_model(self, model: str) -> None:
        self.models = [each for each in self.models if each.model_id != model]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(patient_client, "connected", lambda uri: made)
    monkeypatch.setattr(logged_models, "log", lambda client, experiment, run, record: "m-7")
    monkeypatch.setattr(logged_models, "register", lambda client, run, model, record: None)
    return made


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {name: tmp_path / name for name in ("record", "figures", "encoder", "model")}


def named(client: Client, name: str) -> SimpleNamespace:
    (run,) = [each for each in client.runs.values() if each.info.run_name == name]
    return run


def said(client: Client, name: str, kind: str) -> list[tuple[Any, ...]]:
    return [each[1:] for each in client.said[named(client, name).info.run_id] if each[0] == kind]


def test_the_run_of_a_round(
    client: Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[Any] = []
    monkeypatch.setattr(logged_models, "register", lambda *given: registered.append(given))
    given = closed(0, files)
    MlflowTracker(URI).log_round(given)
    assert registered == [(client, named(client, "round 000").info.run_id, "m-7", given)]
    parent, child = named(client, "typiclust"), named(client, "round 000")
    assert parent.data.tags == {"labelcycle.strategy": "typiclust"}
    assert child.data.tags == {
        "mlflow.parentRunId": parent.info.run_id,
        "mlflow.source.git.commit": "0" * 40,
        "labelcycle.round": "000",
        "labelcycle.tag": "round/000",
        "digest.owned": "o",
        "digest.pool": "p",
        "digest.params": "q",
        "digest.schema": "s",
        "digest.metrics": "m",
        "labelcycle.complete": "yes",
    }
    assert (child.info.start_time, child.info.status) == (NOON, "FINISHED")
    assert said(client, "round 000", "end") == [(NOON,)]
    assert parent.info.status == "FINISHED"
    assert said(client, "round 000", "files") == [
        (str(files["record"]), "record"),
        (str(files["figures"]), "figures"),
    ]
    assert dict(said(client, "round 000", "param")) == {  # type: ignore[arg-type]
        "query.budget": "4",
        "query.options": "{}",
        "campaign.classes": "['dark', 'light']",
    }
    (experiment,) = client.experiments.values()
    assert (experiment.name, experiment.where) == ("birds", "file:///home/me/mlartifacts")
    assert experiment.tags == {"labelcycle.campaign": KEY}


COUNTS = ("round", "budget", "accepted", "rejected", "tasks", "undone", "returned", "bought",
          "people_", "preannotation_")  # fmt: skip
"""Begin the names of further figures."""


def test_the_figures_of_a_round_belong_to_its_model_and_its_hold_out(
    client: Client, files: dict[str, Path]
) -> None:
    MlflowTracker(URI).log_round(closed(2, files))
    values = [each for (each,) in said(client, "round 002", "value")]
    logged = {each.key: each.value for each in values}
    assert {name: logged[name] for name in logged if not name.startswith(COUNTS)} == {
        "accuracy": 0.8,
        "accuracy_low": 0.5,
        "accuracy_high": 0.9,
        "macro_f1": 0.8,
        "macro_f1_low": 0.5,
        "macro_f1_high": 0.9,
        "labels": 12.0,
    }
    assert logged["round"] == 2.0
    assert logged["people_answers"] == logged["preannotation_shown"] == 0.0
    run = named(client, "round 002").info.run_id
    for each in values:
        assert (each.timestamp, each.step) == (NOON + 2 * 86_400_000, 2)
        assert (each.model_id, each.run_id) == ("m-7", run)
        assert (each.dataset_name, each.dataset_digest) == ("hold-out", "c" * 32)
    curve = said(client, "typiclust", "metric")
    when = NOON + 2 * 86_400_000
    assert curve == [
        (name + end, value, when, 12)
        for name in ("accuracy", "macro_f1")
        for end, value in (("", 0.8), ("_low", 0.5), ("_high", 0.9))
    ] + [("learning curve/accuracy", 0.8, when, 12)]


def test_the_data_of_a_round(client: Client, files: dict[str, Path]) -> None:
    MlflowTracker(URI).log_round(closed(1, files))
    for run in ("round 001", "typiclust"):
        ((inputs,),) = said(client, run, "inputs")
        assert [(i.dataset.name, i.dataset.digest, i.dataset.source_type) for i in inputs] == [
            ("pool", "a" * 32, "code"),
            ("labels", f"{1:032x}.dir", "code"),
            ("hold-out", "c" * 32, "code"),
        ]
        assert [json.loads(i.dataset.source) for i in inputs] == [
            {"tags": {"file": f"data/{name}", "git.commit": f"{1:040x}"}}
            for name in ("samples", "labels", "holdout.jsonl")
        ]
        assert [json.loads(i.dataset.profile)["num_rows"] for i in inputs] == [24, 4, 6]
        tags = [(tag.key, tag.value) for i in inputs for tag in i.tags]
        assert tags == [
            ("mlflow.data.context", context) for context in ("training", "training", "evaluation")
        ]


def test_many_and_long_settings_are_logged_in_parts(client: Client, files: dict[str, Path]) -> None:
    params: dict[str, Any] = {f"p{n}": n for n in range(250)} | {"long": "x" * 7000}
    MlflowTracker(URI).log_round(closed(0, files, params=params))
    logged = dict(said(client, "round 000", "param"))  # type: ignore[arg-type]
    assert logged.keys() == params.keys()
    assert logged["long"] == "x" * 6000
    assert logged["p249"] == "249"


def test_a_round_is_replaced_with_its_model(client: Client, files: dict[str, Path]) -> None:
    made = MlflowTracker(URI)
    made.log_round(closed(0, files))
    made.log_round(closed(1, files))
    first = named(client, "round 000").info.run_id
    client.models = [
        SimpleNamespace(model_id="m-1", run=first),
        SimpleNamespace(model_id="m-2", run=named(client, "round 001").info.run_id),
    ]
    made.log_round(closed(0, files))
    assert named(client, "round 000").info.run_id != first
    assert [each.model_id for each in client.models] == ["m-2"]
    assert made.logged(KEY, "birds") == {0, 1}


def test_a_round_counts_with_its_curve_its_encoder_and_its_last_word(
    client: Client, files: dict[str, Path]
) -> None:
    made = MlflowTracker(URI)
    for number in range(4):
        made.log_round(closed(number, files))
    client.models = [SimpleNamespace(model_id="e-1", run="")]
    client.set_tag(named(client, "round 000").info.run_id, "labelcycle.encoder", "e-1")
    client.set_tag(named(client, "round 001").info.run_id, "labelcycle.encoder", "e-2")  # gone
    client.set_tag(named(client, "round 002").info.run_id, "labelcycle.complete", "no")
    assert made.logged(KEY, "birds") == {0, 3}
    client.set_tag(named(client, "round 003").info.run_id, "mlflow.parentRunId", "gone")
    assert made.logged(KEY, "birds") == {0}


def test_a_campaign_is_known_by_its_key(client: Client, files: dict[str, Path]) -> None:
    made = MlflowTracker(URI)
    keys = ("0123456789ab", "fedcba987654", "fedcba000000")
    for key in keys:
        made.log_round(closed(0, files, key=key))
    names = [each.name for each in client.experiments.values()]
    assert names == ["birds", "birds (fedcba)", "birds (fedcba, 2)"]
    for number, key in enumerate(keys, 1):
        assert made.logged(key, "another name") == {0}
        assert made.address(key, "birds") == f"{URI} (mlflow ui --backend-store-uri shows it)"
        assert client.experiments[str(number)].tags == {"labelcycle.campaign": key}
    assert len(client.experiments) == 3


def test_a_training_goes_on_in_the_run_that_is_open(client: Client) -> None:
    made = MlflowTracker(URI)
    log = made.training(KEY, "birds")
    log({"loss": 2.0, "lr": 0.1, "worse": float("inf")}, 3, False)
    again = made.training(KEY, "birds")
    again({"loss": 1.0}, 4, True)
    run = named(client, "pretrain")
    assert run.data.tags == {"labelcycle.training": "pretrain"}
    assert run.info.status == "FINISHED"
    assert said(client, "pretrain", "metric") == [
        ("loss", 2.0, None, 3),
        ("lr", 0.1, None, 3),
        ("loss", 1.0, None, 4),
    ]
    made.training(KEY, "birds")
    assert len(client.runs) == 2  # the first one is over
    assert [each.name for each in client.experiments.values()] == ["birds"]


@pytest.mark.parametrize("word", ["logged", "address", "log_round", "training"])
def test_what_the_server_refuses_is_told(
    client: Client, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("no\n  room")

    monkeypatch.setattr(client, "search_experiments", broken)
    made = MlflowTracker("http://me:hush@127.0.0.1:1")
    given = [closed(0, files)] if word == "log_round" else [KEY, "birds"]
    with pytest.raises(ServiceRefused) as told:
        getattr(made, word)(*given)
    assert str(told.value) == "MLflow at http://127.0.0.1:1 refused: RuntimeError: no room"


def test_what_breaks_off_is_logged_by_the_next_run(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> Any:
        raise OSError("x" * 400)

    monkeypatch.setattr(client, "search_experiments", broken)
    with pytest.raises(ServiceDown) as told:
        MlflowTracker(URI).logged(KEY, "birds")
    assert str(told.value) == (
        f"MLflow at {URI} broke off: {'x' * 300}…; the next `labelcycle run` tries again"
    )


def test_a_server_that_is_slow_is_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def late(work: Any, seconds: float) -> None:
        asked.append(seconds)
        raise TimeoutError(f"after {seconds:g} s")

    monkeypatch.setattr(time_limit, "in_time", late)
    made = MlflowTracker(URI)
    for word, given in (("logged", (KEY, "b")), ("address", (KEY, "b")), ("log_round", ({},))):
        with pytest.raises(ServiceDown) as told:
            getattr(made, word)(*given)
        assert str(told.value) == (
            f"MLflow is too slow (after {asked[-1]:g} s); see to its server or to"
            " MLFLOW_TRACKING_URI; the next `labelcycle run` logs what is missing"
        )
    assert asked == [120, 120, 3600]


def test_without_an_address_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(ServiceDown) as told:
        MlflowTracker()
    assert str(told.value) == (
        "MLFLOW_TRACKING_URI is not set; wanted the address of MLflow; run `labelcycle up` or set"
        " it"
    )


# --- registered models ----------------------------------------------------------------------


class Registry:
    """Versions of registered models, and who is the champion."""

    def __init__(self, **owners: str) -> None:
        self.owners = {name.replace("_", " "): owner for name, owner in owners.items()}
        self.versions: list[SimpleNamespace] = []
        self.champion: tuple[str, str, int] | None = None
        self.made: dict[str, dict[str, str]] = {}

    def get_registered_model(self, name: str) -> SimpleNamespace:
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

        if name not in self.owners:
            raise MlflowException("none", error_code=RESOURCE_DOES_NOT_EXIST)
        return SimpleNamespace(tags={"labelcycle.campaign": self.owners[name]})

    def create_registered_model(self, name: str, tags: dict[str, str]) -> None:
        self.made[name] = tags
        self.owners[name] = tags["labelcycle.campaign"]

    def search_model_versions(self, condition: str) -> list[SimpleNamespace]:
        return [each for each in self.versions if f"name = '{each.name}'" == condition]

    def delete_model_version(self, name: str, version: int) -> None:
        self.versions = [v for v in self.versions if (v.name, v.version) != (name, version)]

    def create_model_version(
        self, name: str, source: str, run_id: str, tags: dict[str, str], model_id: str
    ) -> SimpleNamespace:
        number = 1 + max((each.version for each in self.versions), default=0)
        self.versions.append(
            SimpleNamespace(
                name=name, version=number, source=source, run=run_id, tags=tags, model=model_id
            )
        )
        return self.versions[-1]

    def set_registered_model_alias(self, name: str, alias: str, version: int) -> None:
        self.champion = (name, alias, version)


def record(number: int, campaign: str = "birds") -> ClosedRound:
    nowhere = dict.fromkeys(("record", "figures", "model", "encoder"), Path())
    return closed(number, nowhere, campaign=campaign)


def test_a_round_is_one_version_and_the_last_round_is_the_champion() -> None:
    registry = Registry()
    for number in (0, 2, 1, 2):
        logged_models.register(registry, f"run{number}", f"m{number}", record(number))
    registry.versions.insert(0, SimpleNamespace(name="birds", version=99, tags={}))  # somebody's
    logged_models.register(registry, "again", "m1", record(1))
    ours = [each for each in registry.versions if each.tags]
    assert [(v.tags["labelcycle.round"], v.run, v.model, v.source) for v in ours] == [
        ("000", "run0", "m0", "models:/m0"),
        ("002", "run2", "m2", "models:/m2"),
        ("001", "again", "m1", "models:/m1"),
    ]
    assert registry.champion == ("birds", "champion", ours[1].version)
    assert registry.made == {"birds": {"labelcycle.campaign": KEY}}
    logged_models.appoint(registry, "birds", KEY, 1)
    assert registry.champion == ("birds", "champion", ours[2].version)
    logged_models.appoint(registry, "birds", KEY, 7)  # no model of ours, as of ready-made features
    assert registry.champion == ("birds", "champion", ours[2].version)


@pytest.mark.parametrize(
    ("owners", "campaign", "name"),
    [
        ({}, "a/b:c", "a_b_c"),
        ({}, " ..", "campaign"),
        ({"birds": KEY}, "birds", "birds"),
        ({"birds": "another"}, "birds", "birds (012345)"),
    ],
)
def test_the_name_of_the_registered_model(owners: dict[str, str], campaign: str, name: str) -> None:
    registry = Registry(**owners)
    assert logged_models._registered(registry, campaign, KEY) == name
    assert registry.owners[name] == KEY


def test_a_registry_that_fails_is_no_missing_model(monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException

    def broken(name: str) -> None:
        raise MlflowException("no room")

    registry = Registry()
    monkeypatch.setattr(registry, "get_registered_model", broken)
    with pytest.raises(MlflowException, match="no room"):
        logged_models._registered(registry, "birds", KEY)
    assert registry.made == {}


# --- simulated campaigns --------------------------------------------------------------------


def simulated(*strategies: str) -> dict[str, Any]:
    parts = {"data": "npz", "learner": "linear", "clusterer": "kmeans"}
    figures = {"accuracy": 0.5, "se": None, "gain": 0.0, "gain_low": -0.1, "gain_high": 0.1}
    rows = [
        {**parts, "strategy": strategy, "budget": budget, "seeds": 1, **figures}
        for strategy in strategies
        for budget in (3, 6)
    ]
    return {"experiment": "e", "rows": rows}


def test_simulated_campaigns_are_a_run_with_a_child_for_each_curve(client: Client) -> None:
    results = simulated("random", "typiclust")
    assert SimulatedTracker(URI).log(results) == f"{URI} (mlflow ui --backend-store-uri shows it)"
    (experiment,) = client.experiments.values()
    assert (experiment.name, experiment.tags) == ("e", {"labelcycle.campaign": "simulate e"})
    key = digest(dump_json(results).encode())
    parent = named(client, "e")
    assert parent.data.tags == {"labelcycle.results": key, "labelcycle.complete": "yes"}
    assert parent.info.status == "FINISHED"
    for strategy in ("random", "typiclust"):
        child = named(client, f"npz, linear, kmeans, {strategy}")
        assert child.data.tags == {
            "mlflow.parentRunId": parent.info.run_id,
            "labelcycle.results": key,
        }
        assert child.info.status == "FINISHED"


def test_the_child_of_a_curve_has_its_parts_and_figures(client: Client) -> None:
    SimulatedTracker(URI).log(simulated("random", "typiclust"))
    for strategy in ("random", "typiclust"):
        name = f"npz, linear, kmeans, {strategy}"
        assert said(client, name, "param") == [
            ("data", "npz"),
            ("learner", "linear"),
            ("clusterer", "kmeans"),
            ("strategy", strategy),
        ]
        values = [(v.key, v.value, v.timestamp, v.step) for (v,) in said(client, name, "value")]
        assert values == [
            (figure, value, NOON, budget)
            for budget in (3, 6)
            for figure, value in (
                ("accuracy", 0.5),
                ("gain", 0.0),
                ("gain_low", -0.1),
                ("gain_high", 0.1),
            )
        ]


def test_simulated_campaigns_are_logged_once(client: Client) -> None:
    results = simulated("random", "typiclust")
    tracker = SimulatedTracker(URI)
    tracker.log(results)
    tracker.log(results)
    assert len(client.runs) == 3
    parent = named(client, "e")
    parent.data.tags["labelcycle.complete"] = "no"
    tracker.log(results)
    assert len(client.runs) == 3
    assert parent.info.run_id not in client.runs  # what broke off is replaced
    tracker.log(simulated("margin"))
    assert len(client.runs) == 5


def test_pages_are_read_to_the_end() -> None:
    pages = {None: Found([1, 2]), "a": Found([]), "b": Found([3])}
    pages[None].token, pages["a"].token, pages["b"].token = "a", "b", None
    assert list(tracker._pages(lambda page_token: pages[page_token])) == [1, 2, 3]


# --- the model ------------------------------------------------------------------------------


class Stored:
    """What `mlflow` is asked to log."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        import mlflow
        import mlflow.pyfunc  # its module is loaded late, over what is set

        self.run, self.asked = "", list[dict[str, Any]]()
        monkeypatch.setattr(mlflow, "start_run", self._start)
        monkeypatch.setattr(mlflow.pyfunc, "log_model", self._log)

    @contextmanager
    def _start(self, run_id: str) -> Iterator[None]:
        self.run = run_id
        yield
        self.run = ""

    def _log(self, **asked: Any) -> SimpleNamespace:
        self.asked.append({"run": self.run, **asked})
        return SimpleNamespace(model_id="m-9")


class Shared(Client):
    """Knows the encoder that rounds share."""

    def create_logged_model(self, experiment: str, name: str, model_type: str) -> SimpleNamespace:
        self.models.append(
            SimpleNamespace(
                model_id=f"e-{len(self.models)}",
                run="",
                name=name,
                kind=model_type,
                status="LoggedModelStatus.PENDING",
                files=None,
            )
        )
        return self.models[-1]

    def search_logged_models(self, experiments: list[str], condition: str = "", **_: Any) -> Found:
        return Found(each for each in self.models if condition == f"name = '{each.name}'")

    def log_model_artifacts(self, model: str, folder: str) -> None:
        (found,) = [each for each in self.models if each.model_id == model]
        found.files = folder

    def finalize_logged_model(self, model: str, status: str) -> None:
        (found,) = [each for each in self.models if each.model_id == model]
        found.status = f"LoggedModelStatus.{status}"


def described(files: dict[str, Path], encoder_size: int | None, model_size: int | None) -> None:
    for name, size in (("encoder", encoder_size), ("model", model_size)):
        files[name].mkdir(exist_ok=True)
        words = {"image_size": size, "encoder": "pixels", "learner": "knn"}
        (files[name] / f"{name}.json").write_text(json.dumps(words))
    (files["model"] / "model.safetensors").touch()


def test_the_model_of_a_round_as_it_is_logged(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, client = Stored(monkeypatch), Shared()
    described(files, 8, None)
    run = client.create_run("1").info.run_id
    assert logged_models.log(client, "1", run, closed(3, files)) == "m-9"
    (asked,) = stored.asked
    assert (asked["run"], asked["name"]) == (run, "round-003")
    assert asked["artifacts"] == {
        "model.json": str(files["model"] / "model.json"),
        "model.safetensors": str(files["model"] / "model.safetensors"),
    }
    (code,) = asked["code_paths"]
    assert Path(code).name == "labelcycle"
    assert Path(asked["python_model"]) == Path(code) / "adapters" / "mlflow" / "served_model.py"
    assert Path(asked["python_model"]).is_file()
    assert asked["pip_requirements"] == logged_models.requirements("pixels", "knn")
    assert [(c.name, str(c.type)) for c in asked["signature"].inputs] == [
        ("image", "DataType.binary")
    ]
    assert [(c.name, str(c.type)) for c in asked["signature"].outputs] == [
        ("label", "DataType.string"),
        ("probability", "DataType.double"),
    ]


def test_rounds_with_one_encoder_share_it(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, client = Stored(monkeypatch), Shared()
    described(files, 8, None)
    run = client.create_run("1").info.run_id
    logged_models.log(client, "1", run, closed(3, files))
    (encoder,) = client.models
    assert encoder.name.startswith("encoder-")
    assert (encoder.kind, encoder.files) == ("encoder", str(files["encoder"]))
    assert encoder.status == "LoggedModelStatus.READY"
    assert client.runs[run].data.tags == {"labelcycle.encoder": encoder.model_id}
    logged_models.log(client, "1", run, closed(4, files))
    assert client.models == [encoder]
    configs = [asked["model_config"] for asked in stored.asked]
    assert configs == [{"encoder": f"models:/{encoder.model_id}"}] * 2


def test_a_learner_that_sees_images_needs_no_encoder(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, client = Stored(monkeypatch), Shared()
    run = client.create_run("1").info.run_id
    described(files, None, 32)
    assert logged_models.log(client, "1", run, closed(3, files)) == "m-9"
    assert stored.asked[0]["model_config"] == {}
    assert (client.models, client.runs[run].data.tags) == ([], {})
    described(files, None, None)
    assert logged_models.log(client, "1", run, closed(3, files)) is None
    assert len(stored.asked) == 1


def test_a_model_whose_weights_held_a_withdrawn_sample_is_not_logged(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored, client = Stored(monkeypatch), Shared()
    run = client.create_run("1").info.run_id
    described(files, 8, None)
    (files["model"] / "model.safetensors").unlink()
    assert logged_models.log(client, "1", run, closed(3, files)) is None
    assert (stored.asked, client.models) == ([], [])


class Learner:
    """Three classes; the middle one is likelier the brighter the image is."""

    def predict_proba(self, given: np.ndarray) -> np.ndarray:
        light = given.reshape(len(given), -1).mean(axis=1) / 255
        return np.stack([(1 - light) / 2, light, (1 - light) / 2], axis=1).astype("f4")


@pytest.mark.parametrize("sees_images", [True, False])
def test_the_model_says_the_likeliest_class_and_its_probability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sees_images: bool
) -> None:
    from labelcycle.adapters.mlflow import image_model

    asked: list[Any] = []

    def encoder(address: str) -> SimpleNamespace:
        asked.append(address)
        return SimpleNamespace(
            image_size=4, embed=lambda pixels: asked.append(pixels.shape) or pixels
        )

    monkeypatch.setattr(image_model, "_fetched", encoder)
    monkeypatch.setattr(
        learner_files, "load_learner", lambda folder: asked.append(folder) or Learner()
    )
    words = {"image_size": 6 if sees_images else None, "classes": ["a", "b", "c"], "values": {}}
    (tmp_path / "model.json").write_text(json.dumps(words))
    model = image_model.ImageClassifier()
    context = SimpleNamespace(
        artifacts={"model.json": str(tmp_path / "model.json")},
        model_config={"encoder": "models:/e"},
    )
    model.load_context(context)
    images = []
    for shade in (0, 255, 153):
        Image.new("RGB", (9, 9), (shade,) * 3).save(tmp_path / "x.png")
        images.append((tmp_path / "x.png").read_bytes())
    found = model.predict(None, pd.DataFrame({"image": images}))
    assert list(found["label"]) == ["a", "b", "b"]
    assert found["probability"].dtype == np.float64
    assert list(found["probability"]) == pytest.approx([0.5, 1.0, 0.6], abs=0.01)
    assert tmp_path in asked
    assert ("models:/e" in asked) == ((3, 4, 4, 3) in asked) == (not sees_images)


# --- the client -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "kind", "end"),
    [
        (
            Page(status=403),
            ServiceRefused,
            "answers 403 Forbidden; wanted 200 from /health; check MLFLOW_TRACKING_URI and the"
            " server's --allowed-hosts",
        ),
        (
            Page(status=301, headers={"Location": "https://x.example/"}),
            ServiceRefused,
            "); set MLFLOW_TRACKING_URI to its address",
        ),
    ],
)
def test_a_server_that_does_not_say_that_it_is_well(
    page: Page, kind: type[Exception], end: str
) -> None:
    with served({"/ml/health": page}) as site, pytest.raises(kind) as told:
        patient_client.check_answers(f"{site.url}/ml/")
    assert str(told.value).startswith(f"MLflow at {site.url}/ml/ ")
    assert str(told.value).endswith(end)


def test_a_server_that_is_away() -> None:
    url = f"http://127.0.0.1:{processes.free_port(0, '127.0.0.1')}"
    with pytest.raises(ServiceDown) as told:
        patient_client.check_answers(url.replace("//", "//me:hush@"))
    assert str(told.value).startswith(f"MLflow at {url} does not answer (")
    assert str(told.value).endswith(
        "); run `labelcycle up` or mend MLFLOW_TRACKING_URI; the next `labelcycle run` logs what is"
        " missing"
    )
    patient_client.check_answers("sqlite:////nowhere/m.db")  # no server is asked


def test_the_client_is_told_how_to_behave_unless_somebody_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import mlflow

    set_ = []
    monkeypatch.setattr(mlflow, "set_tracking_uri", lambda uri: set_.append(("tracking", uri)))
    monkeypatch.setattr(mlflow, "set_registry_uri", lambda uri: set_.append(("registry", uri)))
    monkeypatch.setattr(mlflow, "MlflowClient", lambda uri: ("client", uri))
    for name in patient_client.CLIENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    assert patient_client.connected(URI) == ("client", URI)
    assert set_ == [("tracking", URI), ("registry", URI)]
    assert {name: os.environ[name] for name in patient_client.CLIENT} == {
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "7",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    }
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_TIMEOUT")
    patient_client.connected(URI)
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "60"
    assert logging.getLogger("mlflow").level == logging.ERROR
    assert logging.getLogger("alembic").level == logging.ERROR


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (Page(b"1.30.0\n"), " (the server is of version 1.30.0, wanted {} or newer)"),
        (Page(b"x" * 50), " (the server is of version xxxxxxxxxxxxxxxxxxxx, wanted {} or newer)"),
        (Page(status=404), ""),
        (None, ""),
    ],
)
def test_a_server_of_another_version_is_named(page: Page | None, said: str) -> None:
    import mlflow

    with served({"/version": page or Page(mlflow.__version__.encode())}) as site:
        assert patient_client._versions(f"{site.url}/") == said.format(mlflow.__version__)
    assert patient_client._versions(URI) == ""


def test_the_encoder_that_rounds_share_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import mlflow
    import mlflow.artifacts

    from labelcycle.adapters.mlflow import image_model

    asked: list[Any] = []

    def download(artifact_uri: str, dst_path: str) -> str:
        asked.append((artifact_uri, Path(dst_path).is_dir()))
        if artifact_uri == "models:/gone":
            raise RuntimeError("not there")
        return str(tmp_path)

    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", download)
    monkeypatch.setattr(encoder_files, "load_image_encoder", lambda folder: ("encoder of", folder))
    assert image_model._fetched("models:/e") == ("encoder of", tmp_path)
    assert asked == [("models:/e", True)]
    with pytest.raises(DataError) as told:
        image_model._fetched("models:/gone")
    assert str(told.value) == (
        "the model's encoder models:/gone cannot be fetched (not there); it is logged once for all"
        " rounds: set MLFLOW_TRACKING_URI to the server that the model is of"
    )


# --- without samples that were withdrawn ----------------------------------------------------


class Keeping(Client):
    """Runs that were deleted stay, as MLflow has them; so do the files of all."""

    def __init__(self) -> None:
        super().__init__()
        self.versions: list[SimpleNamespace] = []

    def create_run(self, *given: Any, **named: Any) -> SimpleNamespace:
        run = super().create_run(*given, **named)
        run.info.artifact_uri = f"there/{run.info.run_id}"
        run.info.lifecycle_stage = "active"
        return run

    def search_runs(
        self,
        experiments: list[str],
        condition: str,
        max_results: int = 1000,
        run_view_type: int | None = None,
    ) -> list[SimpleNamespace]:
        found = super().search_runs(experiments, condition, max_results)
        everything = run_view_type == 3  # ViewType.ALL
        return [each for each in found if everything or each.info.lifecycle_stage == "active"]

    def delete_run(self, run: str) -> None:
        self.runs[run].info.lifecycle_stage = "deleted"

    def search_model_versions(self, condition: str) -> list[SimpleNamespace]:
        return [each for each in self.versions if f"run_id = '{each.run}'" == condition]

    def delete_model_version(self, name: str, version: int) -> None:
        self.versions = [v for v in self.versions if (v.name, v.version) != (name, version)]


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch, client: Client) -> tuple[Keeping, list[Any]]:
    """A server that keeps files, and which of these are removed: place, server and folder."""
    from mlflow.store.artifact import artifact_repository_registry

    made, removed = Keeping(), list[Any]()

    def files(place: str, tracking_uri: str) -> SimpleNamespace:
        return SimpleNamespace(
            delete_artifacts=lambda *folder: removed.append((place, tracking_uri, *folder))
        )

    monkeypatch.setattr(patient_client, "connected", lambda uri: made)
    monkeypatch.setattr(artifact_repository_registry, "get_artifact_repository", files)
    return made, removed


def test_records_are_replaced_and_models_go(
    keeping: tuple[Keeping, list[Any]], files: dict[str, Path], tmp_path: Path
) -> None:
    client, removed = keeping
    made = MlflowTracker(URI)
    for number in (0, 0, 1, 2):  # the first one is deleted, and its files are there
        made.log_round(closed(number, files))
    by_name: dict[str, list[str]] = {}
    for run in client.runs.values():
        by_name.setdefault(run.info.run_name, []).append(run.info.run_id)
    deleted, first = by_name["round 000"]
    (second,) = by_name["round 001"]
    client.models = [
        SimpleNamespace(model_id=f"m-{run}", run=run, artifact_location=f"models/{run}")
        for run in (deleted, first, second)
    ]
    client.versions = [
        SimpleNamespace(name="birds", version=n, run=run) for n, run in enumerate((first, second))
    ]
    client.said = {run: [] for run in client.said}
    folders = {0: tmp_path / "0", 1: tmp_path / "1"}
    made.replace_records(KEY, "birds", folders, {0})
    assert removed == [
        (f"there/{deleted}", URI, "record"),
        (f"models/{deleted}", URI),
        (f"there/{first}", URI, "record"),
        (f"models/{first}", URI),
        (f"there/{second}", URI, "record"),
    ]
    assert [each.model_id for each in client.models] == [f"m-{second}"]
    assert [each.run for each in client.versions] == [second]
    logged = {run: what for run, what in client.said.items() if what}
    assert logged == {
        first: [("files", str(folders[0]), "record")],
        second: [("files", str(folders[1]), "record")],
    }


def test_the_model_of_an_earlier_round_is_appointed(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(logged_models, "appoint", lambda *given: asked.append(given))
    MlflowTracker(URI).appoint(KEY, "birds", 1)
    assert asked == [(client, "birds", KEY, 1)]


def test_each_cohort_has_its_own_figures() -> None:
    share = {"value": 0.5, "low": 0.4, "high": 0.6}
    cohorts = {"000": {"holdout": 6, "accuracy": share}, "001": {"holdout": 2, "accuracy": None}}
    assert tracker._numbers({"cohorts": cohorts}) == {
        "cohort_0_holdout": 6.0,
        "cohort_0_accuracy": 0.5,
        "cohort_0_accuracy_low": 0.4,
        "cohort_0_accuracy_high": 0.6,
        "cohort_1_holdout": 2.0,
    }
    assert tracker._numbers({"cohorts": None}) == {}
