"""The addresses that `labelcycle up` prints."""

from pathlib import Path

import pytest

from labelcycle.adapters import mlflow_place
from labelcycle.adapters.services import Service, Services
from labelcycle.commands.setting_up import _addresses
from labelcycle.store import Campaign

SERVERS = {"label_studio": 8080, "mlflow": 5000, "prefect": 4200}


def test_mlflow_is_shown_by_the_page_of_the_campaign(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(mlflow_place.VARIABLE, "http://127.0.0.1:5000")
    campaign = Campaign(tmp_path)
    services = {}
    for name, port in SERVERS.items():
        address = f"http://127.0.0.1:{port}"
        services[name] = Service(name, name, address, address, 1, 0.0, "log")
    running = Services(services, "admin@localhost", "password")
    _addresses(campaign, running)
    lines = capsys.readouterr().out.split()
    all_experiments = "http://127.0.0.1:5000/#/experiments?workflowType=machine_learning"
    assert {"http://127.0.0.1:8080", all_experiments, "http://127.0.0.1:4200"} <= set(lines)
    mlflow_place.remember(campaign, mlflow_place.page("http://127.0.0.1:5000", "7"))
    _addresses(campaign, running)
    curves = "http://127.0.0.1:5000/#/experiments/7/runs?workflowType=machine_learning"
    assert f"{curves}&compareRunsMode=CHART" in capsys.readouterr().out
